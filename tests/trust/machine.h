// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TEST_MACHINE_H
#define CAIRN_TEST_MACHINE_H

#include "agent/trust/orders.h"
#include "swtpm.h"

/*
 * A machine for the tests of sealing: a file for the DATA partition, a TPM, and starts of releases
 * as firmware, GRUB and kernel would measure them.
 */

struct machine {
	char dir[48];  /* all of it */
	char tpm[64];  /* folder of its TPM's state */
	char data[64]; /* the partition */
	struct trustd t;
	bool on;
	/* The disk ends working at the nth write or flush; 0 never. Counted together. */
	int disk_steps, disk_fail_at;
};

extern struct machine machine;

/* A release by its number; loader: a stage-1 loader by its number. */
struct machine_boot {
	unsigned int release, floor, loader;
	unsigned int evil_pcr; /* 4, 7 or 9: something else than the release was measured; 0 not */
	const char *seal;      /* data_seal=, NULL prefer */
};

int machine_setup(void **state);
int machine_teardown(void **state);
/* machine_start - power on, boot, start the service; NULL fd: as -p. */
void machine_start(const struct machine_boot *b);
void machine_stop(void);
/* machine_copy - the disk, or the TPM's state, to or from a name. */
void machine_save(const char *name);
void machine_restore(const char *name, bool disk, bool tpm);
/* machine_mark - what `data` would put at the head of the partition. */
void machine_mark(enum datahead what);

/* The hashes that a release and a loader have. */
void machine_kernel(unsigned int release, uint8_t ret[static SHA256_SIZE]);
void machine_loader(unsigned int loader, uint8_t ret[static SHA256_SIZE]);
void machine_pcr9_event(unsigned int release, unsigned int i, uint8_t ret[static SHA256_SIZE]);
void machine_root(unsigned int release, uint8_t ret[static SHA256_SIZE]);

#endif
