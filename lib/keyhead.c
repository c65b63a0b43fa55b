// SPDX-License-Identifier: Apache-2.0
#include "keyhead.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

#define MAGIC_BYTES 16
#define BLOBS_AT 384u
#define BLOB_BYTES 1024u
#define SUM_AT (KEYHEAD_BYTES - SHA256_SIZE)
#define MAC_AT (SUM_AT - SHA256_SIZE)

static const uint8_t magic[MAGIC_BYTES] = "CAIRN-KEYHEAD";

_Static_assert(BLOBS_AT + KEYHEAD_BLOBS_MAX * BLOB_BYTES <= MAC_AT, "the blobs fit");

uint32_t keyhead_key_bytes(uint32_t cipher)
{
	return cipher == KEYHEAD_XTS ? 64 : cipher == KEYHEAD_XTS_HMAC ? 96 : 0;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

static unsigned int bits(uint32_t mask)
{
	unsigned int n = 0;

	for (; mask; mask &= mask - 1)
		n++;
	return n;
}

static bool blob_ok(const struct keyhead_blob *b)
{
	return b->pcr_mask != 0 && b->pcr_mask < 1u << 24 && bits(b->pcr_mask) <= KEYHEAD_PCRS &&
	       b->public_len > 0 && b->public_len <= KEYHEAD_PUBLIC_MAX && b->private_len > 0 &&
	       b->private_len <= KEYHEAD_PRIVATE_MAX;
}

static bool head_ok(const struct keyhead *h)
{
	uint32_t i;

	if (h->sequence == 0 || keyhead_key_bytes(h->cipher) == 0 ||
	    h->key_bytes != keyhead_key_bytes(h->cipher) || h->blobs > KEYHEAD_BLOBS_MAX ||
	    h->recovery_len > KEYHEAD_RECOVERY_MAX)
		return false;
	for (i = 0; i < h->blobs; i++)
		if (!blob_ok(&h->blob[i]))
			return false;
	return true;
}

static void format_blob(const struct keyhead_blob *b, uint8_t *p)
{
	unsigned int i;

	le64_store(p, b->counter);
	le64_store(p + 8, b->release);
	memcpy(p + 16, b->roothash, SHA256_SIZE);
	le32_store(p + 48, b->generation);
	le32_store(p + 52, b->pcr_mask);
	memcpy(p + 56, b->policy, SHA256_SIZE);
	for (i = 0; i < bits(b->pcr_mask); i++)
		memcpy(p + 88 + (size_t)i * SHA256_SIZE, b->pcr[i], SHA256_SIZE);
	le16_store(p + 184, b->public_len);
	le16_store(p + 186, b->private_len);
	memcpy(p + 188, b->public_area, b->public_len);
	memcpy(p + 188 + KEYHEAD_PUBLIC_MAX, b->private_area, b->private_len);
}

_Static_assert(188 + KEYHEAD_PUBLIC_MAX + KEYHEAD_PRIVATE_MAX <= BLOB_BYTES, "a blob fits");

static int parse_blob(const uint8_t *p, struct keyhead_blob *b)
{
	unsigned int i;

	memset(b, 0, sizeof(*b));
	b->counter = le64_load(p);
	b->release = le64_load(p + 8);
	memcpy(b->roothash, p + 16, SHA256_SIZE);
	b->generation = le32_load(p + 48);
	b->pcr_mask = le32_load(p + 52);
	memcpy(b->policy, p + 56, SHA256_SIZE);
	b->public_len = le16_load(p + 184);
	b->private_len = le16_load(p + 186);
	if (!blob_ok(b))
		return -EBADMSG;
	for (i = 0; i < bits(b->pcr_mask); i++)
		memcpy(b->pcr[i], p + 88 + (size_t)i * SHA256_SIZE, SHA256_SIZE);
	memcpy(b->public_area, p + 188, b->public_len);
	memcpy(b->private_area, p + 188 + KEYHEAD_PUBLIC_MAX, b->private_len);
	return 0;
}

int keyhead_format(const struct keyhead *h, uint8_t ret_copy[static KEYHEAD_BYTES])
{
	uint8_t *p = ret_copy;
	uint32_t i;

	if (!head_ok(h))
		return -EINVAL;
	memset(p, 0, KEYHEAD_BYTES);
	memcpy(p, magic, sizeof(magic));
	le32_store(p + 16, KEYHEAD_VERSION);
	le32_store(p + 20, KEYHEAD_BYTES);
	le64_store(p + 24, h->sequence);
	memcpy(p + 32, h->id, KEYHEAD_ID_BYTES);
	le32_store(p + 48, h->cipher);
	le32_store(p + 52, h->key_bytes);
	le32_store(p + 56, h->nv_index);
	le32_store(p + 60, h->blobs);
	le64_store(p + 64, h->floor);
	le64_store(p + 72, h->good_release);
	memcpy(p + 80, h->good_roothash, SHA256_SIZE);
	le32_store(p + 112, h->recovery_len);
	memcpy(p + 128, h->recovery, h->recovery_len);
	for (i = 0; i < h->blobs; i++)
		format_blob(&h->blob[i], p + BLOBS_AT + (size_t)i * BLOB_BYTES);
	memcpy(p + MAC_AT, h->mac, SHA256_SIZE);
	sha256(p, SUM_AT, p + SUM_AT);
	return 0;
}

int keyhead_parse(const uint8_t *buf, size_t len, struct keyhead *ret)
{
	uint8_t sum[SHA256_SIZE];
	struct keyhead h;
	uint32_t i;
	int rc;

	if (len != KEYHEAD_BYTES)
		return -EBADMSG;
	if (all_zero(buf, len))
		return -ENODATA;
	if (memcmp(buf, magic, sizeof(magic)) != 0)
		return -EBADMSG;
	sha256(buf, SUM_AT, sum);
	if (memcmp(sum, buf + SUM_AT, sizeof(sum)) != 0)
		return -EBADMSG;
	if (le32_load(buf + 16) != KEYHEAD_VERSION)
		return -ENOTSUP;
	if (le32_load(buf + 20) != KEYHEAD_BYTES)
		return -EBADMSG;
	memset(&h, 0, sizeof(h));
	h.sequence = le64_load(buf + 24);
	memcpy(h.id, buf + 32, KEYHEAD_ID_BYTES);
	h.cipher = le32_load(buf + 48);
	h.key_bytes = le32_load(buf + 52);
	h.nv_index = le32_load(buf + 56);
	h.blobs = le32_load(buf + 60);
	h.floor = le64_load(buf + 64);
	h.good_release = le64_load(buf + 72);
	memcpy(h.good_roothash, buf + 80, SHA256_SIZE);
	h.recovery_len = le32_load(buf + 112);
	if (h.blobs > KEYHEAD_BLOBS_MAX || h.recovery_len > KEYHEAD_RECOVERY_MAX)
		return -EBADMSG;
	memcpy(h.recovery, buf + 128, h.recovery_len);
	for (i = 0; i < h.blobs; i++) {
		rc = parse_blob(buf + BLOBS_AT + (size_t)i * BLOB_BYTES, &h.blob[i]);
		if (rc)
			return rc;
	}
	memcpy(h.mac, buf + MAC_AT, SHA256_SIZE);
	if (!head_ok(&h))
		return -EBADMSG;
	*ret = h;
	return 0;
}

/* read_copy - one copy; a device that cannot read it is as one that holds nonsense. */
static int read_copy(const struct blockio *io, int copy, struct keyhead *ret)
{
	uint8_t buf[KEYHEAD_BYTES];
	int rc = io->read(io->ctx, buf, sizeof(buf), KEYHEAD_AT(copy));

	return rc ? rc : keyhead_parse(buf, sizeof(buf), ret);
}

int keyhead_read(const struct blockio *io, struct keyhead *ret, int *ret_copy, struct err *err)
{
	struct keyhead h[KEYHEAD_COPIES];
	int rc[KEYHEAD_COPIES], use, i;

	for (i = 0; i < KEYHEAD_COPIES; i++)
		rc[i] = read_copy(io, i, &h[i]);
	if (rc[0] && rc[1]) {
		/* What says most: a header that others made, then a broken one, then none. */
		if (rc[0] == -ENOTSUP || rc[1] == -ENOTSUP)
			return err_set(err, -ENOTSUP, "the key header is of a newer release");
		if (rc[0] == -ENODATA && rc[1] == -ENODATA)
			return err_set(err, -ENOENT, "there is no key header");
		if ((rc[0] == -EBADMSG || rc[0] == -ENODATA) &&
		    (rc[1] == -EBADMSG || rc[1] == -ENODATA))
			return err_set(err, -EBADMSG, "neither copy of the key header is whole");
		return err_sys(err, rc[0] == -EBADMSG || rc[0] == -ENODATA ? rc[1] : rc[0],
			       "cannot read the key header");
	}
	use = rc[0] ? 1 : rc[1] ? 0 : h[1].sequence > h[0].sequence;
	*ret = h[use];
	if (ret_copy)
		*ret_copy = use;
	return 0;
}

static int put(const struct blockio *io, const uint8_t buf[static KEYHEAD_BYTES], int copy,
	       struct err *err)
{
	uint8_t back[KEYHEAD_BYTES];
	int rc = io->write(io->ctx, buf, KEYHEAD_BYTES, KEYHEAD_AT(copy));

	rc = rc ? rc : io->flush(io->ctx);
	rc = rc ? rc : io->read(io->ctx, back, sizeof(back), KEYHEAD_AT(copy));
	if (!rc && memcmp(buf, back, KEYHEAD_BYTES) != 0)
		rc = -EIO;
	return rc ? err_sys(err, rc, "cannot write the key header") : 0;
}

void keyhead_auth(const uint8_t *key, uint32_t key_bytes, const uint8_t id[static KEYHEAD_ID_BYTES],
		  uint8_t ret_auth[static SHA256_SIZE])
{
	static const char what[] = "cairn header 1";
	struct hmac m;

	hmac_init(&m, key, key_bytes);
	hmac_update(&m, what, sizeof(what) - 1);
	hmac_update(&m, id, KEYHEAD_ID_BYTES);
	hmac_final(&m, ret_auth);
	crypto_wipe(&m, sizeof(m));
}

static void mac_of(const uint8_t copy[static KEYHEAD_BYTES], const uint8_t *auth,
		   uint8_t ret_mac[static SHA256_SIZE])
{
	struct hmac m;

	hmac_init(&m, auth, SHA256_SIZE);
	hmac_update(&m, copy, MAC_AT);
	hmac_final(&m, ret_mac);
	crypto_wipe(&m, sizeof(m));
}

int keyhead_check(const struct keyhead *h, const uint8_t auth[static SHA256_SIZE])
{
	uint8_t buf[KEYHEAD_BYTES], mac[SHA256_SIZE];

	if (keyhead_format(h, buf))
		return -EKEYREJECTED;
	mac_of(buf, auth, mac);
	return crypto_equal(mac, h->mac, sizeof(mac)) ? 0 : -EKEYREJECTED;
}

int keyhead_write(const struct blockio *io, struct keyhead *h,
		  const uint8_t auth[static SHA256_SIZE], struct err *err)
{
	uint8_t buf[KEYHEAD_BYTES];
	struct keyhead now;
	uint64_t before = h->sequence;
	int copy = 1, rc;

	rc = keyhead_read(io, &now, &copy, err);
	/* None to be kept where neither can be read: then any place is as good. */
	h->sequence = rc ? before + 1 : now.sequence + 1;
	rc = keyhead_format(h, buf);
	if (rc) {
		h->sequence = before;
		return err_set(err, rc, "the key header has a field out of range");
	}
	mac_of(buf, auth, h->mac);
	(void)keyhead_format(h, buf);
	rc = put(io, buf, !copy, err);
	if (rc)
		h->sequence = before;
	else if (err)
		err->msg[0] = '\0';
	return rc;
}

int keyhead_destroy(const struct blockio *io, struct err *err)
{
	static const uint8_t zero[KEYHEAD_BYTES];
	int first = put(io, zero, 0, err), second = put(io, zero, 1, err);

	return first ? first : second;
}
