// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_EVENTLOG_H
#define CAIRN_EVENTLOG_H

#include <stddef.h>
#include <stdint.h>

#include "crypto.h"
#include "err.h"

/*
 * The crypto-agile TPM event log that firmware hands to the operating system, read only.
 * TCG PC Client Platform Firmware Profile 1.05 r23, section 10. Integers are little-endian.
 *
 *   first event (TCG_PCR_EVENT, always the SHA-1 form, never extended)
 *     u32 pcr = 0 | u32 type = EV_NO_ACTION | u8 digest[20] | u32 size | data[size]
 *     data: "Spec ID Event03\0" | u32 platform class | u8 minor, major, errata, uintn size
 *           | u32 algorithms | { u16 id | u16 digest size }... | u8 size | vendor[size]
 *   each later event (TCG_PCR_EVENT2)
 *     u32 pcr | u32 type | u32 digests | { u16 id | digest }... | u32 size | data[size]
 *
 * Only the SHA-256 bank is used; digests of other banks are stepped over. Nothing is allocated.
 */

#define EVENTLOG_SIZE_MAX (4u << 20) /* bytes of a whole log; more is refused */
#define EVENTLOG_ALGS_MAX 8
#define EVENTLOG_PCRS 24

/* Event types that change how a log is replayed (section 10.4.1, table 27). */
#define EVENTLOG_EV_NO_ACTION 3u

/* A walk over a log. The caller keeps buf alive; the fields are the parser's own. */
struct eventlog {
	const uint8_t *buf;
	size_t len;
	size_t pos;
	uint32_t index; /* of the next event; 0 is the Spec ID event */
	uint32_t algs;
	struct {
		uint16_t id;
		uint16_t size_bytes;
	} alg[EVENTLOG_ALGS_MAX];
};

/* One event. digest and data point into the log. */
struct eventlog_event {
	uint32_t index; /* position in the log, counted from 1 after the Spec ID event */
	uint32_t pcr;	/* 0 to 23; anything for EV_NO_ACTION */
	uint32_t type;
	const uint8_t *digest; /* SHA256_SIZE bytes */
	const uint8_t *data;
	uint32_t data_len;
};

/* What the PCRs of the SHA-256 bank hold after every event of a log. */
struct eventlog_pcrs {
	uint8_t pcr[EVENTLOG_PCRS][SHA256_SIZE];
	uint32_t extended; /* bit n: the log extends PCR n */
	uint32_t events;   /* events read, without the Spec ID event */
};

/*
 * eventlog_init - read the Spec ID event and stand before the first event.
 * Errors: -EFBIG longer than EVENTLOG_SIZE_MAX, -EBADMSG not such a log or cut short, -ENOTSUP
 * it has no SHA-256 bank.
 */
int eventlog_init(struct eventlog *log, const uint8_t *buf, size_t len, struct err *err);

/*
 * eventlog_next - the next event.
 * Returns 1 with *ret_event set, 0 at the end of the log. Errors: -EBADMSG.
 */
int eventlog_next(struct eventlog *log, struct eventlog_event *ret_event, struct err *err);

/*
 * eventlog_replay - extend every event in order, as the TPM did, from the reset values and the
 * StartupLocality the log names (section 10.4.5.3). Errors: as eventlog_init and eventlog_next.
 */
int eventlog_replay(const uint8_t *buf, size_t len, struct eventlog_pcrs *ret_pcrs,
		    struct err *err);

/* eventlog_extend - what the TPM does with a PCR of the SHA-256 bank and a digest. */
void eventlog_extend(uint8_t pcr[static SHA256_SIZE], const uint8_t digest[static SHA256_SIZE]);

#endif
