// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_SOURCE_H
#define CAIRN_UPDATE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "bundle.h"
#include "channel.h"
#include "err.h"
#include "proto.h"
#include "signed.h"
#include "trust.h"

/*
 * Main's reading through fetch: a channel with the trusts before it, or the head of one bundle.
 * One at a time; never blocks. What comes is checked (trust, channel, bundle of lib/) before it is
 * believed, and handed to the callbacks' owner as a result.
 *
 *   CONFIG -> TRUST n+1, n+2, ... until there is none -> CHANNEL          source_channel
 *   CONFIG -> HEAD                                                       source_bundle
 */

enum source_step { SOURCE_AT_REST, SOURCE_AT_CONFIG, SOURCE_AT_TRUST, SOURCE_AT_DOC };

/* What source_take found out. */
enum source_result {
	SOURCE_NOT_YET,
	SOURCE_OK,	    /* channel or bundle and digest are filled in */
	SOURCE_UNREACHABLE, /* why; may pass */
	SOURCE_BAD,	    /* it came, and it cannot be believed; why */
};

struct source {
	int fd;
	enum source_step step;
	bool bundle_wanted;
	uint32_t id; /* of the request under way */
	uint64_t until_ms;
	size_t used;
	uint8_t buf[SIGNED_MAX];
	struct trust *trust; /* the owner's; moves on with each trust taken */
	/* takes each new trust, as it came, before it counts; not 0: refused */
	int (*keep_trust)(void *owner, const uint8_t *buf, size_t len, struct err *err);
	void *owner;
	/* The result. */
	struct channel channel;
	struct bundle bundle;
	uint8_t digest[SHA256_SIZE]; /* of the channel's document, of the manifest */
	struct err err;
};

/*
 * source_channel, source_bundle - begin. fd is the bundle's descriptor of SOURCE_FD, else -1; it
 * stays the caller's. Errors: -EBUSY, or of the socket.
 */
int source_channel(struct source *s, const struct source_config *config, uint64_t now_ms);
int source_bundle(struct source *s, const struct source_config *config, int fd, uint64_t now_ms);

/* source_take - what waits on the socket. Errors (< 0): the fetch part is lost or talks nonsense.
 */
int source_take(struct source *s, enum source_result *ret_result, uint64_t now_ms);

/* source_late - has it taken too long? Then it is cancelled, and the result is UNREACHABLE. */
bool source_late(struct source *s, uint64_t now_ms);

/* source_cancel - forget what is under way. */
void source_cancel(struct source *s);

#endif
