// SPDX-License-Identifier: Apache-2.0
#include "devpath.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

/* Types and subtypes: UEFI 2.10, 10.3. */
enum {
	TYPE_HARDWARE = 0x01,
	TYPE_ACPI = 0x02,
	TYPE_MESSAGING = 0x03,
	TYPE_MEDIA = 0x04,
	TYPE_END = 0x7f,
	HW_PCI = 0x01,
	ACPI_PLAIN = 0x01,
	ACPI_EXPANDED = 0x02,
	MSG_SCSI = 0x02,
	MSG_USB = 0x05,
	MSG_UNIT = 0x11,
	MSG_SATA = 0x12,
	MSG_NVME = 0x17,
	MSG_SD = 0x1a,
	MSG_EMMC = 0x1d,
	/* Compressed EISA identifiers of PCI and PCI Express root bridges. */
	PNP0A03 = 0x0a0341d0,
	PNP0A08 = 0x0a0841d0,
};

#define NODE(type, subtype) ((unsigned int)(type) << 8 | (unsigned int)(subtype))

static int take_pci(struct devpath *p, const uint8_t *data)
{
	if (p->n_pci == DEVPATH_PCI_MAX)
		return -E2BIG;
	p->pci[p->n_pci].function = data[0];
	p->pci[p->n_pci].device = data[1];
	p->n_pci++;
	return 0;
}

static int take_usb(struct devpath *p, const uint8_t *data)
{
	if (p->kind != DEVPATH_USB)
		p->u.usb.n = 0;
	p->kind = DEVPATH_USB;
	if (p->u.usb.n == DEVPATH_USB_MAX)
		return -E2BIG;
	p->u.usb.port[p->u.usb.n++] = data[0];
	return 0;
}

/* One node; its data begin behind the head. Shorter data than the subtype has are refused. */
static int take_node(struct devpath *p, unsigned int node, const uint8_t *data, size_t len,
		     bool *ret_at_root)
{
	static const struct {
		unsigned int node;
		size_t min;
	} mins[] = {
		{ NODE(TYPE_HARDWARE, HW_PCI), 2 },	{ NODE(TYPE_ACPI, ACPI_PLAIN), 8 },
		{ NODE(TYPE_ACPI, ACPI_EXPANDED), 12 }, { NODE(TYPE_MESSAGING, MSG_SCSI), 4 },
		{ NODE(TYPE_MESSAGING, MSG_USB), 2 },	{ NODE(TYPE_MESSAGING, MSG_SATA), 6 },
		{ NODE(TYPE_MESSAGING, MSG_NVME), 12 }, { NODE(TYPE_MESSAGING, MSG_SD), 1 },
		{ NODE(TYPE_MESSAGING, MSG_EMMC), 1 },
	};
	uint32_t hid;
	size_t i;

	for (i = 0; i < sizeof(mins) / sizeof(mins[0]); i++)
		if (mins[i].node == node && len < mins[i].min)
			return -EINVAL;
	switch (node) {
	case NODE(TYPE_ACPI, ACPI_PLAIN):
	case NODE(TYPE_ACPI, ACPI_EXPANDED):
		hid = le32_load(data);
		*ret_at_root = hid == PNP0A03 || hid == PNP0A08;
		p->root_uid = le32_load(data + 4);
		return 0;
	case NODE(TYPE_HARDWARE, HW_PCI):
		/* A path may begin in the middle (short form): it does not say where it is. */
		return *ret_at_root ? take_pci(p, data) : 0;
	case NODE(TYPE_MESSAGING, MSG_USB):
		return take_usb(p, data);
	case NODE(TYPE_MESSAGING, MSG_NVME):
		p->kind = DEVPATH_NVME;
		p->u.nvme_nsid = le32_load(data);
		return 0;
	case NODE(TYPE_MESSAGING, MSG_SATA):
		p->kind = DEVPATH_SATA;
		p->u.sata_port = le16_load(data);
		return 0;
	case NODE(TYPE_MESSAGING, MSG_SCSI):
		p->kind = DEVPATH_SCSI;
		p->u.scsi.target = le16_load(data);
		p->u.scsi.lun = le16_load(data + 2);
		return 0;
	case NODE(TYPE_MESSAGING, MSG_SD):
	case NODE(TYPE_MESSAGING, MSG_EMMC):
		p->kind = DEVPATH_SD;
		p->u.sd_slot = data[0];
		return 0;
	case NODE(TYPE_MESSAGING, MSG_UNIT):
		/* A unit of a USB device: the device is known already. */
		return 0;
	default:
		/* Partitions and files lie on the disk and do not change which one it is. */
		if (node >> 8 != TYPE_MEDIA)
			p->kind = DEVPATH_STRANGE;
		return 0;
	}
}

int devpath_parse(const uint8_t *buf, size_t len, struct devpath *ret)
{
	struct devpath p;
	bool at_root = false;

	if (len > DEVPATH_SIZE_MAX)
		return -EINVAL;
	memset(&p, 0, sizeof(p));
	while (len >= 4) {
		size_t size = le16_load(buf + 2);
		int rc;

		if (size < 4 || size > len)
			return -EINVAL;
		if (buf[0] == TYPE_END) {
			*ret = p;
			return 0;
		}
		rc = take_node(&p, NODE(buf[0], buf[1]), buf + 4, size - 4, &at_root);
		if (rc)
			return rc;
		buf += size;
		len -= size;
	}
	return -EINVAL;
}

int devpath_of_option(const uint8_t *buf, size_t len, struct devpath *ret)
{
	size_t path_len, at = 6;

	if (len < 8 || len > DEVPATH_SIZE_MAX)
		return -EINVAL;
	path_len = le16_load(buf + 4);
	while (at + 2 <= len && le16_load(buf + at) != 0)
		at += 2;
	at += 2;
	if (at > len || path_len > len - at)
		return -EINVAL;
	return devpath_parse(buf + at, path_len, ret);
}

/* The next segment of a path of sysfs; *len is 0 at the end. */
static const char *next_segment(const char *p, size_t *ret_len)
{
	while (*p == '/')
		p++;
	*ret_len = strcspn(p, "/");
	return p;
}

static bool is_hex(const char *s, size_t n)
{
	while (n--)
		if (!strchr("0123456789abcdef", *s) || !*s++)
			return false;
	return true;
}

/* "0000:00:1f.2": a PCI function. */
static bool pci_segment(const char *s, size_t len, unsigned int *ret_device,
			unsigned int *ret_function)
{
	if (len != 12 || !is_hex(s, 4) || s[4] != ':' || !is_hex(s + 5, 2) || s[7] != ':' ||
	    !is_hex(s + 8, 2) || s[10] != '.' || !is_hex(s + 11, 1))
		return false;
	*ret_device = (unsigned int)strtoul(s + 8, NULL, 16);
	*ret_function = (unsigned int)strtoul(s + 11, NULL, 16);
	return true;
}

/* Numbers parted by one character: "1.3" or "2:0:1:0". The count, or 0 for another form. */
static unsigned int numbers(const char *s, size_t len, char part, unsigned int *ret,
			    unsigned int max)
{
	const char *end = s + len;
	unsigned int n = 0;

	while (s < end) {
		unsigned int v = 0;
		const char *digits = s;

		while (s < end && *s >= '0' && *s <= '9' && v < 100000)
			v = v * 10 + (unsigned int)(*s++ - '0');
		if (s == digits || n == max || (s < end && *s != part))
			return 0;
		ret[n++] = v;
		if (s < end && ++s == end)
			return 0;
	}
	return n;
}

/* The rest of the path, behind the controller. */
struct tail {
	bool has_virtio, has_nvme, has_ata, has_mmc;
	unsigned int n_usb, usb[DEVPATH_USB_MAX]; /* ports from 1 */
	unsigned int n_scsi, scsi[4];		  /* host, channel, target, lun */
};

static bool begins(const char *s, size_t len, const char *with)
{
	return len >= strlen(with) && strncmp(s, with, strlen(with)) == 0;
}

static void read_tail(const char *s, struct tail *ret)
{
	size_t len;

	memset(ret, 0, sizeof(*ret));
	for (s = next_segment(s, &len); len; s = next_segment(s + len, &len)) {
		const char *dash = memchr(s, '-', len);
		unsigned int v[DEVPATH_USB_MAX], n;

		ret->has_virtio |= begins(s, len, "virtio");
		ret->has_nvme |= begins(s, len, "nvme");
		ret->has_ata |= begins(s, len, "ata");
		ret->has_mmc |= begins(s, len, "mmc_host");
		/* "2-1.3": the device at port 3 of the hub at port 1 of bus 2. */
		if (dash && numbers(s, (size_t)(dash - s), '.', v, 1) == 1) {
			n = numbers(dash + 1, len - (size_t)(dash + 1 - s), '.', v,
				    DEVPATH_USB_MAX);
			if (n) {
				ret->n_usb = n;
				memcpy(ret->usb, v, sizeof(v));
			}
		}
		n = numbers(s, len, ':', v, 4);
		if (n == 4) {
			ret->n_scsi = n;
			memcpy(ret->scsi, v, sizeof(ret->scsi));
		}
	}
}

/*
 * Firmware counts a controller's ports from 0, those of USB 2 and of USB 3 in one row; Linux has
 * a root hub for each, counted from 1, and the USB 3 ports come second on most controllers.
 */
static enum devpath_match match_usb(const struct devpath *path, const struct tail *t,
				    unsigned int offset)
{
	unsigned int i;

	if (t->n_usb == 0 || t->n_usb != path->u.usb.n)
		return DEVPATH_NO;
	for (i = 1; i < t->n_usb; i++)
		if (t->usb[i] != path->u.usb.port[i] + 1u)
			return DEVPATH_NO;
	if (t->usb[0] == path->u.usb.port[0] + 1u ||
	    (offset && t->usb[0] + offset == path->u.usb.port[0] + 1u))
		return DEVPATH_EXACT;
	return DEVPATH_CONTROLLER;
}

static enum devpath_match match_tail(const struct devpath *path, const struct devpath_disk *disk,
				     const struct tail *t)
{
	switch (path->kind) {
	case DEVPATH_PLAIN:
		return t->has_virtio && !t->n_scsi ? DEVPATH_EXACT : DEVPATH_CONTROLLER;
	case DEVPATH_NVME:
		if (!t->has_nvme)
			return DEVPATH_NO;
		if (!disk->nvme_nsid)
			return DEVPATH_CONTROLLER;
		return disk->nvme_nsid == path->u.nvme_nsid ? DEVPATH_EXACT : DEVPATH_NO;
	case DEVPATH_SATA:
		if (!t->has_ata)
			return DEVPATH_NO;
		if (disk->ata_port < 0)
			return DEVPATH_CONTROLLER;
		return disk->ata_port == path->u.sata_port ? DEVPATH_EXACT : DEVPATH_NO;
	case DEVPATH_USB:
		return match_usb(path, t, disk->usb_offset);
	case DEVPATH_SCSI:
		return t->n_scsi && t->scsi[2] == path->u.scsi.target &&
				       t->scsi[3] == path->u.scsi.lun
			       ? DEVPATH_EXACT
			       : DEVPATH_NO;
	case DEVPATH_SD:
		/* A controller of several slots gives equal matches; the caller then asks on. */
		return t->has_mmc ? DEVPATH_EXACT : DEVPATH_NO;
	default:
		return DEVPATH_CONTROLLER;
	}
}

enum devpath_match devpath_match(const struct devpath *path, const struct devpath_disk *disk)
{
	const char *s = disk->sysfs;
	unsigned int n = 0;
	struct tail tail;
	size_t len;

	if (path->n_pci == 0 || strncmp(s, "/sys/devices/pci", 16) != 0)
		return DEVPATH_NO;
	if (disk->root_uid >= 0 && (uint64_t)disk->root_uid != path->root_uid)
		return DEVPATH_NO;
	s = next_segment(s + 13, &len);
	for (s = next_segment(s + len, &len); len; s = next_segment(s + len, &len)) {
		unsigned int device, function;

		if (!pci_segment(s, len, &device, &function))
			break;
		if (n == path->n_pci || path->pci[n].device != device ||
		    path->pci[n].function != function)
			return DEVPATH_NO;
		n++;
	}
	if (n != path->n_pci)
		return DEVPATH_NO;
	read_tail(s, &tail);
	return match_tail(path, disk, &tail);
}
