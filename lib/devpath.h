// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_DEVPATH_H
#define CAIRN_DEVPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * UEFI device paths (UEFI 2.10, chapter 10), as far as they lead to a disk, and which disk of
 * Linux's sysfs one means. The firmware's boot entry names the disk it started; nothing else in
 * the machine does.
 *
 *     a node: type (1), subtype (1), length with this head (2, little-endian), data
 *     a load option (3.1.3): attributes (4), bytes of the path (2), description (UTF-16, NUL),
 *     the path, optional data
 */

#define DEVPATH_SIZE_MAX 4096 /* bytes of a path or load option */
#define DEVPATH_PCI_MAX 8     /* bridges on the way and the controller */
#define DEVPATH_USB_MAX 7     /* hubs and the device (USB 3.2, 10.3: five hubs) */

/* The last node that leads to a disk. */
enum devpath_kind {
	DEVPATH_PLAIN, /* nothing after the controller: virtio-blk, or a firmware that is vague */
	DEVPATH_NVME,
	DEVPATH_SATA,
	DEVPATH_USB,
	DEVPATH_SCSI,
	DEVPATH_SD,	 /* and eMMC */
	DEVPATH_STRANGE, /* a node of another kind: only the controller is known */
};

struct devpath {
	uint32_t root_uid;  /* _UID of the PCI root bridge */
	unsigned int n_pci; /* 0: the path does not begin at a root bridge, so it says nothing */
	struct {
		uint8_t device, function;
	} pci[DEVPATH_PCI_MAX];
	enum devpath_kind kind;
	union {
		uint32_t nvme_nsid;
		uint16_t sata_port;
		struct {
			uint16_t target, lun;
		} scsi;
		uint8_t sd_slot;
		struct {
			unsigned int n;
			uint8_t port[DEVPATH_USB_MAX]; /* from 0, the controller's own first */
		} usb;
	} u;
};

/*
 * devpath_parse - the first instance of a path.
 * Errors: -EINVAL malformed, -E2BIG more bridges or hubs than the limits.
 */
int devpath_parse(const uint8_t *buf, size_t len, struct devpath *ret);

/*
 * devpath_of_option - the path of a load option, the content of a Boot#### variable.
 * Errors: -EINVAL malformed, or as devpath_parse.
 */
int devpath_of_option(const uint8_t *buf, size_t len, struct devpath *ret);

/* A disk as Linux shows it. */
struct devpath_disk {
	/* Where /sys/class/block/NAME leads: "/sys/devices/pci0000:00/0000:00:1f.2/ata1/..." */
	const char *sysfs;
	int64_t root_uid;	 /* of the root bridge; -1 unknown */
	uint32_t nvme_nsid;	 /* 0 unknown */
	int ata_port;		 /* from 0; -1 unknown */
	unsigned int usb_offset; /* ports of the controller's USB 2 root hub; 0 unknown */
};

enum devpath_match {
	DEVPATH_NO,
	DEVPATH_CONTROLLER, /* behind the same controller, perhaps the same disk */
	DEVPATH_EXACT,
};

/* devpath_match - is this disk the one that the path leads to? */
enum devpath_match devpath_match(const struct devpath *path, const struct devpath_disk *disk);

#endif
