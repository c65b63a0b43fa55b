// SPDX-License-Identifier: Apache-2.0
#include "volume.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "io.h"
#include "recovery.h"
#include "sealpolicy.h"
#include "sealrun.h"

/*
 * What is sealed: u32 version, 1 | u32 bytes of the key | u8 volume id[16] | key. Integers
 * little-endian.
 */
#define SECRET_VERSION 1u
#define SECRET_KEY_AT 24u

_Static_assert(SECRET_KEY_AT + KEYHEAD_KEY_MAX <= TPM_SECRET_MAX, "the secret can be sealed");

/* One order that needs the key: what it was opened to. */
struct opened {
	struct volume *v;
	struct keyhead h;
	uint64_t floor; /* the header's, or the running release's, the higher */
	uint64_t counter;
	struct sealset_pair running;
	const struct sealset *added; /* SEAL */
	uint8_t key[KEYHEAD_KEY_MAX];
	uint8_t counter_auth[SHA256_SIZE], head_auth[SHA256_SIZE];
};

static void forget(struct opened *o)
{
	crypto_wipe(o, sizeof(*o));
}

/* derive - what raises the counter, and what signs the header: only who has the key has them. */
static void derive(struct opened *o)
{
	static const char what[] = "cairn counter 1";
	struct hmac h;
	size_t last;

	keyhead_auth(o->key, o->h.key_bytes, o->h.id, o->head_auth);
	hmac_init(&h, o->key, o->h.key_bytes);
	hmac_update(&h, what, sizeof(what) - 1);
	hmac_update(&h, o->h.id, KEYHEAD_ID_BYTES);
	hmac_final(&h, o->counter_auth);
	crypto_wipe(&h, sizeof(h));
	/* The TPM takes zeros off the end of an authorisation (Part 1 r1.59, 17.6.4.3). */
	for (last = SHA256_SIZE; last > 0 && o->counter_auth[last - 1] == 0; last--)
		o->counter_auth[last - 1] = 1;
}

static int running_pair(const struct volume *v, struct sealset_pair *ret, struct err *err)
{
	int rc = measured_pair(v->measured, ret, err);

	if (rc)
		return rc;
	ret->release = v->release;
	if (v->has_roothash)
		memcpy(ret->roothash, v->roothash, sizeof(ret->roothash));
	return 0;
}

/* The head of the partition. */

static enum datahead head_now(const struct volume *v)
{
	static uint8_t head[DATAHEAD_BYTES];

	if (v->fd < 0 || io_pread(v->fd, head, sizeof(head), 0))
		return DATAHEAD_UNKNOWN;
	return datahead_judge(head);
}

static int need_part(const struct volume *v, struct err *err)
{
	if (v->fd < 0)
		return err_set(err, -ENOENT, "%s",
			       v->why.msg[0] ? v->why.msg : "there is no DATA partition");
	if (!v->writable)
		return err_set(err, -ENOENT, "DATA is not encrypted");
	return 0;
}

static enum sealconf_tpm tpm_state(const struct volume *v)
{
	if (!v->tpm->there)
		return SEALCONF_TPM_ABSENT;
	return v->measured->found.tpm == STATUS_TPM_OK ? SEALCONF_TPM_OK : SEALCONF_TPM_FAILS;
}

void volume_data(struct volume *v, struct trustd_data *ret)
{
	static const uint32_t orders[] = {
		[SEALCONF_PLAIN] = TRUSTD_DATA_PLAIN,
		[SEALCONF_OPEN] = TRUSTD_DATA_OPEN,
		[SEALCONF_MAKE] = TRUSTD_DATA_MAKE,
		[SEALCONF_CLOSED] = TRUSTD_DATA_CLOSED,
	};
	struct keyhead h = { .cipher = v->cipher };
	struct err err = { "" };
	const char *why = NULL;
	int rc = v->fd < 0 ? -ENOENT : keyhead_read(&v->io, &h, NULL, &err);
	enum sealconf_order order = sealconf_decide(v->policy, head_now(v),
						    rc == 0	    ? SEALCONF_HEADER_OK
						    : rc == -ENOENT ? SEALCONF_HEADER_NONE
								    : SEALCONF_HEADER_BAD,
						    tpm_state(v), &why);

	memset(ret, 0, sizeof(*ret));
	ret->policy = v->policy;
	ret->what = orders[order];
	ret->cipher = order == SEALCONF_OPEN ? h.cipher : v->cipher;
	if (v->why.msg[0]) {
		ret->what = TRUSTD_DATA_CLOSED;
		why = v->why.msg;
	} else if (order == SEALCONF_CLOSED && rc && rc != -ENOENT) {
		why = err.msg;
	}
	(void)snprintf(ret->why, sizeof(ret->why), "%.*s", (int)sizeof(ret->why) - 1,
		       why ? why : "");
	/* What is mounted unencrypted is not to be held open for writing. */
	if (ret->what == TRUSTD_DATA_PLAIN && v->writable) {
		(void)close(v->fd);
		v->fd = v->read_fd;
		v->read_fd = -1;
		v->writable = false;
	}
}

/* The key. */

static int take_secret(struct opened *o, const uint8_t *secret, size_t len, struct err *err)
{
	if (len != SECRET_KEY_AT + o->h.key_bytes || le32_load(secret) != SECRET_VERSION ||
	    le32_load(secret + 4) != o->h.key_bytes ||
	    memcmp(secret + 8, o->h.id, KEYHEAD_ID_BYTES) != 0)
		return err_set(err, -EBADMSG, "what was sealed is not the key of this volume");
	memcpy(o->key, secret + SECRET_KEY_AT, o->h.key_bytes);
	return 0;
}

/* open_key - unseal it for this system as it runs. o is to be forgotten in any case. */
static int open_key(struct volume *v, struct opened *o, struct err *err)
{
	uint8_t secret[TPM_SECRET_MAX];
	size_t len = 0;
	int at, rc;

	memset(o, 0, sizeof(*o));
	o->v = v;
	rc = need_part(v, err);
	rc = rc ? rc : tpm_ready(v->tpm, err);
	rc = rc ? rc : keyhead_read(&v->io, &o->h, NULL, err);
	rc = rc ? rc : running_pair(v, &o->running, err);
	rc = rc ? rc : tpm_counter_read(v->tpm, o->h.nv_index, &o->counter, err);
	if (rc)
		return rc;
	at = sealset_find(&o->h, o->counter, &o->running);
	if (at < 0)
		return sealset_explain(&o->h, o->counter, &o->running, err);
	rc = tpm_unseal(v->tpm, &o->h.blob[at], o->h.nv_index, secret, &len, err);
	rc = rc ? rc : take_secret(o, secret, len, err);
	crypto_wipe(secret, sizeof(secret));
	if (rc)
		return rc;
	derive(o);
	/* What the header says beside the key is believed only so. */
	if (keyhead_check(&o->h, o->head_auth))
		return err_set(err, -EKEYREJECTED, "the key header was changed by another hand");
	o->floor = v->floor > o->h.floor ? v->floor : o->h.floor;
	o->running.generation = o->h.blob[at].generation;
	return 0;
}

static void give(const struct opened *o, struct trustd_key *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->cipher = o->h.cipher;
	ret->key_bytes = o->h.key_bytes;
	memcpy(ret->key, o->key, o->h.key_bytes);
	memcpy(ret->id, o->h.id, sizeof(ret->id));
}

int volume_key(struct volume *v, struct trustd_key *ret, struct err *err)
{
	struct opened o;
	int rc = open_key(v, &o, err);

	if (!rc)
		give(&o, ret);
	forget(&o);
	return rc;
}

/* What sealrun asks of the TPM. */

static int read_counter(void *ctx, uint64_t *ret_counter, struct err *err)
{
	const struct opened *o = ctx;

	return tpm_counter_read(o->v->tpm, o->h.nv_index, ret_counter, err);
}

static int raise_counter(void *ctx, struct err *err)
{
	const struct opened *o = ctx;

	return tpm_counter_raise(o->v->tpm, o->h.nv_index, o->counter_auth, err);
}

static int seal(void *ctx, struct keyhead_blob *b, struct err *err)
{
	const struct opened *o = ctx;
	uint8_t secret[TPM_SECRET_MAX];
	int rc;

	le32_store(secret, SECRET_VERSION);
	le32_store(secret + 4, o->h.key_bytes);
	memcpy(secret + 8, o->h.id, KEYHEAD_ID_BYTES);
	memcpy(secret + SECRET_KEY_AT, o->key, o->h.key_bytes);
	sealpolicy(b->pcr_mask, b->pcr, o->h.nv_index, b->counter, b->policy);
	rc = tpm_seal(o->v->tpm, secret, SECRET_KEY_AT + o->h.key_bytes, b, err);
	crypto_wipe(secret, sizeof(secret));
	return rc;
}

static int run(struct opened *o, sealrun_want *want, struct err *err)
{
	const struct sealrun_tpm tpm = {
		.ctx = o,
		.counter = read_counter,
		.raise = raise_counter,
		.seal = seal,
	};

	return sealrun(&o->v->io, &tpm, &o->h, o->head_auth, want, o, err);
}

/* A new key. */

static void want_new(void *ctx, const struct keyhead *h, uint64_t counter, struct sealset_want *ret)
{
	const struct opened *o = ctx;
	uint32_t i;

	(void)h;
	(void)counter;
	memset(ret, 0, sizeof(*ret));
	ret->goal = SEALSET_NEW;
	ret->floor = o->floor;
	ret->good_release = o->running.release;
	memcpy(ret->good_roothash, o->running.roothash, SHA256_SIZE);
	(void)sealset_add(&ret->set, &o->running);
	for (i = 0; i < o->v->kept.n; i++)
		(void)sealset_add(&ret->set, &o->v->kept.pair[i]);
}

/* random_bytes - of the TPM and of the kernel, mixed: neither alone knows the key. */
static int random_bytes(struct volume *v, uint8_t *ret, size_t len, struct err *err)
{
	uint8_t ours[SHA256_SIZE], theirs[SHA256_SIZE];
	struct hmac h;
	size_t at, n;
	int rc = 0;

	for (at = 0; at < len && !rc; at += n) {
		n = len - at < SHA256_SIZE ? len - at : SHA256_SIZE;
		rc = crypto_random(ours, sizeof(ours));
		rc = rc ? err_sys(err, rc, "cannot get random bytes")
			: tpm_random(v->tpm, theirs, sizeof(theirs), err);
		hmac_init(&h, ours, sizeof(ours));
		hmac_update(&h, theirs, sizeof(theirs));
		hmac_final(&h, ours);
		if (!rc)
			memcpy(ret + at, ours, n);
	}
	crypto_wipe(ours, sizeof(ours));
	crypto_wipe(theirs, sizeof(theirs));
	crypto_wipe(&h, sizeof(h));
	return rc;
}

static int put_recovery(struct opened *o, struct err *err)
{
	uint8_t ephemeral[P256_SECRET_SIZE];
	int rc = -EAGAIN;

	while (rc == -EAGAIN) {
		rc = crypto_random(ephemeral, sizeof(ephemeral));
		if (!rc)
			rc = recovery_seal(o->v->recovery, o->h.id, o->key, o->h.key_bytes,
					   ephemeral, o->h.recovery, &o->h.recovery_len);
	}
	crypto_wipe(ephemeral, sizeof(ephemeral));
	return rc ? err_sys(err, rc, "cannot encrypt the key for recovery") : 0;
}

static int make_key(struct opened *o, uint32_t cipher, struct err *err)
{
	struct volume *v = o->v;
	uint64_t counter;
	int rc;

	o->h.cipher = cipher;
	o->h.key_bytes = keyhead_key_bytes(cipher);
	o->h.nv_index = SEALPOLICY_NV_INDEX;
	o->floor = v->floor;
	if (o->h.key_bytes == 0)
		return err_set(err, -EINVAL, "there is no cipher %u", cipher);
	rc = running_pair(v, &o->running, err);
	rc = rc ? rc : random_bytes(v, o->key, o->h.key_bytes, err);
	if (!rc && crypto_random(o->h.id, sizeof(o->h.id)))
		rc = err_set(err, -EIO, "cannot get random bytes");
	rc = rc || !v->has_recovery ? rc : put_recovery(o, err);
	if (rc)
		return rc;
	derive(o);
	/* The end of every key before: none of their blobs opens at a counter that is new. */
	return tpm_counter_new(v->tpm, o->h.nv_index, o->counter_auth, &counter, err);
}

/* keep_pairs - a reset leaves the other slot as it is: the new key is to open for it too. Only
 * what this system's own key vouches for is taken. */
static void keep_pairs(struct volume *v)
{
	struct opened o;
	struct err err;
	uint32_t i;

	if (open_key(v, &o, &err) == 0) {
		v->kept.n = 0;
		for (i = 0; i < o.h.blobs; i++) {
			struct sealset_pair p;

			sealset_pair_of(&o.h.blob[i], &p);
			if (o.h.blob[i].counter == o.counter && p.release >= o.floor)
				(void)sealset_add(&v->kept, &p);
		}
	}
	forget(&o);
}

static int may_make(const struct volume *v, struct err *err)
{
	enum datahead head = head_now(v);

	if (head == DATAHEAD_EMPTY || head == DATAHEAD_MAKING || head == DATAHEAD_MAKING_ENCRYPTED)
		return 0;
	return err_set(err, -EEXIST, "DATA holds something: %s", datahead_name(head));
}

int volume_new(struct volume *v, uint32_t cipher, struct trustd_key *ret, struct err *err)
{
	struct opened o;
	int rc = need_part(v, err);

	memset(&o, 0, sizeof(o));
	o.v = v;
	rc = rc ? rc : may_make(v, err);
	rc = rc ? rc : tpm_ready(v->tpm, err);
	if (!rc) {
		keep_pairs(v);
		rc = make_key(&o, cipher, err);
	}
	/* Twice: afterwards neither copy is of a key before. */
	rc = rc ? rc : keyhead_destroy(&v->io, err);
	rc = rc ? rc : run(&o, want_new, err);
	rc = rc ? rc : keyhead_write(&v->io, &o.h, o.head_auth, err);
	if (!rc) {
		v->kept.n = 0;
		give(&o, ret);
	}
	forget(&o);
	return rc;
}

int volume_wipe(struct volume *v, struct err *err)
{
	struct err later = { "" };
	int rc = need_part(v, err), tpm_rc;

	rc = rc ? rc : may_make(v, err);
	if (rc)
		return rc;
	if (!tpm_ready(v->tpm, &later))
		keep_pairs(v);
	/* Either of the two is enough; both are tried. */
	rc = keyhead_destroy(&v->io, err);
	tpm_rc = tpm_ready(v->tpm, &later);
	tpm_rc = tpm_rc ? tpm_rc : tpm_counter_remove(v->tpm, SEALPOLICY_NV_INDEX, &later);
	if (tpm_rc)
		(void)dprintf(2, "the counter of the old key is still there: %s\n", later.msg);
	return rc;
}

/* Before a trial, and at mark-good. */

static void want_trial(void *ctx, const struct keyhead *h, uint64_t counter,
		       struct sealset_want *ret)
{
	const struct opened *o = ctx;

	sealset_trial(h, counter, &o->running, o->added, ret);
}

static void want_good(void *ctx, const struct keyhead *h, uint64_t counter,
		      struct sealset_want *ret)
{
	const struct opened *o = ctx;

	sealset_good(h, counter, &o->running, o->floor, ret);
}

/* take_manifest - signed by whom this machine trusts, for it, and not withdrawn. */
static int take_manifest(const struct volume *v, const struct opened *o, const uint8_t *manifest,
			 size_t len, const uint8_t *chain, size_t chain_len, struct bundle *ret,
			 struct err *err)
{
	const struct bundle_want want = {
		.compatible = v->compatible,
		.architecture = v->architecture,
		.release = v->release,
		.floor = o->floor,
		.stage1 = UINT32_MAX, /* which loader it starts with is in the pairs */
		.older_allowed = true,
	};
	struct trust trust = v->shipped;
	struct signed_doc doc;
	struct err ignored;
	int rc;

	if (!v->has_trust)
		return err_set(err, -EKEYREJECTED, "this release trusts nobody");
	(void)trust_chain(&trust, chain, chain_len, &ignored);
	/* What has expired is the writer's business, who knows the time. */
	rc = bundle_open(manifest, len, NULL, &trust, TRUST_TIME_UNKNOWN, &doc, ret, err);
	if (rc)
		return rc;
	rc = bundle_check(ret, &want, err);
	return rc == -EPERM ? -ESTALE : rc;
}

int volume_seal(struct volume *v, const uint8_t *manifest, size_t len, const uint8_t *chain,
		size_t chain_len, struct err *err)
{
	struct sealset added = { 0 };
	struct opened o;
	struct bundle b;
	int rc;

	/* An unencrypted DATA opens for every release. */
	if (v->fd >= 0 && !v->writable)
		return 0;
	rc = open_key(v, &o, err);
	rc = rc ? rc : take_manifest(v, &o, manifest, len, chain, chain_len, &b, err);
	rc = rc ? rc : volume_pairs(v, &o.running, &b, &added, err);
	o.added = &added;
	rc = rc ? rc : run(&o, want_trial, err);
	forget(&o);
	return rc;
}

int volume_good(struct volume *v, struct err *err)
{
	struct opened o;
	int rc;

	if (v->fd >= 0 && !v->writable)
		return 0;
	rc = open_key(v, &o, err);
	if (!rc && v->release < o.floor)
		rc = err_set(err, -ESTALE, "release %llu is below the floor",
			     (unsigned long long)v->release);
	rc = rc ? rc : run(&o, want_good, err);
	/* The owner may have another recovery key in this release. */
	if (!rc && v->has_recovery && !recovery_is_for(&o.h, v->recovery)) {
		rc = put_recovery(&o, err);
		rc = rc ? rc : keyhead_write(&v->io, &o.h, o.head_auth, err);
	}
	forget(&o);
	return rc;
}
