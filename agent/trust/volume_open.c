// SPDX-License-Identifier: Apache-2.0
/* What the volume's side holds: the partition, the running release, whose signatures count. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/trust/volume.h"
#include "cmdline.h"
#include "hex.h"
#include "io.h"
#include "recovery.h"

static uint64_t number(const char *text, const char *key)
{
	char value[24];

	return cmdline_get(text, key, value, sizeof(value)) ? 0 : strtoull(value, NULL, 10);
}

static void word(const char *text, const char *key, char *ret, size_t size)
{
	if (cmdline_get(text, key, ret, size))
		ret[0] = '\0';
}

static int read_release(struct volume *v, const struct volume_places *places, struct err *err)
{
	char text[4096], value[2 * SHA256_SIZE + 1];
	int rc = io_read_file(places->release, text, sizeof(text), NULL);

	if (rc)
		return err_sys(err, rc, "cannot read %s", places->release);
	v->release = number(text, "release");
	v->floor = number(text, "floor");
	word(text, "compatible", v->compatible, sizeof(v->compatible));
	word(text, "architecture", v->architecture, sizeof(v->architecture));
	rc = sealconf_parse(text, &v->policy, &v->cipher, err);
	if (rc)
		return rc;
	if (io_read_file(places->cmdline, text, sizeof(text), NULL))
		text[0] = '\0';
	word(text, "cairn.roothash", value, sizeof(value));
	v->has_roothash = !hex_decode(value, v->roothash, SHA256_SIZE);
	return 0;
}

static void read_keys(struct volume *v, const struct volume_places *places)
{
	uint8_t *buf _cleanup_free_ = malloc(SIGNED_MAX + 1);
	char text[RECOVERY_TEXT_MAX];
	struct err err;
	size_t len;

	if (buf && !io_read_file(places->trust, buf, SIGNED_MAX + 1, &len))
		v->has_trust = trust_open(buf, len, &v->shipped, &err) == 0;
	if (!io_read_file(places->recovery, text, sizeof(text), &len))
		v->has_recovery = recovery_point(text, len, v->recovery) == 0;
}

static enum datahead head_of(int fd)
{
	static uint8_t head[DATAHEAD_BYTES];

	return io_pread(fd, head, sizeof(head), 0) ? DATAHEAD_UNKNOWN : datahead_judge(head);
}

/*
 * open_part - for writing, unless an unencrypted file system is or will be in it: the kernel mounts
 * nothing that somebody else could write to (CONFIG_BLK_DEV_WRITE_MOUNTED).
 */
static int open_part(struct volume *v, const char *part, struct err *err)
{
	static struct keyhead h;
	const char *why;
	struct err ignored;
	int fd = -1, rc;

	v->fd = open(part, O_RDONLY | O_CLOEXEC);
	if (v->fd < 0)
		return err_sys(err, -errno, "cannot open %s", part);
	rc = blockio_open_fd(&v->fd, &v->io, err);
	if (rc)
		return rc;
	rc = keyhead_read(&v->io, &h, NULL, &ignored);
	if (sealconf_decide(v->policy, head_of(v->fd),
			    rc == -ENOENT ? SEALCONF_HEADER_NONE : SEALCONF_HEADER_OK,
			    v->tpm->there ? SEALCONF_TPM_OK : SEALCONF_TPM_ABSENT,
			    &why) != SEALCONF_PLAIN)
		fd = open(part, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		v->read_fd = v->fd;
		v->fd = fd;
		v->writable = true;
	}
	return blockio_open_fd(&v->fd, &v->io, err);
}

void volume_open(struct volume *v, const struct volume_places *places, struct tpm *tpm,
		 struct measured *measured)
{
	int rc;

	memset(v, 0, sizeof(*v));
	v->fd = v->read_fd = -1;
	v->tpm = tpm;
	v->measured = measured;
	v->policy = SEALCONF_REQUIRE;
	v->cipher = KEYHEAD_XTS;
	rc = read_release(v, places, &v->why);
	read_keys(v, places);
	if (!rc && places->part)
		(void)open_part(v, places->part, &v->why);
}

void volume_close(struct volume *v)
{
	io_close_p(&v->fd);
	io_close_p(&v->read_fd);
	v->fd = v->read_fd = -1;
}
