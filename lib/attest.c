// SPDX-License-Identifier: Apache-2.0
#include "attest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "eventlog.h"

const char *attest_check_name(enum attest_check check)
{
	static const char *const names[] = {
		"form",	  "keys",      "magic", "type", "signer", "nonce",  "selection",
		"digest", "signature", "clock", "log",	"events", "report",
	};

	return check < ATTEST_CHECKS ? names[check] : "nothing";
}

static int refuse(struct attest_result *r, enum attest_check check, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(struct attest_result *r, enum attest_check check, const char *fmt, ...)
{
	va_list ap;

	r->failed = check;
	va_start(ap, fmt);
	(void)vsnprintf(r->why.msg, sizeof(r->why.msg), fmt, ap);
	va_end(ap);
	return -EKEYREJECTED;
}

/* refuse_as - r->why has been written by whom it failed in. */
static int refuse_as(struct attest_result *r, enum attest_check check)
{
	r->failed = check;
	return -EKEYREJECTED;
}

int attest_machine_ready(struct attest_machine *m, struct err *err)
{
	int rc = tpm2_public_parse(m->ek.area, m->ek.len, &m->ek_public, err);

	rc = rc ? rc : tpm2_public_is_ek(&m->ek_public, err);
	rc = rc ? rc : tpm2_public_parse(m->ak.area, m->ak.len, &m->ak_public, err);
	rc = rc ? rc : tpm2_public_is_ak(&m->ak_public, err);
	rc = rc ? rc
		: tpm2_public_parse(m->identity.area, m->identity.len, &m->identity_public, err);
	rc = rc ? rc : tpm2_public_is_identity(&m->identity_public, err);
	if (rc)
		return rc;
	tpm2_primary_name(TPM2_HANDLE_ENDORSEMENT, m->ak_public.name, m->signer);
	return 0;
}

int attest_clock_check(const struct attest_clock *last, const struct attest_clock *now, bool safe,
		       struct err *err)
{
	bool same = now->resets == last->resets && now->restarts == last->restarts;

	if (now->resets < last->resets ||
	    (now->resets == last->resets && now->restarts < last->restarts))
		return err_set(err, -EKEYREJECTED,
			       "the TPM counts %u resets and %u restarts, and had %u and %u",
			       now->resets, now->restarts, last->resets, last->restarts);
	if (now->clock_ms < last->clock_ms && (same || safe))
		return err_set(err, -EKEYREJECTED,
			       "the TPM's clock says %" PRIu64 " ms, and had %" PRIu64,
			       now->clock_ms, last->clock_ms);
	return 0;
}

/* read_parts - the container and what is in it, without a look at what it says. */
static int read_parts(const uint8_t *buf, size_t len, uint16_t kind, struct attest_result *r,
		      uint8_t rs[static P256_SIGNATURE_SIZE])
{
	struct evidence *e = &r->evidence;

	if (evidence_parse(buf, len, e, &r->why))
		return refuse_as(r, ATTEST_FORM);
	if (e->kind != kind)
		return refuse(r, ATTEST_FORM, "evidence: %s",
			      kind == EVIDENCE_QUOTE ? "a request for enrolment, no quote"
						     : "a quote, no request for enrolment");
	if (tpm2_attest_parse(e->part[EVIDENCE_ATTEST].buf, e->part[EVIDENCE_ATTEST].len,
			      &r->attest, &r->why) ||
	    tpm2_signature_parse(e->part[EVIDENCE_SIGNATURE].buf, e->part[EVIDENCE_SIGNATURE].len,
				 rs, &r->why))
		return refuse_as(r, ATTEST_FORM);
	if (kind == EVIDENCE_QUOTE &&
	    report_parse(e->part[EVIDENCE_REPORT].buf, e->part[EVIDENCE_REPORT].len, &r->report,
			 &r->why))
		return refuse_as(r, ATTEST_FORM);
	return 0;
}

static int same_key(struct attest_result *r, enum evidence_part part, const uint8_t *area,
		    size_t len)
{
	if (r->evidence.part[part].len == len && memcmp(r->evidence.part[part].buf, area, len) == 0)
		return 0;
	return refuse(r, ATTEST_KEYS, "%s: another key than at the enrolment",
		      evidence_part_name((int)part));
}

/* is_statement - what every statement of a TPM for us must say of itself. */
static int is_statement(struct attest_result *r, uint16_t type, const uint8_t *signer,
			const struct evidence_ask *ask)
{
	const struct tpm2_attest *a = &r->attest;
	uint8_t nonce[SHA256_SIZE];

	if (a->magic != TPM2_MAGIC)
		return refuse(r, ATTEST_MAGIC, "made by no TPM: magic 0x%08x", a->magic);
	if (a->type != type)
		return refuse(r, ATTEST_TYPE, "a statement of type 0x%04x, not 0x%04x", a->type,
			      type);
	if (a->signer_len != TPM2_NAME_SIZE || memcmp(a->signer, signer, TPM2_NAME_SIZE) != 0)
		return refuse(r, ATTEST_SIGNER, "signed by another key, or another key's name");
	evidence_qualify(ask, r->evidence.bound, r->evidence.bound_len, nonce);
	if (a->extra_len != sizeof(nonce) || memcmp(a->extra, nonce, sizeof(nonce)) != 0)
		return refuse(r, ATTEST_NONCE,
			      "the qualifying data are not of this nonce, channel and container");
	return 0;
}

static int is_signed(struct attest_result *r, struct p256_key *ak, const uint8_t *rs)
{
	uint8_t digest[SHA256_SIZE];

	sha256(r->evidence.part[EVIDENCE_ATTEST].buf, r->evidence.part[EVIDENCE_ATTEST].len,
	       digest);
	if (crypto_p256_key_verify(ak, digest, rs))
		return refuse(r, ATTEST_SIGNATURE, "the attestation key's signature does not hold");
	r->clock = (struct attest_clock){ .clock_ms = r->attest.clock_ms,
					  .resets = r->attest.resets,
					  .restarts = r->attest.restarts };
	return 0;
}

/* has_pcrs - the pinned selection, and a digest that the PCRs in the container give. */
static int has_pcrs(struct attest_result *r)
{
	const uint8_t *pcrs = r->evidence.part[EVIDENCE_PCRS].buf;
	size_t len = r->evidence.part[EVIDENCE_PCRS].len;
	uint8_t digest[SHA256_SIZE];

	if (r->attest.pcr_hash != TPM2_ID_SHA256 || r->attest.pcr_mask != ATTEST_PCRS)
		return refuse(r, ATTEST_SELECTION,
			      "PCRs 0x%06x of bank 0x%04x, not 0x%06x of 0x%04x",
			      r->attest.pcr_mask, r->attest.pcr_hash, ATTEST_PCRS, TPM2_ID_SHA256);
	if (len != 4 + SHA256_SIZE * (size_t)__builtin_popcount(ATTEST_PCRS) ||
	    be32_load(pcrs) != ATTEST_PCRS)
		return refuse(r, ATTEST_SELECTION, "the container's PCRs are others");
	sha256(pcrs + 4, len - 4, digest);
	if (memcmp(digest, r->attest.pcr_digest, sizeof(digest)) != 0)
		return refuse(r, ATTEST_DIGEST, "the PCRs are not those that were quoted");
	return 0;
}

static int is_logged(struct attest_result *r)
{
	const uint8_t *pcr = r->evidence.part[EVIDENCE_PCRS].buf + 4;
	struct eventlog_pcrs replayed;
	unsigned int n;

	if (eventlog_replay(r->evidence.part[EVIDENCE_EVENTLOG].buf,
			    r->evidence.part[EVIDENCE_EVENTLOG].len, &replayed, &r->why))
		return refuse_as(r, ATTEST_LOG);
	for (n = 0; n < EVENTLOG_PCRS; n++) {
		if (!(ATTEST_PCRS & 1u << n))
			continue;
		if (memcmp(pcr, replayed.pcr[n], SHA256_SIZE) != 0)
			return refuse(r, ATTEST_LOG,
				      "PCR %u: the event log does not give its value", n);
		pcr += SHA256_SIZE;
	}
	r->events = replayed.events;
	return 0;
}

static int is_listed(const struct attest_policy *policy, struct attest_result *r)
{
	struct pcrlist_result found, first = { 0 };
	size_t i;

	for (i = 0; i < policy->lists; i++) {
		if (pcrlist_check(policy->list[i], r->evidence.part[EVIDENCE_EVENTLOG].buf,
				  r->evidence.part[EVIDENCE_EVENTLOG].len, &found, &r->why))
			return refuse_as(r, ATTEST_EVENTS);
		if (found.verdict == PCRLIST_MATCH) {
			r->list = i;
			return 0;
		}
		if (i == 0)
			first = found;
	}
	if (!policy->lists)
		return refuse(r, ATTEST_EVENTS, "no list of events to compare with");
	pcrlist_explain(&first, &r->why);
	return refuse_as(r, ATTEST_EVENTS);
}

static int is_wanted(const struct attest_policy *policy, struct attest_result *r)
{
	if (policy->root && memcmp(policy->root, r->report.root, SHA256_SIZE) != 0)
		return refuse(r, ATTEST_REPORT, "the report names another root hash");
	if (policy->release && policy->release != r->report.release)
		return refuse(r, ATTEST_REPORT,
			      "the report names release %" PRIu64 ", not %" PRIu64,
			      r->report.release, policy->release);
	return 0;
}

int attest_verify(const struct attest_policy *policy, const uint8_t *buf, size_t len,
		  struct attest_result *ret)
{
	const struct attest_machine *m = policy->machine;
	uint8_t rs[P256_SIGNATURE_SIZE];
	int rc;

	ret->failed = ATTEST_CHECKS;
	ret->why.msg[0] = '\0';
	rc = read_parts(buf, len, EVIDENCE_QUOTE, ret, rs);
	rc = rc ? rc : same_key(ret, EVIDENCE_EK, m->ek.area, m->ek.len);
	rc = rc ? rc : same_key(ret, EVIDENCE_AK, m->ak.area, m->ak.len);
	rc = rc ? rc : same_key(ret, EVIDENCE_IDENTITY, m->identity.area, m->identity.len);
	rc = rc ? rc : is_statement(ret, TPM2_TYPE_QUOTE, m->signer, &policy->ask);
	rc = rc ? rc : has_pcrs(ret);
	rc = rc ? rc : is_signed(ret, policy->ak, rs);
	if (!rc && attest_clock_check(&m->last, &ret->clock, ret->attest.safe, &ret->why))
		rc = refuse_as(ret, ATTEST_CLOCK);
	rc = rc ? rc : is_logged(ret);
	rc = rc ? rc : is_listed(policy, ret);
	return rc ? rc : is_wanted(policy, ret);
}

static int copy_key(struct attest_result *r, enum evidence_part part, uint8_t *ret_area,
		    size_t *ret_len)
{
	if (r->evidence.part[part].len > TPM2_PUBLIC_MAX)
		return refuse(r, ATTEST_FORM, "%s: too long", evidence_part_name((int)part));
	memcpy(ret_area, r->evidence.part[part].buf, r->evidence.part[part].len);
	*ret_len = r->evidence.part[part].len;
	return 0;
}

/* names_identity - the AK certifies the identity key, a primary key of the owner's hierarchy. */
static int names_identity(const struct attest_machine *m, struct attest_result *r)
{
	uint8_t qualified[TPM2_NAME_SIZE];

	tpm2_primary_name(TPM2_HANDLE_OWNER, m->identity_public.name, qualified);
	if (memcmp(r->attest.name, m->identity_public.name, TPM2_NAME_SIZE) != 0 ||
	    memcmp(r->attest.qualified_name, qualified, TPM2_NAME_SIZE) != 0)
		return refuse(r, ATTEST_KEYS, "the statement is not about this identity key");
	return 0;
}

int attest_enrol(const struct evidence_ask *ask, const uint8_t *buf, size_t len,
		 struct attest_machine *ret_machine, struct attest_result *ret)
{
	struct attest_machine *m = ret_machine;
	uint8_t rs[P256_SIGNATURE_SIZE];
	struct p256_key *ak = NULL, *identity = NULL;
	int rc;

	memset(m, 0, sizeof(*m));
	ret->failed = ATTEST_CHECKS;
	ret->why.msg[0] = '\0';
	rc = read_parts(buf, len, EVIDENCE_REQUEST, ret, rs);
	rc = rc ? rc : copy_key(ret, EVIDENCE_EK, m->ek.area, &m->ek.len);
	rc = rc ? rc : copy_key(ret, EVIDENCE_AK, m->ak.area, &m->ak.len);
	rc = rc ? rc : copy_key(ret, EVIDENCE_IDENTITY, m->identity.area, &m->identity.len);
	if (!rc && attest_machine_ready(m, &ret->why))
		rc = refuse_as(ret, ATTEST_KEYS);
	if (!rc && (crypto_p256_key_new(m->ak_public.point, &ak) ||
		    crypto_p256_key_new(m->identity_public.point, &identity)))
		rc = refuse(ret, ATTEST_KEYS, "ak or identity: no point of the curve");
	rc = rc ? rc : is_statement(ret, TPM2_TYPE_CERTIFY, m->signer, ask);
	rc = rc ? rc : names_identity(m, ret);
	rc = rc ? rc : is_signed(ret, ak, rs);
	crypto_p256_key_free(identity);
	crypto_p256_key_free(ak);
	if (!rc)
		m->last = ret->clock;
	return rc;
}
