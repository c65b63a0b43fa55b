// SPDX-License-Identifier: Apache-2.0
#include "channel.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "doctext.h"

static void read_deltas(struct doctext_in *in, struct channel *c)
{
	while (doctext_next(in, "delta=")) {
		struct channel_bundle *d = &c->delta[c->deltas];

		if (c->deltas == CHANNEL_DELTAS_MAX) {
			doctext_fail(in);
			return;
		}
		doctext_lit(in, "delta=");
		doctext_hex(in, d->base, sizeof(d->base));
		doctext_lit(in, " ");
		doctext_hex(in, d->manifest, sizeof(d->manifest));
		doctext_lit(in, " ");
		d->size_bytes = doctext_u64(in, 1, UINT64_MAX);
		doctext_lit(in, "\n");
		if (in->failed)
			return;
		if (c->deltas && memcmp(d[-1].base, d->base, sizeof(d->base)) >= 0) {
			doctext_fail(in);
			return;
		}
		c->deltas++;
	}
}

static void put_bundle(struct doctext_out *out, const struct channel_bundle *b)
{
	doctext_put_hex(out, b->manifest, sizeof(b->manifest));
	doctext_put(out, " %" PRIu64 "\n", b->size_bytes);
}

static void write_document(const struct channel *c, struct doctext_out *out)
{
	size_t i;

	doctext_put(out, "cairn-channel 1\nname=");
	doctext_put_word(out, c->name, sizeof(c->name));
	doctext_put(out, "\ncompatible=");
	doctext_put_word(out, c->compatible, sizeof(c->compatible));
	doctext_put(out,
		    "\nsequence=%" PRIu64 "\ncreated=%" PRIu64 "\nexpires=%" PRIu64
		    "\ntrust=%" PRIu64 "\nrelease=%" PRIu64 "\nversion=",
		    c->sequence, c->created, c->expires, c->trust, c->release);
	doctext_put_word(out, c->version, sizeof(c->version));
	doctext_put(out, "\nfull=");
	put_bundle(out, &c->full);
	for (i = 0; i < c->deltas; i++) {
		doctext_put(out, "delta=");
		doctext_put_hex(out, c->delta[i].base, sizeof(c->delta[i].base));
		doctext_put(out, " ");
		put_bundle(out, &c->delta[i]);
	}
	doctext_put(out, "end\n");
}

static uint64_t read_number(struct doctext_in *in, const char *before)
{
	doctext_lit(in, before);
	return doctext_u64(in, 1, UINT64_MAX);
}

int channel_parse(const uint8_t *buf, size_t len, struct channel *ret, struct err *err)
{
	char again[CHANNEL_DOCUMENT_MAX];
	struct doctext_out out;
	struct doctext_in in;

	memset(ret, 0, sizeof(*ret));
	doctext_in(&in, buf, len);
	doctext_lit(&in, "cairn-channel 1\nname=");
	doctext_word(&in, ret->name, sizeof(ret->name));
	doctext_lit(&in, "\ncompatible=");
	doctext_word(&in, ret->compatible, sizeof(ret->compatible));
	ret->sequence = read_number(&in, "\nsequence=");
	ret->created = read_number(&in, "\ncreated=");
	ret->expires = read_number(&in, "\nexpires=");
	ret->trust = read_number(&in, "\ntrust=");
	ret->release = read_number(&in, "\nrelease=");
	doctext_lit(&in, "\nversion=");
	doctext_word(&in, ret->version, sizeof(ret->version));
	doctext_lit(&in, "\nfull=");
	doctext_hex(&in, ret->full.manifest, sizeof(ret->full.manifest));
	ret->full.size_bytes = read_number(&in, " ");
	doctext_lit(&in, "\n");
	read_deltas(&in, ret);
	doctext_lit(&in, "end\n");
	if (!doctext_done(&in))
		return err_set(err, -EBADMSG, "the channel is of an unknown form at byte %zu",
			       (size_t)(in.at - in.start));
	if (ret->expires <= ret->created)
		return err_set(err, -EBADMSG, "the channel expires before it is made");
	doctext_out(&out, again, sizeof(again));
	write_document(ret, &out);
	if (!doctext_same(&out, buf, len))
		return err_set(err, -EBADMSG, "the channel is not in canonical form");
	return 0;
}

int channel_format(const struct channel *c, uint8_t ret_buf[static CHANNEL_DOCUMENT_MAX],
		   size_t *ret_len)
{
	struct doctext_out out;
	struct channel again;

	if (c->deltas > CHANNEL_DELTAS_MAX)
		return -EINVAL;
	doctext_out(&out, ret_buf, CHANNEL_DOCUMENT_MAX);
	write_document(c, &out);
	if (out.failed || channel_parse(ret_buf, out.len, &again, NULL))
		return -EINVAL;
	*ret_len = out.len;
	return 0;
}

int channel_open(const uint8_t *buf, size_t len, const struct trust *trust, uint64_t now,
		 struct channel *ret, uint8_t *ret_digest, struct err *err)
{
	struct signed_doc doc;
	struct channel c = { .sequence = 0 };
	int rc = signed_split(buf, len, &doc, err);

	if (rc)
		return rc == -ENODATA ? -EBADMSG : rc;
	if (doc.total != len)
		return err_set(err, -EBADMSG, "something follows the channel");
	rc = trust_check(trust, TRUST_CHANNEL, &doc, now, err);
	if (!rc)
		rc = channel_parse(doc.document, doc.document_len, &c, err);
	if (rc)
		return rc;
	*ret = c;
	if (ret_digest)
		memcpy(ret_digest, doc.digest, sizeof(doc.digest));
	return 0;
}

int channel_check(const struct channel *c, const uint8_t digest[static SHA256_SIZE],
		  const struct channel_want *want, struct err *err)
{
	if (strcmp(c->compatible, want->compatible) != 0)
		return err_set(err, -EXDEV, "the channel is for %s, this machine is %s",
			       c->compatible, want->compatible);
	if (want->name && strcmp(c->name, want->name) != 0)
		return err_set(err, -EXDEV, "this is the channel %s, not %s", c->name, want->name);
	if (want->now != TRUST_TIME_UNKNOWN && want->now >= c->expires)
		return err_set(err, -EKEYEXPIRED, "the channel has expired");
	if (c->sequence < want->sequence)
		return err_set(err, -ESTALE,
			       "the channel's sequence is %" PRIu64 ", %" PRIu64
			       " was seen already",
			       c->sequence, want->sequence);
	if (c->sequence == want->sequence && want->last_digest &&
	    memcmp(digest, want->last_digest, SHA256_SIZE) != 0)
		return err_set(err, -ESTALE,
			       "the channel's sequence %" PRIu64 " was seen with other content",
			       c->sequence);
	if (c->trust > want->trust)
		return err_set(err, -ENOKEY,
			       "the channel tells of trust %" PRIu64
			       ", the newest here is %" PRIu64,
			       c->trust, want->trust);
	return 0;
}

const struct channel_bundle *channel_delta(const struct channel *c,
					   const uint8_t base[static SHA256_SIZE])
{
	size_t i;

	for (i = 0; i < c->deltas; i++)
		if (memcmp(c->delta[i].base, base, SHA256_SIZE) == 0)
			return &c->delta[i];
	return NULL;
}
