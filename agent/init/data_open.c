// SPDX-License-Identifier: Apache-2.0
#include "data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "agent/trust/client.h"
#include "lib/cmdline.h"
#include "lib/datahead.h"
#include "lib/dataplan.h"
#include "lib/io.h"

/* Everything before the mark is on the disk before it, and it before what follows. */
static int put_mark(const char *part, enum datahead what, struct err *err)
{
	uint8_t sector[DATAHEAD_MARK_BYTES], back[DATAHEAD_MARK_BYTES];
	int fd _cleanup_close_ = open(part, O_RDWR | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return err_sys(err, -errno, "cannot open %s", part);
	datahead_mark(what, sector);
	rc = fsync(fd) ? -errno : io_pwrite(fd, sector, sizeof(sector), 0);
	if (!rc && fsync(fd))
		rc = -errno;
	if (!rc)
		rc = io_pread(fd, back, sizeof(back), 0);
	if (!rc && memcmp(sector, back, sizeof(sector)) != 0)
		rc = -EIO;
	return rc ? err_sys(err, rc, "cannot mark %s as %s", part, datahead_name(what)) : 0;
}

static int read_head(const struct data_disk *d, enum datahead *ret, struct err *err)
{
	static uint8_t head[DATAHEAD_BYTES];
	int fd _cleanup_close_ = open(d->part, O_RDONLY | O_CLOEXEC);
	int rc = fd < 0 ? -errno : io_pread(fd, head, sizeof(head), 0);

	if (rc)
		return err_sys(err, rc, "cannot read %s", d->part);
	*ret = datahead_judge(head);
	return 0;
}

static enum dataplan_order ask(const struct data_places *p, struct trustd_data *ret,
			       struct err *err)
{
	static const enum dataplan_order orders[] = {
		[TRUSTD_DATA_PLAIN] = DATAPLAN_PLAIN,
		[TRUSTD_DATA_OPEN] = DATAPLAN_OPEN,
		[TRUSTD_DATA_MAKE] = DATAPLAN_MAKE,
		[TRUSTD_DATA_CLOSED] = DATAPLAN_CLOSED,
	};
	int rc;

	memset(ret, 0, sizeof(*ret));
	rc = trustd_data(p->trust, data_feed, ret, err);
	if (rc) {
		err_prefix(err, "service trust");
		return DATAPLAN_SILENT;
	}
	ret->why[sizeof(ret->why) - 1] = '\0';
	if (ret->what >= sizeof(orders) / sizeof(orders[0]) || !orders[ret->what]) {
		(void)err_set(err, 0, "service trust gives an order that is not known here");
		return DATAPLAN_SILENT;
	}
	(void)err_set(err, 0, "%s", ret->why);
	return orders[ret->what];
}

static void plain_volume(const struct data_disk *d, struct data_volume *ret)
{
	memset(ret, 0, sizeof(*ret));
	(void)snprintf(ret->node, sizeof(ret->node), "%s", d->part);
	ret->size_bytes = d->size_bytes;
}

/* Keys of before are no longer of use, so that they are gone with what they opened. */
static int new_plain(const struct data_disk *d, const struct data_places *p, enum datahead head,
		     struct data_volume *ret, struct err *err)
{
	struct err ignored;
	int rc;

	if (head == DATAHEAD_MAKING_ENCRYPTED)
		(void)trustd_data_wipe(p->trust, data_feed, &ignored);
	plain_volume(d, ret);
	rc = put_mark(d->part, DATAHEAD_MAKING, err);
	rc = rc ? rc : data_fs_make(ret, p, err);
	return rc ? rc : put_mark(d->part, DATAHEAD_MADE, err);
}

static int new_encrypted(const struct data_disk *d, const struct data_places *p, enum datahead head,
			 uint32_t cipher, struct data_volume *ret, struct err *err)
{
	struct trustd_key key;
	int rc = put_mark(d->part, DATAHEAD_MAKING_ENCRYPTED, err);

	/* The making was cut, or this is a factory reset: a key of before opens nothing more. */
	if (!rc && head == DATAHEAD_MAKING_ENCRYPTED)
		rc = trustd_data_wipe(p->trust, data_feed, err);
	if (!rc)
		rc = trustd_data_new(p->trust, cipher, data_feed, &key, err);
	if (rc) {
		err_prefix(err, "no key for DATA");
		return rc;
	}
	rc = data_crypt_open(d, &key, true, ret, err);
	explicit_bzero(&key, sizeof(key));
	rc = rc ? rc : data_fs_make(ret, p, err);
	return rc ? rc : put_mark(d->part, DATAHEAD_ENCRYPTED, err);
}

static int unlock(const struct data_disk *d, const struct data_places *p, bool mend,
		  struct data_volume *ret, bool *ret_locked, struct err *err)
{
	struct trustd_key key;
	int rc = trustd_data_key(p->trust, data_feed, &key, err);

	*ret_locked = rc != 0;
	if (rc)
		return rc;
	rc = data_crypt_open(d, &key, false, ret, err);
	explicit_bzero(&key, sizeof(key));
	if (!rc && mend)
		rc = put_mark(d->part, DATAHEAD_ENCRYPTED, err);
	return rc;
}

/* A first step: the volume is there, its file system made or checked. */
static int bring_up(const struct data_disk *d, const struct data_places *p, struct data_opened *o,
		    struct err *err)
{
	struct trustd_data trust;
	enum dataplan_order order;
	enum datahead head = DATAHEAD_UNKNOWN;
	enum dataplan plan;
	bool locked = false, repaired = false;
	int rc = read_head(d, &head, err);

	o->state = DATA_FAILED;
	o->note.msg[0] = '\0';
	if (rc)
		return rc;
	o->volume.encrypted = head == DATAHEAD_ENCRYPTED;
	order = ask(p, &trust, err);
	plan = dataplan_next(head, order);
	switch (plan) {
	case DATAPLAN_NEW_PLAIN:
		rc = new_plain(d, p, head, &o->volume, err);
		break;
	case DATAPLAN_NEW_ENCRYPTED:
		rc = new_encrypted(d, p, head, trust.cipher, &o->volume, err);
		break;
	case DATAPLAN_MOUNT:
		plain_volume(d, &o->volume);
		break;
	case DATAPLAN_UNLOCK:
	case DATAPLAN_UNLOCK_MEND:
		rc = unlock(d, p, plan == DATAPLAN_UNLOCK_MEND, &o->volume, &locked, err);
		break;
	case DATAPLAN_LOCK:
		locked = true;
		rc = -EACCES;
		break;
	default:
		rc = err_set(err, -EEXIST, "%s holds something unknown, which is left as it is",
			     d->part);
	}
	if (locked)
		o->state = DATA_LOCKED;
	if (rc)
		return rc;
	if (!o->volume.encrypted)
		(void)err_set(&o->note, 0, "%s", trust.why);
	o->state = DATA_CREATED;
	if (plan == DATAPLAN_NEW_PLAIN || plan == DATAPLAN_NEW_ENCRYPTED)
		return 0;
	o->state = DATA_FAILED;
	rc = data_fs_check(&o->volume, p, &repaired, err);
	if (rc)
		return rc;
	o->state = repaired ? DATA_REPAIRED : DATA_OK;
	rc = data_fs_before_growth(&o->volume);
	if (rc)
		(void)fprintf(stderr, "cannot write the end of DATA: %s\n", strerror(-rc));
	return 0;
}

/* bring_up and mount it; a failure leaves neither. */
static int up(const struct data_disk *d, const struct data_places *p, struct data_opened *o,
	      struct err *err)
{
	int rc;

	memset(&o->volume, 0, sizeof(o->volume));
	rc = bring_up(d, p, o, err);
	if (!rc) {
		rc = data_fs_mount(&o->volume, p->mount, err);
		if (rc)
			o->state = DATA_FAILED;
	}
	if (rc)
		data_crypt_close();
	return rc;
}

/*
 * Factory reset of all: the mark "being made" first, which a cut leaves for the next boot; from
 * there it is a first boot, which begins with the end of the old key.
 */
static int reset_whole(const struct data_disk *d, const struct data_places *p,
		       struct data_opened *o, struct err *err)
{
	enum datahead mark = o->volume.encrypted ? DATAHEAD_MAKING_ENCRYPTED : DATAHEAD_MAKING;
	int rc;

	o->state = DATA_FAILED;
	if (umount(p->mount))
		return err_sys(err, -errno, "cannot unmount %s", p->mount);
	data_crypt_close();
	rc = put_mark(d->part, mark, err);
	return rc ? rc : up(d, p, o, err);
}

static int reset(const struct data_disk *d, const struct data_places *p, struct data_opened *o,
		 struct err *err)
{
	enum data_reset what = data_reset_wanted(p->mount);
	int rc;

	if (what == DATA_RESET_NOT)
		return 0;
	(void)fprintf(stderr, "factory reset%s\n",
		      what == DATA_RESET_KEEPING ? ", the identity is kept" : "");
	if (what == DATA_RESET_WHOLE)
		return reset_whole(d, p, o, err);
	o->state = DATA_CREATED;
	rc = data_reset_keep(p->mount, err);
	if (rc) {
		o->state = DATA_FAILED;
		(void)umount(p->mount);
		data_crypt_close();
	}
	return rc;
}

int data_open(const struct data_disk *d, const struct data_places *p, struct data_opened *ret,
	      struct err *err)
{
	int rc = up(d, p, ret, err);

	if (!rc)
		rc = reset(d, p, ret, err);
	if (!rc)
		data_fs_grow(&ret->volume, p->mount);
	return rc;
}

void data_sealed(const struct data_places *p, char ret_text[static STATUS_TEXT_SIZE])
{
	static struct trustd_request q;
	static struct trustd_reply r;
	char text[TRUSTD_REPLY_BYTES + 1], key[16], value[64], counter[24], of[24], release[24];
	struct err ignored;
	size_t used = 0;
	unsigned int i;

	ret_text[0] = '\0';
	memset(&q, 0, sizeof(q));
	q.version = TRUSTD_VERSION;
	q.op = TRUSTD_SEALED;
	if (trustd_ask(p->trust, &q, -1, TRUSTD_TIMEOUT_MS, data_feed, &r, NULL, &ignored) ||
	    r.len >= sizeof(text))
		return;
	memcpy(text, r.body, r.len);
	text[r.len] = '\0';
	if (cmdline_get(text, "counter", counter, sizeof(counter)))
		return;
	for (i = 0; i < KEYHEAD_BLOBS_MAX && used + 64 < STATUS_TEXT_SIZE; i++) {
		(void)snprintf(key, sizeof(key), "sealed%u", i);
		/* What is sealed at another value of the counter is dead. */
		if (cmdline_get(text, key, value, sizeof(value)) ||
		    cmdline_get(value, "counter", of, sizeof(of)) || strcmp(of, counter) != 0 ||
		    cmdline_get(value, "release", release, sizeof(release)))
			continue;
		used += (size_t)snprintf(ret_text + used, STATUS_TEXT_SIZE - used, "%s%s",
					 used ? ", " : "PCR 4, 7, 9; counter; releases ", release);
	}
}
