// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_TRUST_CLIENT_H
#define CAIRN_TRUST_CLIENT_H

#include "agent/trust/proto.h"
#include "err.h"

/*
 * The other end of agent/trust/proto.h. Errors that the service answers with: -EACCES not for this
 * user, -ENODEV no TPM, -EIO it fails, -ETIMEDOUT it does not answer, -EAGAIN it is locked (too
 * many wrong tries), -EPERM the PCRs or the counter are others than any of the sealed (err says
 * which PCR), -ENOENT nothing is sealed here, -EEXIST DATA holds something, -EKEYREJECTED the
 * manifest's signature or a changed key header, -ENOKEY sealed by another TPM (or this one was
 * cleared), -ESTALE the release is below the floor, -EBADMSG form.
 */

#define TRUSTD_TIMEOUT_MS 60000u

/* trustd_connect - the socket; SOCK_CLOEXEC. Errors: as socket(2) and connect(2). */
int trustd_connect(const char *path, int *ret_fd);

/* For who waits with poll: send one request (passed: a descriptor or -1); take an answer that
 * waits, *ret_fd its descriptor or -1 (NULL: closed). Return 1 taken, 0 not yet, -errno. */
int trustd_send(int fd, const struct trustd_request *q, int passed);
int trustd_take(int fd, struct trustd_reply *ret, int *ret_fd);

/*
 * trustd_ask - connect, ask, wait for the answer; between, feed (may be NULL) is called at least
 * once a second. Returns the answer's rc with its sentence in err, or why there is none.
 */
int trustd_ask(const char *path, const struct trustd_request *q, int passed, uint32_t timeout_ms,
	       void (*feed)(void), struct trustd_reply *ret, int *ret_fd, struct err *err);

/*
 * trustd_ask_long - for QUOTE and IDENTITY: the whole answer, into max bytes.
 * Errors: -ENOSPC, and as trustd_ask.
 */
int trustd_ask_long(const char *path, const struct trustd_request *q, uint32_t timeout_ms,
		    uint8_t *ret_buf, size_t max, size_t *ret_len, struct err *err);

/* What service `data` asks; path as TRUSTD_SOCKET. */
int trustd_data(const char *path, void (*feed)(void), struct trustd_data *ret, struct err *err);
int trustd_data_key(const char *path, void (*feed)(void), struct trustd_key *ret, struct err *err);
/* Durable on return: the header is on the disk. Only where datahead says EMPTY or MAKING. */
int trustd_data_new(const char *path, uint32_t cipher, void (*feed)(void), struct trustd_key *ret,
		    struct err *err);
/* Factory reset: afterwards no copy of this disk opens any more. Then DATA_NEW. */
int trustd_data_wipe(const char *path, void (*feed)(void), struct err *err);

/* What service `update` asks. manifest: the signed head of the bundle; trust_fd: -1 or the file of
 * trusts taken so far. */
int trustd_seal(const char *path, const uint8_t *manifest, size_t len, int trust_fd,
		void (*feed)(void), struct err *err);
int trustd_good(const char *path, void (*feed)(void), struct err *err);

#endif
