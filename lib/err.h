// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_ERR_H
#define CAIRN_ERR_H

/* Why something failed, in one sentence for a person: operation, object, reason. */
struct err {
	char msg[320];
};

/*
 * err_set - write the sentence and return rc, so that a callee can `return err_set(...)`.
 * err may be NULL. Longer text is cut at the buffer's end.
 */
int err_set(struct err *err, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * err_sys - like err_set, and adds ": " and the text of -rc (rc is a negative errno).
 */
int err_sys(struct err *err, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* err_prefix - put "prefix: " before what is there. */
void err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
