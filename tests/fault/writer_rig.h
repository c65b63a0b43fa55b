// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TEST_WRITER_RIG_H
#define CAIRN_TEST_WRITER_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/update/writer.h"
#include "bundlekit.h"

/*
 * The writer part of service update as a process, with files for partitions, the test for main,
 * and a small fetch. Slot A runs release 5, `rig_old`; slot B holds `rig_older`.
 */

#define RIG_ROOT_KEYS 0x1u
#define RIG_RELEASE_KEYS 0x2u
#define RIG_NOW UINT64_C(1800000000)

extern struct kit_release rig_older, rig_old, rig_new;

/* For cmocka, around a group. */
int rig_setup(void **state);
int rig_teardown(void **state);

/* A signed bundle file in memory; free(bytes). */
struct rig_file {
	uint8_t *bytes;
	size_t len;
	uint8_t digest[SHA256_SIZE];
};

/* Lets the test change the manifest before it is signed. */
typedef void rig_change_fn(struct bundle *b);

/* rig_file - rig_new as release 7, signed by the keys of the mask. from: a delta's base. */
struct rig_file rig_file(enum bundle_encoding encoding, const struct kit_release *from,
			 unsigned int keys, rig_change_fn *change);

struct rig_plan {
	size_t lost_after;   /* bytes given in all, then -ETIMEDOUT; 0 never */
	size_t silent_after; /* then nothing more comes */
	size_t wrong_at;     /* this byte of the file comes wrong; 0 none */
};

struct rig {
	char dir[64];
	pid_t writer, fetch;
	int main_fd;
	struct writer_report last; /* the last answer */
	unsigned int reports;
};

/* A life: the files, then any number of a start and a stop (the writer's exit status). */
struct rig rig_make(void);
void rig_start(struct rig *r, const struct rig_file *f, struct rig_plan plan);
int rig_stop(struct rig *r);
void rig_remove(struct rig *r);

/* rig_path - one of its files; good for the next few calls. */
char *rig_path(const struct rig *r, const char *name);
/* rig_put_trust - a trust of this number with these keys for releases, as a file. */
void rig_put_trust(const struct rig *r, const char *name, uint64_t number,
		   unsigned int release_keys, unsigned int signers);

/* An order about this file or none; the last report's rc; both at once. */
struct writer_order rig_order(uint32_t op, const struct rig_file *f);
int rig_answer(struct rig *r);
int rig_ask(struct rig *r, uint32_t op, const struct rig_file *f);

/* What lies in the files: this release; slot B and the boot state as they were. */
bool rig_slot_is(const struct rig *r, const char *boot, const char *root,
		 const struct kit_release *k);
bool rig_untouched(const struct rig *r);
/* rig_check_descriptors - asserts that the writer has the running slot open for reading only. */
void rig_check_descriptors(const struct rig *r);

#endif
