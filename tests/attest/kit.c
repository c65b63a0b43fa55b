// SPDX-License-Identifier: Apache-2.0
#include "tests/attest/kit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attestlist.h"
#include "bytes.h"
#include "eventlog.h"
#include "p256sign.h"

#define EK_ATTRIBUTES                                                                              \
	(TPM2_FIXED_TPM | TPM2_FIXED_PARENT | TPM2_TPM_MADE | TPM2_ADMIN_WITH_POLICY |             \
	 TPM2_RESTRICTED | TPM2_DECRYPT)
#define SIGNING                                                                                    \
	(TPM2_FIXED_TPM | TPM2_FIXED_PARENT | TPM2_TPM_MADE | TPM2_USER_WITH_AUTH | TPM2_NO_DA |   \
	 TPM2_SIGN)

static void spec_id(struct kit *k)
{
	uint8_t *p = k->log;

	memset(p, 0, 65);
	le32_store(p + 4, EVENTLOG_EV_NO_ACTION);
	le32_store(p + 28, 33);
	memcpy(p + 32, "Spec ID Event03", 16);
	p[32 + 21] = 2;
	p[32 + 23] = 2;
	le32_store(p + 56, 1);
	le16_store(p + 60, TPM2_ID_SHA256);
	le16_store(p + 62, SHA256_SIZE);
	k->log_len = 65;
}

static void event(struct kit *k, uint32_t pcr, uint32_t type, const void *data, uint32_t len)
{
	uint8_t *p = k->log + k->log_len;

	le32_store(p, pcr);
	le32_store(p + 4, type);
	le32_store(p + 8, 1);
	le16_store(p + 12, TPM2_ID_SHA256);
	sha256(data, len, p + 14);
	le32_store(p + 46, len);
	memcpy(p + 50, data, len);
	k->log_len += 50 + len;
}

/* A log as long as that of a start: most of it in PCR 7, 8 and 9. */
static void make_log(struct kit *k)
{
	static const uint8_t pcr_of[] = {
		0, 0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 7, 7, 7, 8, 8, 8, 8, 9
	};
	uint8_t data[1600];
	uint32_t i;

	spec_id(k);
	for (i = 0; i < KIT_EVENTS; i++) {
		uint32_t pcr = i + 1 == KIT_EVENTS ? 14 : pcr_of[i % sizeof(pcr_of)];
		/* Variables of Secure Boot are long, commands are short. */
		uint32_t len = pcr == 7 && i < 20 ? (uint32_t)sizeof(data) : 40 + i;

		memset(data, (int)i, sizeof(data));
		(void)snprintf((char *)data, sizeof(data), "event %u of PCR %u", i, pcr);
		event(k, pcr, 0x0d, data, len);
	}
}

static int make_machine(struct kit *k)
{
	static const struct {
		uint32_t attributes;
		uint16_t symmetric, scheme;
	} kind[] = {
		{ EK_ATTRIBUTES, TPM2_ID_AES, TPM2_ID_NULL },
		{ SIGNING | TPM2_RESTRICTED, TPM2_ID_NULL, TPM2_ID_ECDSA },
		{ SIGNING, TPM2_ID_NULL, TPM2_ID_ECDSA },
	};
	uint8_t *const secret[] = { k->ek_secret, k->ak_secret, k->identity_secret };
	uint8_t point[P256_POINT_SIZE];
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < 3; i++) {
		uint8_t *area = i == 0	 ? k->machine.ek.area
				: i == 1 ? k->machine.ak.area
					 : k->machine.identity.area;
		size_t *len = i == 0   ? &k->machine.ek.len
			      : i == 1 ? &k->machine.ak.len
				       : &k->machine.identity.len;
		const char text[] = { 'k', 'i', 't', (char)('0' + i) };

		sha256(text, sizeof(text), secret[i]);
		rc = crypto_p256_public(secret[i], point);
		*len = tpm2_public_p256(kind[i].attributes, kind[i].symmetric, kind[i].scheme,
					point, area);
	}
	rc = rc ? rc : attest_machine_ready(&k->machine, NULL);
	rc = rc ? rc : crypto_p256_key_new(k->machine.ak_public.point, &k->ak);
	return rc ? rc : crypto_p256_key_new(k->machine.identity_public.point, &k->identity);
}

int kit_init(struct kit *k)
{
	int rc;

	memset(k, 0, sizeof(*k));
	rc = make_machine(k);
	make_log(k);
	rc = rc ? rc : attestlist_from_log(k->log, k->log_len, ATTEST_PCRS, &k->list, NULL);
	k->machine.last = (struct attest_clock){ .clock_ms = 1000, .resets = 4, .restarts = 1 };
	k->report = (struct report){
		.version = "0.1.0",
		.release = 7,
		.slot = "a",
		.primary = "a",
		.secureboot = "on",
		.verity = "ok",
		.verdict = "ready",
		.good = { 1, 1 },
		.tries = { 3, 3 },
		.marked = 1,
		.uptime_ms = 9000,
	};
	memset(k->report.root, 0x5a, sizeof(k->report.root));
	k->lists[0] = &k->list;
	k->policy.machine = &k->machine;
	k->policy.ak = k->ak;
	memset(k->policy.ask.nonce, 0xa1, sizeof(k->policy.ask.nonce));
	memset(k->policy.ask.channel, 0xc2, sizeof(k->policy.ask.channel));
	k->policy.list = k->lists;
	k->policy.lists = 1;
	return rc;
}

void kit_release(struct kit *k)
{
	crypto_p256_key_free(k->ak);
	crypto_p256_key_free(k->identity);
}

static int fill_pcrs(struct kit_draft *d)
{
	struct eventlog_pcrs pcrs;
	uint8_t *p = d->pcrs;
	unsigned int n;
	int rc = 0;

	if (d->own_pcrs)
		return 0;
	rc = eventlog_replay(d->log, d->log_len, &pcrs, NULL);
	be32_store(p, ATTEST_PCRS);
	p += 4;
	for (n = 0; !rc && n < EVENTLOG_PCRS; n++) {
		if (!(ATTEST_PCRS & 1u << n))
			continue;
		memcpy(p, pcrs.pcr[n], SHA256_SIZE);
		p += SHA256_SIZE;
	}
	return rc;
}

static void fill_statement(struct kit *k, struct kit_draft *d, const struct evidence_writer *w)
{
	struct tpm2_attest *a = &d->attest;

	memcpy(d->signer, k->machine.signer, TPM2_NAME_SIZE);
	evidence_qualify(&k->policy.ask, w->buf, w->len, d->extra);
	sha256(d->pcrs + 4, sizeof(d->pcrs) - 4, d->digest);
	memcpy(d->name, k->machine.identity_public.name, TPM2_NAME_SIZE);
	tpm2_primary_name(TPM2_HANDLE_OWNER, d->name, d->qualified);
	*a = (struct tpm2_attest){
		.magic = TPM2_MAGIC,
		.type = d->kind == EVIDENCE_QUOTE ? TPM2_TYPE_QUOTE : TPM2_TYPE_CERTIFY,
		.signer = d->signer,
		.signer_len = TPM2_NAME_SIZE,
		.extra = d->extra,
		.extra_len = SHA256_SIZE,
		.clock_ms = 2000,
		.resets = 4,
		.restarts = 1,
		.safe = true,
		.firmware = 1,
		.pcr_hash = TPM2_ID_SHA256,
		.pcr_mask = ATTEST_PCRS,
		.pcr_digest = d->digest,
		.name = d->name,
		.qualified_name = d->qualified,
	};
	d->secret = k->ak_secret;
}

static int add_bound(struct kit_draft *d, struct evidence_writer *w)
{
	char text[REPORT_TEXT_MAX];
	size_t len = 0;
	int rc = 0;

	if (d->kind == EVIDENCE_QUOTE) {
		rc = report_format(&d->report, text, &len);
		evidence_add(w, EVIDENCE_REPORT, text, len);
	}
	evidence_add(w, EVIDENCE_AK, d->ak.area, d->ak.len);
	evidence_add(w, EVIDENCE_IDENTITY, d->identity.area, d->identity.len);
	evidence_add(w, EVIDENCE_EK, d->ek.area, d->ek.len);
	if (d->kind == EVIDENCE_QUOTE) {
		evidence_add(w, EVIDENCE_EVENTLOG, d->log, d->log_len);
		evidence_add(w, EVIDENCE_PCRS, d->pcrs, sizeof(d->pcrs));
	}
	return rc;
}

int kit_make(struct kit *k, enum evidence_kind kind, kit_change *before, kit_change *after)
{
	static uint8_t log[KIT_LOG_MAX];
	static struct kit_draft d;
	uint8_t said[TPM2_ATTEST_MAX], sig[TPM2_SIGNATURE_MAX], rs[P256_SIGNATURE_SIZE],
		digest[SHA256_SIZE];
	struct evidence_writer w;
	size_t said_len;
	int rc;

	memset(&d, 0, sizeof(d));
	d.kind = (uint16_t)kind;
	memcpy(&d.ek, &k->machine.ek, sizeof(d.ek));
	memcpy(&d.ak, &k->machine.ak, sizeof(d.ak));
	memcpy(&d.identity, &k->machine.identity, sizeof(d.identity));
	d.report = k->report;
	memcpy(log, k->log, k->log_len);
	d.log = log;
	d.log_len = k->log_len;
	if (before)
		before(&d);
	rc = fill_pcrs(&d);
	evidence_begin(&w, k->buf, sizeof(k->buf), kind);
	rc = rc ? rc : add_bound(&d, &w);
	fill_statement(k, &d, &w);
	if (after)
		after(&d);
	said_len = tpm2_attest_format(&d.attest, said);
	sha256(said, said_len, digest);
	rc = rc ? rc : p256_sign(d.secret, digest, rs);
	evidence_add(&w, EVIDENCE_ATTEST, said, said_len);
	evidence_add(&w, EVIDENCE_SIGNATURE, sig, tpm2_signature_format(rs, sig));
	return rc ? rc : evidence_end(&w, &k->len);
}

/* The changes. Before the statement is made: what the container says. */

static void other_ek(struct kit_draft *d)
{
	d->ek.area[d->ek.len - 1] ^= 1;
}

static void other_ak(struct kit_draft *d)
{
	d->ak.area[d->ak.len - 1] ^= 1;
}

static void unrestricted_ak(struct kit_draft *d)
{
	be32_store(d->ak.area + 4, be32_load(d->ak.area + 4) & ~TPM2_RESTRICTED);
}

static void other_identity(struct kit_draft *d)
{
	d->identity.area[d->identity.len - 1] ^= 1;
}

static void other_pcr(struct kit_draft *d)
{
	(void)fill_pcrs(d);
	d->own_pcrs = true;
	d->pcrs[4 + 8 * SHA256_SIZE] ^= 1;
}

static void other_mask(struct kit_draft *d)
{
	(void)fill_pcrs(d);
	d->own_pcrs = true;
	be32_store(d->pcrs, ATTEST_PCRS ^ 0x8400u);
}

static void event_changed(struct kit_draft *d)
{
	d->log[65 + 14] ^= 1; /* the digest of the first event, and PCR 0 with it */
}

static void event_missing(struct kit_draft *d)
{
	uint32_t first = 50 + le32_load(d->log + 65 + 46);

	d->log_len -= first;
	memmove(d->log + 65, d->log + 65 + first, d->log_len - 65);
}

static void event_twice(struct kit_draft *d)
{
	uint32_t first = 50 + le32_load(d->log + 65 + 46);

	memmove(d->log + 65 + first, d->log + 65, d->log_len - 65);
	d->log_len += first;
}

static void events_swapped(struct kit_draft *d)
{
	uint32_t first = 50 + le32_load(d->log + 65 + 46);
	uint8_t digest[SHA256_SIZE];

	/* The first two events are both of PCR 0. */
	memcpy(digest, d->log + 65 + 14, sizeof(digest));
	memcpy(d->log + 65 + 14, d->log + 65 + first + 14, sizeof(digest));
	memcpy(d->log + 65 + first + 14, digest, sizeof(digest));
}

/* An event that claims to be none: the log then replays to another PCR, which is not quoted. */
static void event_hidden(struct kit_draft *d)
{
	(void)fill_pcrs(d);
	d->own_pcrs = true;
	le32_store(d->log + 65 + 4, EVENTLOG_EV_NO_ACTION);
}

static void log_cut(struct kit_draft *d)
{
	(void)fill_pcrs(d);
	d->own_pcrs = true;
	d->log_len -= 1;
}

/* After it: what the statement says. */

static void other_magic(struct kit_draft *d)
{
	d->attest.magic = 0xff544346;
}

static void other_type(struct kit_draft *d)
{
	d->attest.type = TPM2_TYPE_CERTIFY;
}

static void unknown_type(struct kit_draft *d)
{
	d->attest.type = 0x8014;
}

static void other_signer(struct kit_draft *d)
{
	d->signer[TPM2_NAME_SIZE - 1] ^= 1;
}

static void signer_plain_name(struct kit_draft *d)
{
	struct tpm2_public p;

	if (tpm2_public_parse(d->ak.area, d->ak.len, &p, NULL) == 0)
		memcpy(d->signer, p.name, TPM2_NAME_SIZE);
}

static void no_signer(struct kit_draft *d)
{
	d->attest.signer_len = 0;
}

static void other_nonce(struct kit_draft *d)
{
	d->extra[0] ^= 1;
}

static void short_nonce(struct kit_draft *d)
{
	d->attest.extra_len = SHA256_SIZE - 1;
}

static void long_nonce(struct kit_draft *d)
{
	d->attest.extra_len = SHA256_SIZE + 1;
}

static void no_nonce(struct kit_draft *d)
{
	d->attest.extra_len = 0;
}

static void fewer_pcrs(struct kit_draft *d)
{
	d->attest.pcr_mask &= ~(1u << 4);
}

static void more_pcrs(struct kit_draft *d)
{
	d->attest.pcr_mask |= 1u << 23;
}

static void no_pcrs(struct kit_draft *d)
{
	d->attest.pcr_mask = 0;
}

static void other_bank(struct kit_draft *d)
{
	d->attest.pcr_hash = 0x0004;
}

static void other_digest(struct kit_draft *d)
{
	d->digest[31] ^= 1;
}

static void other_key(struct kit_draft *d)
{
	static uint8_t secret[P256_SECRET_SIZE];

	secret[31] = 7;
	d->secret = secret;
}

static void fewer_resets(struct kit_draft *d)
{
	d->attest.resets = 3;
}

static void fewer_restarts(struct kit_draft *d)
{
	d->attest.restarts = 0;
}

static void clock_back(struct kit_draft *d)
{
	d->attest.clock_ms = 999;
}

static void clock_back_unsafe(struct kit_draft *d)
{
	d->attest.clock_ms = 999;
	d->attest.safe = false;
}

static void clock_back_reset(struct kit_draft *d)
{
	d->attest.resets = 5;
	d->attest.restarts = 0;
	d->attest.clock_ms = 999;
}

const struct kit_hostile kit_hostile[] = {
	{ "other-ek", other_ek, NULL, ATTEST_KEYS },
	{ "other-ak", other_ak, NULL, ATTEST_KEYS },
	{ "unrestricted-ak", unrestricted_ak, NULL, ATTEST_KEYS },
	{ "other-identity", other_identity, NULL, ATTEST_KEYS },
	{ "other-magic", NULL, other_magic, ATTEST_MAGIC },
	{ "other-type", NULL, other_type, ATTEST_TYPE },
	{ "unknown-type", NULL, unknown_type, ATTEST_TYPE },
	{ "other-signer", NULL, other_signer, ATTEST_SIGNER },
	{ "signer-plain-name", NULL, signer_plain_name, ATTEST_SIGNER },
	{ "no-signer", NULL, no_signer, ATTEST_SIGNER },
	{ "other-nonce", NULL, other_nonce, ATTEST_NONCE },
	{ "short-nonce", NULL, short_nonce, ATTEST_NONCE },
	{ "long-nonce", NULL, long_nonce, ATTEST_NONCE },
	{ "no-nonce", NULL, no_nonce, ATTEST_NONCE },
	{ "fewer-pcrs", NULL, fewer_pcrs, ATTEST_SELECTION },
	{ "more-pcrs", NULL, more_pcrs, ATTEST_SELECTION },
	{ "no-pcrs", NULL, no_pcrs, ATTEST_SELECTION },
	{ "other-bank", NULL, other_bank, ATTEST_SELECTION },
	{ "other-mask", other_mask, NULL, ATTEST_SELECTION },
	{ "other-digest", NULL, other_digest, ATTEST_DIGEST },
	{ "other-key", NULL, other_key, ATTEST_SIGNATURE },
	{ "fewer-resets", NULL, fewer_resets, ATTEST_CLOCK },
	{ "fewer-restarts", NULL, fewer_restarts, ATTEST_CLOCK },
	{ "clock-back", NULL, clock_back, ATTEST_CLOCK },
	{ "clock-back-unsafe", NULL, clock_back_unsafe, ATTEST_CLOCK },
	{ "clock-back-reset", NULL, clock_back_reset, ATTEST_CLOCK },
	{ "other-pcr", other_pcr, NULL, ATTEST_LOG },
	{ "event-hidden", event_hidden, NULL, ATTEST_LOG },
	{ "log-cut", log_cut, NULL, ATTEST_LOG },
	{ "event-changed", event_changed, NULL, ATTEST_EVENTS },
	{ "event-missing", event_missing, NULL, ATTEST_EVENTS },
	{ "event-twice", event_twice, NULL, ATTEST_EVENTS },
	{ "events-swapped", events_swapped, NULL, ATTEST_EVENTS },
};
const size_t kit_hostile_count = sizeof(kit_hostile) / sizeof(kit_hostile[0]);
