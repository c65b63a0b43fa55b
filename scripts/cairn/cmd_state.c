// SPDX-License-Identifier: Apache-2.0
/*
 * The STATE partition as an image ships it: the same bytes that the device would repair it to. And
 * the boot state in an image: what it says, and what the device would write, for tests.
 */
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockrange.h"
#include "bootstateio.h"
#include "io.h"

struct place {
	int fd;
	struct blockio file;
	struct blockrange part;
	struct bootstateio state;
};

static int place_open(struct place *p, const char *path, const char *at, int flags, struct err *err)
{
	uint64_t offset;
	int rc;

	if (cmd_number(at, UINT64_MAX, &offset))
		return cmd_usage(err, "`%s` is no number of bytes", at);
	p->fd = open(path, flags | O_CLOEXEC);
	if (p->fd < 0) {
		(void)err_sys(err, -errno, "%s", path);
		return CMD_SYSTEM;
	}
	rc = blockio_open_fd(&p->fd, &p->file, err);
	if (!rc && (p->file.size_bytes < BOOTSTATE_PART_BYTES ||
		    offset > p->file.size_bytes - BOOTSTATE_PART_BYTES)) {
		(void)err_set(err, 0, "%s has no STATE partition at byte %s", path, at);
		return CMD_REFUSED;
	}
	if (!rc) {
		blockrange_init(&p->part, &p->file, offset, BOOTSTATE_PART_BYTES);
		rc = bootstateio_load(&p->part.io, BOOTSTATE_A, &p->state, err);
	}
	return rc ? CMD_SYSTEM : 0;
}

static int show(const char *path, const char *at, struct err *err)
{
	struct place p = { .fd = -1 };
	const struct bootstate *s = &p.state.state;
	int rc = place_open(&p, path, at, O_RDONLY, err);

	if (!rc)
		(void)printf("primary=%s\na_good=%d\na_tries=%u\nb_good=%d\nb_tries=%u\n"
			     "booted=%s\nesp=%u\ns0=%s\ns1=%s\nfs=%s\nknown=%s\n",
			     bootstate_name(s->primary), s->a.good, s->a.tries, s->b.good,
			     s->b.tries, bootstate_name(s->booted), s->esp,
			     p.state.damaged[0] ? "damaged" : "ok",
			     p.state.damaged[1] ? "damaged" : "ok",
			     p.state.fs_damaged ? "damaged" : "ok", p.state.lost ? "no" : "yes");
	io_close_p(&p.fd);
	return rc;
}

/* One `key=value`, as in the file. */
static int change(struct bootstate *s, const char *word)
{
	struct bootstate_mark *m = word[0] == 'b' ? &s->b : &s->a;
	const char *value = strchr(word, '=');
	size_t len;

	if (!value || !value[1] || value[2])
		return -EINVAL;
	len = (size_t)(value++ - word);
#define IS(text) (len == sizeof(text) - 1 && memcmp(word, text, len) == 0)
	if (IS("primary") && strchr("ab", *value))
		s->primary = *value == 'b' ? BOOTSTATE_B : BOOTSTATE_A;
	else if (IS("booted") && strchr("ab", *value))
		s->booted = *value == 'b' ? BOOTSTATE_B : BOOTSTATE_A;
	else if ((IS("a_good") || IS("b_good")) && strchr("01", *value))
		m->good = *value == '1';
	else if ((IS("a_tries") || IS("b_tries")) && strchr("0123", *value))
		m->tries = (uint8_t)(*value - '0');
	else if (IS("esp") && strchr("12", *value))
		s->esp = (uint8_t)(*value - '0');
	else
		return -EINVAL;
#undef IS
	return 0;
}

static int set(const char *path, const char *at, char **words, struct err *err)
{
	struct place p = { .fd = -1 };
	int rc = place_open(&p, path, at, O_RDWR, err);

	for (; !rc && *words; words++)
		if (change(&p.state.state, *words))
			rc = cmd_usage(err, "`%s` is nothing that a boot state can say", *words);
	if (!rc && bootstateio_store(&p.part.io, &p.state, err))
		rc = CMD_SYSTEM;
	io_close_p(&p.fd);
	return rc;
}

static int make(const char *path, enum bootstate_slot slot, struct err *err)
{
	struct bootstate state = bootstate_factory(slot);
	uint8_t *part = calloc(1, BOOTSTATE_PART_BYTES);
	int rc;

	if (!part)
		return CMD_SYSTEM;
	bootstate_mkfs(&state, part);
	rc = cmd_save(path, part, BOOTSTATE_PART_BYTES, err);
	free(part);
	return rc;
}

int cmd_state(int argc, char **argv, struct err *err)
{
	if (argc == 4 && strcmp(argv[1], "--show") == 0)
		return show(argv[2], argv[3], err);
	if (argc >= 4 && strcmp(argv[1], "--set") == 0)
		return set(argv[2], argv[3], argv + 4, err);
	if (argc == 2 && argv[1][0] != '-')
		return make(argv[1], BOOTSTATE_A, err);
	if (argc == 3 && (strcmp(argv[2], "a") == 0 || strcmp(argv[2], "b") == 0))
		return make(argv[1], argv[2][0] == 'b' ? BOOTSTATE_B : BOOTSTATE_A, err);
	return cmd_usage(err,
			 "state OUT [a|b] | --show IMAGE BYTE | --set IMAGE BYTE KEY=VALUE...");
}
