// SPDX-License-Identifier: Apache-2.0
#include "trust.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "doctext.h"

static const char *const role_names[TRUST_ROLES] = { "root", "release", "channel" };

const char *trust_role_name(enum trust_role role)
{
	return role_names[role];
}

static int find_key(const struct trust *t, const uint8_t *id)
{
	size_t i;

	for (i = 0; i < t->keys; i++)
		if (memcmp(t->key[i].id, id, SHA256_SIZE) == 0)
			return (int)i;
	return -1;
}

static void read_keys(struct doctext_in *in, struct trust *t)
{
	while (doctext_next(in, "key=")) {
		struct trust_key *k = &t->key[t->keys];

		if (t->keys == TRUST_KEYS_MAX) {
			doctext_fail(in);
			return;
		}
		doctext_lit(in, "key=");
		doctext_hex(in, k->point, sizeof(k->point));
		doctext_lit(in, "\n");
		if (in->failed)
			return;
		signed_key_id(k->point, k->id);
		if (k->point[0] != 4 || (t->keys && memcmp(k[-1].id, k->id, sizeof(k->id)) >= 0)) {
			doctext_fail(in);
			return;
		}
		t->keys++;
	}
}

static void read_role(struct doctext_in *in, struct trust *t, enum trust_role role)
{
	size_t n = 0;

	doctext_lit(in, role_names[role]);
	doctext_lit(in, "=");
	t->role[role].threshold = (unsigned int)doctext_u64(in, 1, TRUST_KEYS_MAX);
	while (doctext_next(in, " ")) {
		uint8_t id[SHA256_SIZE] = { 0 };
		int k;

		doctext_lit(in, " ");
		doctext_hex(in, id, sizeof(id));
		k = in->failed ? -1 : find_key(t, id);
		if (k < 0 || n == TRUST_KEYS_MAX || (n && k <= t->role[role].key[n - 1])) {
			doctext_fail(in);
			return;
		}
		t->role[role].key[n++] = (uint8_t)k;
	}
	doctext_lit(in, "\n");
	t->role[role].keys = n;
	if (n < t->role[role].threshold)
		doctext_fail(in);
}

static void write_document(const struct trust *t, struct doctext_out *out)
{
	size_t i, role;

	doctext_put(out, "cairn-trust 1\nnumber=%" PRIu64 "\nexpires=%" PRIu64 "\n", t->number,
		    t->expires);
	for (i = 0; i < t->keys; i++) {
		doctext_put(out, "key=");
		doctext_put_hex(out, t->key[i].point, sizeof(t->key[i].point));
		doctext_put(out, "\n");
	}
	for (role = 0; role < TRUST_ROLES; role++) {
		doctext_put(out, "%s=%u", role_names[role], t->role[role].threshold);
		for (i = 0; i < t->role[role].keys; i++) {
			doctext_put(out, " ");
			doctext_put_hex(out, t->key[t->role[role].key[i]].id, SHA256_SIZE);
		}
		doctext_put(out, "\n");
	}
	doctext_put(out, "end\n");
}

int trust_parse(const uint8_t *buf, size_t len, struct trust *ret, struct err *err)
{
	char again[TRUST_DOCUMENT_MAX];
	struct doctext_out out;
	struct doctext_in in;
	int role;

	memset(ret, 0, sizeof(*ret));
	doctext_in(&in, buf, len);
	doctext_lit(&in, "cairn-trust 1\nnumber=");
	ret->number = doctext_u64(&in, 1, UINT64_MAX);
	doctext_lit(&in, "\nexpires=");
	ret->expires = doctext_u64(&in, 1, UINT64_MAX);
	doctext_lit(&in, "\n");
	read_keys(&in, ret);
	for (role = 0; role < TRUST_ROLES; role++)
		read_role(&in, ret, (enum trust_role)role);
	doctext_lit(&in, "end\n");
	if (!doctext_done(&in))
		return err_set(err, -EBADMSG, "the trust is of an unknown form at byte %zu",
			       (size_t)(in.at - in.start));
	doctext_out(&out, again, sizeof(again));
	write_document(ret, &out);
	if (!doctext_same(&out, buf, len))
		return err_set(err, -EBADMSG, "the trust is not in canonical form");
	return 0;
}

int trust_format(const struct trust *t, uint8_t ret_buf[static TRUST_DOCUMENT_MAX], size_t *ret_len)
{
	struct doctext_out out;
	struct trust again;
	size_t role, i;

	if (t->keys > TRUST_KEYS_MAX)
		return -EINVAL;
	for (role = 0; role < TRUST_ROLES; role++) {
		if (t->role[role].keys > TRUST_KEYS_MAX)
			return -EINVAL;
		for (i = 0; i < t->role[role].keys; i++)
			if (t->role[role].key[i] >= t->keys)
				return -EINVAL;
	}
	doctext_out(&out, ret_buf, TRUST_DOCUMENT_MAX);
	write_document(t, &out);
	if (out.failed || trust_parse(ret_buf, out.len, &again, NULL))
		return -EINVAL;
	*ret_len = out.len;
	return 0;
}

/* Signatures only: expiry is another matter. */
static int threshold_met(const struct trust *t, enum trust_role role, const struct signed_doc *doc,
			 struct err *err)
{
	unsigned int good = 0;
	size_t i, s;

	for (i = 0; i < t->role[role].keys; i++) {
		const struct trust_key *key = &t->key[t->role[role].key[i]];
		int rc;

		for (s = 0; s < doc->signatures; s++)
			if (memcmp(doc->signature[s].key_id, key->id, sizeof(key->id)) == 0)
				break;
		if (s == doc->signatures)
			continue;
		rc = crypto_p256_verify(key->point, doc->digest, doc->signature[s].rs);
		if (rc == -ENOMEM)
			return err_set(err, rc, "check a signature: no memory");
		if (rc)
			return err_set(err, -EKEYREJECTED,
				       "a signature by a key of the role %s does not hold",
				       role_names[role]);
		good++;
	}
	if (good < t->role[role].threshold)
		return err_set(err, -EKEYREJECTED,
			       "%u signatures by keys of the role %s in trust %" PRIu64
			       ", %u are needed",
			       good, role_names[role], t->number, t->role[role].threshold);
	return 0;
}

/* A whole signed document and nothing after it. */
static int split_whole(const uint8_t *buf, size_t len, struct signed_doc *ret, struct err *err)
{
	int rc = signed_split(buf, len, ret, err);

	if (rc)
		return rc == -ENODATA ? -EBADMSG : rc;
	if (ret->total != len)
		return err_set(err, -EBADMSG, "something follows the trust");
	return 0;
}

int trust_open(const uint8_t *buf, size_t len, struct trust *ret, struct err *err)
{
	struct signed_doc doc;
	struct trust t = { .number = 0 };
	int rc = split_whole(buf, len, &doc, err);

	if (!rc)
		rc = trust_parse(doc.document, doc.document_len, &t, err);
	if (!rc)
		rc = threshold_met(&t, TRUST_ROOT, &doc, err);
	if (!rc)
		*ret = t;
	return rc;
}

int trust_next(const struct trust *have, const uint8_t *buf, size_t len, struct trust *ret,
	       struct err *err)
{
	struct signed_doc doc;
	struct trust t = { .number = 0 };
	int rc = split_whole(buf, len, &doc, err);

	if (!rc)
		rc = threshold_met(have, TRUST_ROOT, &doc, err);
	if (!rc)
		rc = trust_parse(doc.document, doc.document_len, &t, err);
	if (rc)
		return rc;
	if (t.number <= have->number)
		return err_set(err, -ESTALE, "trust %" PRIu64 " is there, this is %" PRIu64,
			       have->number, t.number);
	if (t.number != have->number + 1)
		return err_set(err, -ERANGE,
			       "trust %" PRIu64 " cannot follow %" PRIu64
			       ": those between are needed",
			       t.number, have->number);
	rc = threshold_met(&t, TRUST_ROOT, &doc, err);
	if (!rc)
		*ret = t;
	return rc;
}

int trust_chain(struct trust *t, const uint8_t *buf, size_t len, struct err *err)
{
	if (len > TRUST_CHAIN_MAX)
		return err_set(err, -EBADMSG, "the trusts taken are more than %d bytes",
			       TRUST_CHAIN_MAX);
	while (len) {
		size_t total;
		int rc = signed_bytes(buf, len, &total, err);

		if (rc || total > len)
			return err_set(err, -EBADMSG, "the trusts taken cannot be taken apart");
		(void)trust_next(t, buf, total, t, NULL);
		buf += total;
		len -= total;
	}
	return 0;
}

int trust_check(const struct trust *t, enum trust_role role, const struct signed_doc *doc,
		uint64_t now, struct err *err)
{
	if (now != TRUST_TIME_UNKNOWN && now >= t->expires)
		return err_set(err, -EKEYEXPIRED, "trust %" PRIu64 " has expired", t->number);
	return threshold_met(t, role, doc, err);
}
