// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_PCR4_H
#define CAIRN_PCR4_H

#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"

/*
 * PCR 4, the boot manager's code (TCG PC Client Platform Firmware Profile 1.05 r23, section
 * 3.3.4.5): what the firmware did before it started stage 1, then the Authenticode hash of stage-1
 * GRUB and that of the kernel, which GRUB has the firmware load. Linux adds nothing to it.
 *
 *     firmware part: applications of its own, "Calling EFI Application from Boot Option",
 *     the separator; after an entry that did not start "Returning from ..." and "Calling ..." again
 *     | loader | kernel
 *
 * The loader is what comes last before GRUB's first event in PCR 8.
 */

/* What the firmware measures before its first boot entry (section 3.3.4.5; EDK2, BdsDxe), and
 * before and after each further one. */
#define PCR4_CALLING "Calling EFI Application from Boot Option"
#define PCR4_RETURNING "Returning from EFI Application from Boot Option"

/*
 * pcr4_plain - PCR 4 behind a firmware that started its first boot entry and no program of its own
 * (OVMF, and most boards): the `loader=` lines of a bundle's manifest. Both arguments are
 * Authenticode hashes (pe_hash of the signed file).
 */
void pcr4_plain(const uint8_t loader[static SHA256_SIZE], const uint8_t kernel[static SHA256_SIZE],
		uint8_t ret_pcr[static SHA256_SIZE]);

/* What the log of a start says PCR 4 is made of. */
struct pcr4_split {
	uint32_t firmware_events;			  /* events of PCR 4 before the loader */
	uint8_t firmware[SHA256_SIZE];			  /* PCR 4 after them */
	uint8_t loader[SHA256_SIZE], kernel[SHA256_SIZE]; /* Authenticode hashes */
};

/*
 * pcr4_split - take PCR 4 of a log apart. Errors: those of eventlog_next; -ENOTSUP PCR 4 does not
 * end in GRUB and one kernel, for instance where GRUB gave up one slot and started the other
 * without a restart, or where there is no GRUB.
 */
int pcr4_split(const uint8_t *log, size_t len, struct pcr4_split *ret, struct err *err);

/*
 * pcr4_on_machine - PCR 4 at this machine's next start with another kernel and/or another stage 1:
 * the firmware part of log, which is its own event log of this start, then loader (NULL: the one
 * that the log has) and kernel (NULL: likewise), Authenticode hashes. The caller has checked that
 * the log replays to what the TPM says (eventlog_replay): nothing else says that it is true.
 * Errors: of pcr4_split; no prediction is to be had from such a start.
 */
int pcr4_on_machine(const uint8_t *log, size_t len, const uint8_t *loader, const uint8_t *kernel,
		    uint8_t ret_pcr[static SHA256_SIZE], struct err *err);

#endif
