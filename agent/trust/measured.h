// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TRUST_MEASURED_H
#define CAIRN_TRUST_MEASURED_H

#include <stddef.h>
#include <stdint.h>

#include "agent/trust/tpm.h"
#include "eventlog.h"
#include "sealset.h"
#include "status.h"

/* What was measured in this boot: the PCRs as the TPM has them, the log as the firmware left it. */

#define MEASURED_EVENTS_MAX 4096 /* bytes of what is measured after the firmware's log */
#define MEASURED_SEAL_PCRS (1u << 4 | 1u << 7 | 1u << 9)

struct measured {
	struct status_measured found;
	uint8_t *log; /* allocated once, of its size; NULL: none */
	size_t log_len;
	struct eventlog_pcrs replayed;
	/* Settings measured in this boot (PCR 14), TCG_PCR_EVENT2 each. */
	uint8_t events[MEASURED_EVENTS_MAX];
	size_t events_len;
};

/* measured_log - read and replay the log; without one, say why. */
void measured_log(struct measured *m, const char *path);

/* measured_read - vendor and PCRs, held against the log: m->found. Returns 0 or -errno. */
int measured_read(struct measured *m, struct tpm *t, struct err *err);

/*
 * measured_pair - the PCRs of MEASURED_SEAL_PCRS as last read. Release and root hash are the
 * caller's. Errors: -EIO they were not read.
 */
int measured_pair(const struct measured *m, struct sealset_pair *ret, struct err *err);

#endif
