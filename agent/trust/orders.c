// SPDX-License-Identifier: Apache-2.0
#include "orders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/trust/access.h"
#include "agent/trust/quote.h"
#include "io.h"

/* One request under way. */
struct order {
	struct trustd *t;
	const struct trustd_request *q;
	int passed;
	struct trustd_reply *r;
	/* A long answer; allocated. */
	uint8_t *more;
	size_t more_len;
};

/* answer - the body of a short one. */
static void answer(struct order *o, const void *body, size_t len)
{
	memcpy(o->r->body, body, len);
	o->r->len = (uint32_t)len;
}

static bool has(const struct order *o, size_t len)
{
	return o->q->len == len;
}

/* A TPM that did not answer before may do so now. */
static void look_again(struct trustd *t)
{
	struct err ignored;

	if (t->measured.found.tpm != STATUS_TPM_OK)
		(void)measured_read(&t->measured, &t->tpm, &ignored);
}

static int measured(struct order *o, struct err *err)
{
	/* How it went is in the answer. */
	(void)measured_read(&o->t->measured, &o->t->tpm, err);
	answer(o, &o->t->measured.found, sizeof(o->t->measured.found));
	return 0;
}

static int data(struct order *o, struct err *err)
{
	struct trustd_data d;

	(void)err;
	look_again(o->t);
	volume_data(&o->t->volume, &d);
	answer(o, &d, sizeof(d));
	return 0;
}

static int data_key(struct order *o, struct err *err)
{
	struct trustd_key key;
	int rc;

	look_again(o->t);
	rc = volume_key(&o->t->volume, &key, err);
	if (!rc)
		answer(o, &key, sizeof(key));
	crypto_wipe(&key, sizeof(key));
	return rc;
}

static int data_new(struct order *o, struct err *err)
{
	struct trustd_key key;
	uint32_t cipher;
	int rc;

	if (!has(o, sizeof(cipher)))
		return -EBADMSG;
	memcpy(&cipher, o->q->body, sizeof(cipher));
	look_again(o->t);
	rc = volume_new(&o->t->volume, cipher, &key, err);
	if (!rc)
		answer(o, &key, sizeof(key));
	crypto_wipe(&key, sizeof(key));
	return rc;
}

static int data_wipe(struct order *o, struct err *err)
{
	look_again(o->t);
	return volume_wipe(&o->t->volume, err);
}

static int seal(struct order *o, struct err *err)
{
	uint8_t *chain _cleanup_free_ = NULL;
	size_t len = 0;

	if (o->passed >= 0) {
		ssize_t n;

		chain = malloc(TRUST_CHAIN_MAX);
		if (!chain)
			return err_set(err, -ENOMEM, "no memory");
		/* Only a file of its length: this must not wait for anybody. */
		n = pread(o->passed, chain, TRUST_CHAIN_MAX, 0);
		len = n > 0 ? (size_t)n : 0;
	}
	look_again(o->t);
	return volume_seal(&o->t->volume, o->q->body, o->q->len, chain, len, err);
}

static int good(struct order *o, struct err *err)
{
	look_again(o->t);
	return volume_good(&o->t->volume, err);
}

static int sealed(struct order *o, struct err *err)
{
	(void)err;
	o->r->len = (uint32_t)volume_text(&o->t->volume, (char *)o->r->body, sizeof(o->r->body));
	return 0;
}

/* Attestation. */

static int quote(struct order *o, struct err *err)
{
	const struct measured *m = &o->t->measured;
	uint8_t *log _cleanup_free_ = NULL;
	struct trustd_quote q;
	int rc = tpm_ready(&o->t->tpm, err);

	if (!has(o, sizeof(q)))
		return -EBADMSG;
	if (rc)
		return rc;
	memcpy(&q, o->q->body, sizeof(q));
	o->more = malloc(EVIDENCE_MAX);
	log = malloc(m->log_len + m->events_len + 1);
	if (!o->more || !log)
		return err_set(err, -ENOMEM, "no memory for evidence");
	if (m->log_len)
		memcpy(log, m->log, m->log_len);
	memcpy(log + m->log_len, m->events, m->events_len);
	return quote_evidence(o->t->tpm.esys, &q.ask, &q.report, log, m->log_len + m->events_len,
			      o->more, EVIDENCE_MAX, &o->more_len, err);
}

static int identity(struct order *o, struct err *err)
{
	struct evidence_ask ask;
	int rc = tpm_ready(&o->t->tpm, err);

	if (!has(o, sizeof(ask)))
		return -EBADMSG;
	if (rc)
		return rc;
	memcpy(&ask, o->q->body, sizeof(ask));
	o->more = malloc(QUOTE_REQUEST_MAX);
	if (!o->more)
		return err_set(err, -ENOMEM, "no memory for a request");
	return quote_request(o->t->tpm.esys, &ask, o->more, QUOTE_REQUEST_MAX, &o->more_len, err);
}

static int activate(struct order *o, struct err *err)
{
	uint8_t secret[QUOTE_SECRET_MAX];
	size_t len = 0;
	int rc = tpm_ready(&o->t->tpm, err);

	rc = rc ? rc : quote_activate(o->t->tpm.esys, o->q->body, o->q->len, secret, &len, err);
	if (!rc)
		answer(o, secret, len);
	crypto_wipe(secret, sizeof(secret));
	return rc;
}

static int sign(struct order *o, struct err *err)
{
	uint8_t signature[P256_SIGNATURE_SIZE];
	int rc = tpm_ready(&o->t->tpm, err);

	if (!has(o, SHA256_SIZE))
		return -EBADMSG;
	rc = rc ? rc : quote_sign_digest(o->t->tpm.esys, o->q->body, signature, err);
	if (!rc)
		answer(o, signature, sizeof(signature));
	return rc;
}

static int settings(struct order *o, struct err *err)
{
	struct measured *m = &o->t->measured;
	uint8_t event[QUOTE_EVENT_MAX];
	struct trustd_settings s;
	size_t len;
	int rc = tpm_ready(&o->t->tpm, err);

	if (!has(o, sizeof(s)))
		return -EBADMSG;
	memcpy(&s, o->q->body, sizeof(s));
	if (!memchr(s.what, '\0', sizeof(s.what)))
		return -EBADMSG;
	/* Nothing is measured that could not be named afterwards. */
	if (!rc && sizeof(m->events) - m->events_len < sizeof(event))
		rc = err_set(err, -ENOSPC, "too many settings were measured in this boot");
	rc = rc ? rc : quote_measure(o->t->tpm.esys, s.digest, s.what, event, &len, err);
	if (!rc) {
		memcpy(m->events + m->events_len, event, len);
		m->events_len += len;
	}
	return rc;
}

typedef int order_fn(struct order *o, struct err *err);

static order_fn *const orders[TRUSTD_OPS] = {
	[TRUSTD_MEASURED] = measured, [TRUSTD_DATA] = data,	      [TRUSTD_DATA_KEY] = data_key,
	[TRUSTD_DATA_NEW] = data_new, [TRUSTD_DATA_WIPE] = data_wipe, [TRUSTD_SEAL] = seal,
	[TRUSTD_GOOD] = good,	      [TRUSTD_SEALED] = sealed,	      [TRUSTD_QUOTE] = quote,
	[TRUSTD_ACTIVATE] = activate, [TRUSTD_SIGN] = sign,	      [TRUSTD_IDENTITY] = identity,
	[TRUSTD_SETTINGS] = settings,
};

/* send_all - one reply, or as many as a long answer takes. */
static int send_all(struct order *o, orders_send *send, void *ctx)
{
	struct trustd_reply *r = o->r;
	size_t at = 0, n;
	int rc;

	if (r->rc || !o->more)
		return send(ctx, r);
	do {
		n = o->more_len - at < sizeof(r->body) ? o->more_len - at : sizeof(r->body);
		memcpy(r->body, o->more + at, n);
		at += n;
		r->len = (uint32_t)n;
		r->left = (uint32_t)(o->more_len - at);
		rc = send(ctx, r);
	} while (!rc && r->left);
	return rc;
}

int orders_answer(struct trustd *t, const struct trustd_request *q, uint32_t access, int passed,
		  orders_send *send, void *ctx)
{
	static struct trustd_reply r;
	struct order o = { .t = t, .q = q, .passed = passed, .r = &r };
	struct err err = { "" };
	int rc;

	if (q->version != TRUSTD_VERSION || q->op >= TRUSTD_OPS || !orders[q->op] ||
	    q->len > sizeof(q->body) || (q->flags & ~(uint32_t)TRUSTD_WITH_TRUST) != 0 ||
	    (passed >= 0) != !!(q->flags & TRUSTD_WITH_TRUST))
		return -EBADMSG;
	memset(&r, 0, sizeof(r));
	r.version = TRUSTD_VERSION;
	r.op = q->op;
	if (!access_allowed(q->op, access))
		r.rc = err_set(&err, -EACCES, "this is not for everybody");
	else
		r.rc = orders[q->op](&o, &err);
	if (r.rc == -EBADMSG && !err.msg[0]) {
		free(o.more);
		return -EBADMSG;
	}
	if (r.rc)
		(void)snprintf(r.why, sizeof(r.why), "%.*s", (int)sizeof(r.why) - 1, err.msg);
	rc = send_all(&o, send, ctx);
	free(o.more);
	crypto_wipe(&r, sizeof(r));
	return rc;
}
