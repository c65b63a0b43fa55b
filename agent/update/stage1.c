// SPDX-License-Identifier: Apache-2.0
#include "stage1.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/update/fault.h"
#include "bootstateio.h"
#include "gpt.h"
#include "hex.h"
#include "io.h"

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#if defined(__aarch64__)
#define LOADER "\\EFI\\BOOT\\BOOTAA64.EFI"
#elif defined(__riscv)
#define LOADER "\\EFI\\BOOT\\BOOTRISCV64.EFI"
#else
#define LOADER "\\EFI\\BOOT\\BOOTX64.EFI"
#endif

static const unsigned int partition[2] = { 1, 8 };

static int read_boot_id(uint8_t ret[static STAGE1_BOOT_ID_BYTES], struct err *err)
{
	char text[64], digits[2 * STAGE1_BOOT_ID_BYTES + 1];
	size_t i, n = 0;
	int rc = io_read_file(BOOT_ID_FILE, text, sizeof(text), NULL);

	if (rc)
		return err_sys(err, rc, "read " BOOT_ID_FILE);
	for (i = 0; text[i] && n < sizeof(digits) - 1; i++)
		if (isxdigit((unsigned char)text[i]))
			digits[n++] = text[i];
	digits[n] = '\0';
	rc = hex_decode(digits, ret, STAGE1_BOOT_ID_BYTES);
	return rc ? err_set(err, rc, BOOT_ID_FILE " holds no number") : 0;
}

/* The two places, from the disk's partition table. */
static int read_places(const char *disk, struct efiboot_esp *places, struct err *err)
{
	struct gpt *g _cleanup_free_ = malloc(sizeof(*g));
	int fd _cleanup_close_ = open(disk, O_RDONLY | O_CLOEXEC);
	struct blockio io;
	int i, rc;

	if (!g)
		return err_set(err, -ENOMEM, "no memory");
	if (fd < 0)
		return err_sys(err, -errno, "open %s", disk);
	rc = blockio_open_fd(&fd, &io, err);
	if (!rc)
		rc = gpt_read(&io, g, err);
	for (i = 0; !rc && i < 2; i++) {
		struct gpt_part p;

		rc = gpt_get(g, partition[i], &p);
		if (rc)
			return err_set(err, -ENOENT, "%s has no partition %u: one ESP only", disk,
				       partition[i]);
		places[i] = (struct efiboot_esp){ .partition = partition[i],
						  .first_lba = p.first_lba,
						  .sectors = p.last_lba - p.first_lba + 1,
						  .file = LOADER };
		memcpy(places[i].guid, p.guid, sizeof(places[i].guid));
	}
	return rc;
}

static int open_all(struct writer_stage1 *s, const char *disk, struct err *err)
{
	char last = disk[strlen(disk) - 1], node[64];
	int i, rc = read_places(disk, s->machine.place, err);

	rc = rc ? rc : read_boot_id(s->machine.boot_id, err);
	for (i = 0; !rc && i < 2; i++) {
		(void)snprintf(node, sizeof(node), "%.48s%s%u", disk,
			       isdigit((unsigned char)last) ? "p" : "", partition[i]);
		rc = slotio_open(&s->esp[i], node, SLOTIO_WRITE | SLOTIO_DIRECT, err);
		s->machine.esp[i] = &s->esp[i].io;
	}
	if (!rc && posix_memalign((void **)&s->machine.buf, 4096, 2 * (size_t)STAGE1_COPY_BYTES))
		rc = err_set(err, -ENOMEM, "no memory");
	return rc ? rc : efivars_start(&s->efivars, err);
}

void stage1_open(struct writer_stage1 *s, const char *disk, const struct blockio *state)
{
	memset(s, 0, sizeof(*s));
	s->esp[0].fd = s->esp[0].direct_fd = s->esp[1].fd = s->esp[1].direct_fd = -1;
	s->machine.state = state;
	s->usable = open_all(s, disk, &s->why) == 0;
	s->machine.vars = &s->efivars.vars;
	if (!s->usable)
		(void)dprintf(2, "writer: stage 1 stays as it is: %s\n", s->why.msg);
}

bool stage1_from(struct writer_stage1 *s, enum bootstate_slot running)
{
	struct bootstateio b;

	if (!s->usable || bootstateio_load(s->machine.state, running, &b, NULL) || b.lost ||
	    b.state.booted != running)
		return false;
	s->machine.from = b.state.esp;
	return true;
}

uint32_t stage1_has(struct writer_stage1 *s, enum bootstate_slot running)
{
	struct stage1_facts f;
	uint32_t least;

	if (!stage1_from(s, running))
		return 1;
	stage1run_facts(&s->machine, &f);
	least = stage1_least(&f);
	return least ? least : 1;
}

int stage1_begin(struct writer_stage1 *s, enum bootstate_slot running, uint32_t generation,
		 const struct blockio **ret_dst, struct err *err)
{
	struct stage1_facts f;
	int rc;

	*ret_dst = NULL;
	if (!stage1_from(s, running))
		return 0;
	stage1run_facts(&s->machine, &f);
	if (!stage1_takes(&f, generation))
		return 0;
	rc = stage1_hold_init(&s->hold, s->machine.esp[1], err);
	if (!rc)
		*ret_dst = &s->hold.io;
	return rc;
}

int stage1_end(struct writer_stage1 *s, struct err *err)
{
	fault_point("stage1-first-sector");
	return stage1_hold_release(&s->hold, err);
}

bool stage1_waits(struct writer_stage1 *s, enum bootstate_slot running)
{
	return stage1_from(s, running) && stage1run_waits(&s->machine);
}

int stage1_go(struct writer_stage1 *s, enum bootstate_slot running, struct err *ret_said)
{
	const struct bootstate_mark *mark;
	enum stage1_action did;
	struct bootstateio b;
	int rc;

	if (!stage1_from(s, running))
		return err_set(ret_said, -ENODEV, "%s",
			       s->usable ? "which ESP started the machine is not known"
					 : s->why.msg);
	rc = bootstateio_load(s->machine.state, running, &b, ret_said);
	if (rc)
		return rc;
	/* GRUB took a try at this start; only mark-good filled them again. */
	mark = bootstate_mark_get(&b.state, running);
	if (!mark->good || mark->tries != BOOTSTATE_TRIES)
		return err_set(ret_said, -EAGAIN, "the booted slot is not marked good");
	fault_point("stage1-go");
	rc = stage1run_go(&s->machine, &did, ret_said);
	fault_point("stage1-went");
	return rc;
}
