// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_ATTESTLIST_H
#define CAIRN_ATTESTLIST_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "pcrlist.h"

/*
 * An exact list of events (pcrlist.h) as text, for people and for tools:
 *
 *     cairn-events 1
 *     pcrs=0 1 4                               those that are judged, ascending
 *     0 <64 hex digits> <what it is>           PCR, digest, up to 63 printable characters
 *     4 <64 hex digits>|<64 hex digits> what   2 to 4 digests: any of them will do
 *     end
 *
 * Events of one PCR stand in their order; the order between PCRs says nothing.
 */
#define ATTESTLIST_MAX 300000 /* bytes of every list */

/* attestlist_parse - Errors: -EBADMSG with the line in err, -ENOSPC too many events. */
int attestlist_parse(const uint8_t *buf, size_t len, struct pcrlist *ret, struct err *err);

/* attestlist_format - the text; ret_text holds ATTESTLIST_MAX bytes. Errors: -EINVAL. */
int attestlist_format(const struct pcrlist *list, char *ret_text, size_t *ret_len);

/*
 * attestlist_from_log - what a start that is known to be good did, event by event: the list that
 * takes this start and no other. Errors: those of eventlog_next, -ENOSPC.
 */
int attestlist_from_log(const uint8_t *log, size_t len, uint32_t pcrs, struct pcrlist *ret,
			struct err *err);

#endif
