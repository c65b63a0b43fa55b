// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_STAGE1_H
#define CAIRN_STAGE1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blockio.h"
#include "err.h"

/*
 * Replacing stage-1 GRUB. There are two ESPs, 1 and 2 (partitions 1 and 8); GRUB tells which one it
 * came from (lib/bootstate.h, esp), and that one is never written.
 *
 *     1. ESP 2 is written whole as an image, its first sector, without which it is no file system,
 *        last; read back
 *     2. BootNext names it: the next start, whatever its reason, tries it once
 *     3. it came up and the machine is healthy: BootOrder puts it first
 *     4. it came up by BootOrder too, healthy: ESP 1 gets its content
 *     5. BootOrder puts ESP 1 first again
 *
 * Cut at any place, firmware finds an ESP that worked before: by BootOrder, or, where it forgot
 * that, by the removable path, which both have. That path is looked for in ESP 1 first, so a GRUB
 * that has not proven itself is only ever in ESP 2. A firmware that forgets BootNext, BootOrder or
 * our entries never comes to 4; after STAGE1_TRIES starts ESP 2 gets the old content back, and the
 * machine stays with the stage 1 that it has.
 *
 * The generation of the GRUB in an ESP is in its volume number, 0x4341GGGG (scripts/image.sh), in
 * the very sector that is written last.
 */

#define STAGE1_TRIES 3

/* The generation that an ESP's first sector names; 0: it holds no complete one. */
uint32_t stage1_generation(const uint8_t *sector, size_t len);

/*
 * How far things are: one sector on the STATE partition behind the boot state, text, padded with
 * zeros. Unreadable or invalid counts as STAGE1_NONE.
 *
 *     "cairn-stage1 1\n" "phase=none|armed|promoted|refused\n" "generation=N\n" "tries=N\n"
 *     "boot=<32 hex>\n" "end\n"
 */
#define STAGE1_RECORD_BYTES 512
#define STAGE1_RECORD_OFFSET 65536
#define STAGE1_BOOT_ID_BYTES 16

enum stage1_phase {
	STAGE1_NONE,
	STAGE1_ARMED,	 /* BootNext was set for it `tries` times */
	STAGE1_PROMOTED, /* it is first in BootOrder */
	STAGE1_REFUSED,	 /* it was not started, or never came up healthy */
	STAGE1_PHASES
};

struct stage1_record {
	enum stage1_phase phase;
	uint32_t generation;		       /* that all this is about */
	uint32_t tries;			       /* 0..STAGE1_TRIES */
	uint8_t boot_id[STAGE1_BOOT_ID_BYTES]; /* of the start in which it was written */
};

void stage1_record_format(const struct stage1_record *r,
			  uint8_t ret_buf[static STAGE1_RECORD_BYTES]);
/* stage1_record_parse - Errors: -EINVAL; *ret is then all zero. */
int stage1_record_parse(const uint8_t *buf, size_t len, struct stage1_record *ret);

/* The decision. */
struct stage1_facts {
	uint8_t esp;	/* 1, 2: where GRUB came from */
	uint32_t here;	/* generation of the ESP that GRUB came from; 0: unreadable */
	uint32_t other; /* of the other one; 0: not complete */
	bool home;	/* BootOrder names ESP 1 first */
	bool vars;	/* the firmware's variables can be read and written */
	bool same_boot; /* the record was written in this start */
	struct stage1_record record;
};

enum stage1_action {
	STAGE1_REST,	/* nothing to do, or not before the next start */
	STAGE1_ARM,	/* set BootNext to the other one */
	STAGE1_PROMOTE, /* put ESP 2, which this one is, first in BootOrder */
	STAGE1_COPY,	/* write this one's content to the other */
	STAGE1_HOME,	/* put ESP 1 first in BootOrder */
	STAGE1_GIVE_UP, /* note that the other one's generation is refused; COPY comes next */
	STAGE1_ACTIONS
};

/*
 * stage1_next - what is to be done in a healthy machine. ret_record: what is to be durable before
 * (ARM, GIVE_UP) or after (PROMOTE, COPY) it is done; its boot_id is the caller's to fill in.
 */
enum stage1_action stage1_next(const struct stage1_facts *f, struct stage1_record *ret_record);

/* stage1_action_name - rest, arm, promote, copy, home, give-up. */
const char *stage1_action_name(enum stage1_action action);

/*
 * stage1_takes - shall an image of this generation be written to ESP 2? It is newer than both, was
 * not refused, and the machine was started by ESP 1.
 */
bool stage1_takes(const struct stage1_facts *f, uint32_t generation);

/* stage1_least - the generation that a release may rely on: either ESP may start it. */
uint32_t stage1_least(const struct stage1_facts *f);

/*
 * An ESP whose first sector is held back: what is written to it stays in memory and reads as
 * written; the medium has zeros there until stage1_hold_release. For lib/slotwrite.
 */
struct stage1_hold {
	const struct blockio *base; /* must outlive this */
	uint8_t sector[512];
	bool held;	   /* sector was written */
	struct blockio io; /* its ctx is this struct: do not copy */
};

/* stage1_hold_init - clears the first sector of the medium and flushes. Errors: of the I/O. */
int stage1_hold_init(struct stage1_hold *h, const struct blockio *base, struct err *err);
/*
 * stage1_hold_release - everything else is durable: write the sector, flush, read it back.
 * Errors: -EINVAL nothing was written to it, -EILSEQ it reads otherwise; of the I/O.
 */
int stage1_hold_release(struct stage1_hold *h, struct err *err);

/*
 * stage1_copy - the whole of one ESP to the other one of the same size, first sector last, read
 * back. buf has 2 * STAGE1_COPY_BYTES, aligned for the devices. Errors: -ENOSPC, -EILSEQ, I/O.
 */
#define STAGE1_COPY_BYTES (256u << 10)
int stage1_copy(const struct blockio *from, const struct blockio *to, uint8_t *buf,
		struct err *err);

#endif
