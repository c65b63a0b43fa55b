// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TRUST_ORDERS_H
#define CAIRN_TRUST_ORDERS_H

#include "agent/trust/measured.h"
#include "agent/trust/proto.h"
#include "agent/trust/tpm.h"
#include "agent/trust/volume.h"

/* What service `trust` is made of, and how it answers. */
struct trustd {
	struct tpm tpm;
	struct measured measured;
	struct volume volume;
};

/* Gives one reply away. Returns 0 or -errno, which ends the answer. */
typedef int orders_send(void *ctx, const struct trustd_reply *r);

/*
 * orders_answer - carry out a request from who may ask it (access.h); passed: the descriptor that
 * came along, or -1. Sends one reply, or several of a long answer. Returns 0, -EBADMSG a request
 * that is none, or send's error.
 */
int orders_answer(struct trustd *t, const struct trustd_request *q, uint32_t access, int passed,
		  orders_send *send, void *ctx);

#endif
