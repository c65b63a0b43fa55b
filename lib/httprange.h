// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_HTTPRANGE_H
#define CAIRN_HTTPRANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * What a server's answer to a request for a range means: the headers that say it, and the decision
 * what to take of its body. RFC 9110, 14.4 (Content-Range), 8.6 (Content-Length), 8.8.3 (ETag).
 */

#define HTTPRANGE_VALUE_MAX 128 /* bytes of a header's value that is looked at */
#define HTTPRANGE_TAG_SIZE 128	/* of an entity tag or a date, with its NUL */

/* Content-Range: bytes FIRST-LAST/TOTAL, FIRST-LAST with * for TOTAL, or * with TOTAL. */
struct httprange {
	bool satisfied; /* it names bytes: first and last */
	bool sized;	/* it names the total */
	uint64_t first, last, total;
};

/*
 * httprange_parse - the value of a Content-Range header.
 * Errors: -EINVAL not of that form, first after last, last not below total, 2^63 or more.
 */
int httprange_parse(const uint8_t *buf, size_t len, struct httprange *ret_range);

/* httprange_number - decimal digits and nothing else, below 2^63 (Content-Length). */
int httprange_number(const uint8_t *buf, size_t len, uint64_t *ret_number);

/*
 * httprange_tag - the value of ETag or Last-Modified as a text to compare: printable ASCII.
 * Errors: -EINVAL empty, too long, or another character; ret_tag is then empty.
 */
int httprange_tag(const uint8_t *buf, size_t len, char ret_tag[static HTTPRANGE_TAG_SIZE]);

/* httprange_strong - can this entity tag stand in If-Range: quoted, and not weak (W/). */
bool httprange_strong(const char *etag);

/* What was asked for. */
struct httprange_want {
	uint64_t next;	    /* the first byte that is wanted now */
	uint64_t end;	    /* behind the last one; UINT64_MAX: to the end of the object */
	bool ranged;	    /* the request had a Range header */
	uint64_t total;	    /* as said by an earlier answer of this object; 0 not known */
	uint64_t skip_max;  /* bytes to read past where a server knows no ranges */
	uint64_t whole_max; /* bytes of an object that is asked for to its end */
	char etag[HTTPRANGE_TAG_SIZE]; /* of an earlier answer; "" none */
	char date[HTTPRANGE_TAG_SIZE]; /* Last-Modified of an earlier answer; "" none */
};

/* What the server answered. */
struct httprange_answer {
	int status;
	bool has_range, bad_range; /* Content-Range is there; it is wrong or stands twice */
	bool has_length, bad_length;
	bool encoded; /* Content-Encoding other than identity */
	struct httprange range;
	uint64_t length;
	char etag[HTTPRANGE_TAG_SIZE];
	char date[HTTPRANGE_TAG_SIZE];
};

/*
 * httprange_header - take one header line (without its CRLF) into an answer that began as all
 * zero. Lines of other names are passed over; what is wrong is marked in the answer.
 */
void httprange_header(struct httprange_answer *answer, const uint8_t *line, size_t len);

/* What to do with the body. */
struct httprange_take {
	uint64_t skip;	/* bytes to pass over first */
	uint64_t take;	/* bytes wanted then, at most */
	uint64_t total; /* of the object; 0 not known */
};

/*
 * httprange_judge - what an answer with a status other than a redirect means.
 * Returns 0 and what to take of the body; or, with a sentence for a person:
 *   -ENOENT     the object is not there (404, 410)
 *   -EACCES     401, 403, 407
 *   -ENODATA    the object ends at or before the first byte that is wanted
 *   -ESTALE     it is not the object of the earlier answers any more
 *   -EAGAIN     the server cannot now (5xx, 408, 425, 429): later again
 *   -EFBIG      too much to pass over, or an object larger than whole_max
 *   -EPROTO     anything else: headers that contradict each other or the request
 */
int httprange_judge(const struct httprange_want *want, const struct httprange_answer *answer,
		    struct httprange_take *ret_take, struct err *err);

/*
 * httprange_backoff_ms - how long to wait before attempt number n (1..) after a lost link:
 * first * 2^(n-1), at most max, of which a random part up to a half is left out (random: any
 * 32 bits), so that machines that lost the same server do not come back at once.
 */
uint32_t httprange_backoff_ms(unsigned int n, uint32_t first_ms, uint32_t max_ms, uint32_t random);

#endif
