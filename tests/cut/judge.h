// SPDX-License-Identifier: Apache-2.0
#ifndef CUT_JUDGE_H
#define CUT_JUDGE_H

#include "gpt.h"
#include "model.h"

/*
 * What must be true of a disk whose power went, whatever of the epoch arrived:
 *
 *   1. At least one copy of the boot state is valid, and GRUB finds it.
 *   2. The slot that GRUB starts, and each one that it would start after it if none ever became
 *      healthy, holds exactly a release: its boot and its root partition, the same one. Also if
 *      the power goes again while GRUB notes a boot.
 *   3. There is a valid partition table, and only DATA's end differs from the one before.
 *   4. An ESP holds exactly a release's loader; the other one too, or it is no file system.
 */

struct cut_verdict {
	char why[200];		  /* empty: all of it is true */
	enum bootstate_slot slot; /* that starts */
	uint8_t releases;	  /* bit r: the release that it holds */
};

#define CUT_MEMO 4096

struct cut_memo {
	uint64_t key; /* 0: free */
	struct cut_verdict verdict;
};

struct cut_judge {
	struct gpt table; /* as it was at first */
	bool esp_known;	  /* the releases have loaders */
	uint64_t durable_key;
	bool durable_key_valid;
	struct cut_memo *memo;
};

/* cut_judge_init - Errors: no valid partition table, -ENOMEM. */
int cut_judge_init(struct cut_judge *j, const struct cut_model *m, struct err *err);
void cut_judge_release(struct cut_judge *j);

/* cut_judge_flushed - call after cut_flush where the epoch held something of STATE. */
void cut_judge_flushed(struct cut_judge *j);

/* cut_judge - one state. */
struct cut_verdict cut_judge(struct cut_judge *j, const struct cut_model *m,
			     const struct cut_state *s);

/* cut_boot_state - the newest copy that a state of the disk has; false: none is valid. */
bool cut_boot_state(const struct cut_model *m, const struct cut_state *s, struct bootstate *ret);

/* cut_table_settled - both partition tables are there, valid, and the backup at the end. */
bool cut_table_settled(const struct cut_model *m, const struct cut_state *s);

#endif
