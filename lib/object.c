// SPDX-License-Identifier: Apache-2.0
#include "object.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

static const uint8_t magic[8] = { 'C', 'A', 'I', 'R', 'N', '-', 'O', 'B' };

int object_head(uint16_t kind, size_t len, uint8_t ret_head[static OBJECT_HEAD])
{
	if (len > OBJECT_CONTENT_MAX)
		return -EFBIG;
	memcpy(ret_head, magic, sizeof(magic));
	be16_store(ret_head + 8, 1);
	be16_store(ret_head + 10, kind);
	be32_store(ret_head + 12, (uint32_t)len);
	return 0;
}

int object_parse(const uint8_t *buf, size_t len, struct object *ret, struct err *err)
{
	struct object o = { 0 };

	if (len > OBJECT_MAX)
		return err_set(err, -EFBIG, "object: %zu bytes", len);
	if (len < OBJECT_HEAD + P256_SIGNATURE_SIZE || memcmp(buf, magic, sizeof(magic)) != 0)
		return err_set(err, -EBADMSG, "object: no such container");
	o.kind = be16_load(buf + 10);
	o.len = be32_load(buf + 12);
	if (be16_load(buf + 8) != 1 || (o.kind != OBJECT_EVIDENCE && o.kind != OBJECT_TEXT))
		return err_set(err, -EBADMSG, "object: version %u, kind %u", be16_load(buf + 8),
			       o.kind);
	if (o.len != len - OBJECT_HEAD - P256_SIGNATURE_SIZE)
		return err_set(err, -EBADMSG, "object: %zu bytes of content in %zu", o.len, len);
	o.content = buf + OBJECT_HEAD;
	o.signature = o.content + o.len;
	*ret = o;
	return 0;
}

int object_open(const uint8_t *buf, size_t len, struct p256_key *identity, struct object *ret,
		struct err *err)
{
	struct object o = { 0 };
	int rc = object_parse(buf, len, &o, err);

	if (rc)
		return rc;
	sha256(buf, OBJECT_HEAD + o.len, o.digest);
	if (crypto_p256_key_verify(identity, o.digest, o.signature))
		return err_set(err, -EKEYREJECTED,
			       "object: the identity key's signature does not hold");
	*ret = o;
	return 0;
}
