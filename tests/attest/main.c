// SPDX-License-Identifier: Apache-2.0
/*
 * attest-kit: evidence of a machine whose keys are in a file, for the bench and for referees.
 *   attest-kit rate MS        how many pieces one process verifies in a second of its processor
 *                             time: full=N key=N object=N: all of attest_verify, its signature
 *                             alone, and with the identity key's signature around it
 *   attest-kit ours MS        what is not public-key work, step by step, in nanoseconds
 *   attest-kit write DIR      evidence, machine, events, nonce, channel; each hostile evidence by
 *                             its name, and the file `hostile`: lines `NAME CHECK`
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attestlist.h"
#include "attestrecord.h"
#include "eventlog.h"
#include "hex.h"
#include "io.h"
#include "object.h"
#include "p256sign.h"
#include "tests/attest/kit.h"

static struct kit kit;
static struct attest_result result;
static struct object object;
static uint8_t wrapped[OBJECT_MAX];
static size_t wrapped_len;
static struct eventlog_pcrs pcrs;
static struct pcrlist_result listed;
static uint8_t digest[SHA256_SIZE], rs[P256_SIGNATURE_SIZE];
static int failed;

static void full(void)
{
	failed |= attest_verify(&kit.policy, kit.buf, kit.len, &result) != 0;
}

static void key(void)
{
	failed |= crypto_p256_key_verify(kit.ak, digest, rs) != 0;
}

static void with_object(void)
{
	failed |= object_open(wrapped, wrapped_len, kit.identity, &object, NULL) != 0 ||
		  attest_verify(&kit.policy, object.content, object.len, &result) != 0;
}

static void replay(void)
{
	failed |= eventlog_replay(kit.log, kit.log_len, &pcrs, NULL) != 0;
}

static void list(void)
{
	failed |= pcrlist_check(&kit.list, kit.log, kit.log_len, &listed, NULL) != 0 ||
		  listed.verdict != PCRLIST_MATCH;
}

static void bind(void)
{
	evidence_qualify(&kit.policy.ask, result.evidence.bound, result.evidence.bound_len, digest);
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* rate - calls a second, for at least that long. */
static double rate(void (*call)(void), double seconds)
{
	double begin = now(), spent;
	unsigned long n = 0;

	do {
		int i;

		for (i = 0; i < 100; i++)
			call();
		n += 100;
		spent = now() - begin;
	} while (spent < seconds);
	return (double)n / spent;
}

static int prepare(void)
{
	uint8_t text[SHA256_SIZE];

	if (kit_init(&kit) || kit_make(&kit, EVIDENCE_QUOTE, NULL, NULL))
		return -1;
	full();
	if (object_head(OBJECT_EVIDENCE, kit.len, wrapped))
		return -1;
	memcpy(wrapped + OBJECT_HEAD, kit.buf, kit.len);
	sha256(wrapped, OBJECT_HEAD + kit.len, text);
	if (p256_sign(kit.identity_secret, text, wrapped + OBJECT_HEAD + kit.len))
		return -1;
	wrapped_len = OBJECT_HEAD + kit.len + P256_SIGNATURE_SIZE;
	sha256(result.evidence.part[EVIDENCE_ATTEST].buf, result.evidence.part[EVIDENCE_ATTEST].len,
	       digest);
	return tpm2_signature_parse(result.evidence.part[EVIDENCE_SIGNATURE].buf,
				    result.evidence.part[EVIDENCE_SIGNATURE].len, rs, NULL);
}

static int save(const char *dir, const char *name, const void *buf, size_t len)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return io_replace_file(path, buf, len, 0644);
}

static int write_hostile(const char *dir)
{
	static char names[4096];
	size_t i, used = 0;
	int rc = 0;

	for (i = 0; !rc && i < kit_hostile_count; i++) {
		const struct kit_hostile *h = &kit_hostile[i];

		rc = kit_make(&kit, EVIDENCE_QUOTE, h->before, h->after);
		rc = rc ? rc : save(dir, h->name, kit.buf, kit.len);
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s %s\n", h->name,
					 attest_check_name(h->refused_by));
	}
	return rc ? rc : save(dir, "hostile", names, used);
}

static int write_all(const char *dir)
{
	static char text[ATTESTLIST_MAX];
	char record[ATTESTRECORD_MAX], hex[2 * EVIDENCE_NONCE_SIZE + 1];
	size_t len;
	int rc = save(dir, "evidence", kit.buf, kit.len);

	rc = rc ? rc : attestrecord_format(&kit.machine, record, &len);
	rc = rc ? rc : save(dir, "machine", record, len);
	rc = rc ? rc : attestlist_format(&kit.list, text, &len);
	rc = rc ? rc : save(dir, "events", text, len);
	hex_encode(kit.policy.ask.nonce, EVIDENCE_NONCE_SIZE, hex);
	rc = rc ? rc : save(dir, "nonce", hex, strlen(hex));
	hex_encode(kit.policy.ask.channel, EVIDENCE_NONCE_SIZE, hex);
	rc = rc ? rc : save(dir, "channel", hex, strlen(hex));
	return rc ? rc : write_hostile(dir);
}

int main(int argc, char **argv)
{
	double seconds = argc > 2 ? atof(argv[2]) / 1000 : 0;

	if (argc != 3 || prepare()) {
		(void)fprintf(stderr, "usage: attest-kit rate MS | ours MS | write DIR\n");
		return 100;
	}
	if (strcmp(argv[1], "write") == 0)
		return write_all(argv[2]) ? 111 : 0;
	if (strcmp(argv[1], "rate") == 0) {
		(void)printf("full=%.0f key=%.0f object=%.0f\n", rate(full, seconds),
			     rate(key, seconds), rate(with_object, seconds));
	} else {
		(void)printf("bytes=%zu log=%zu events=%u\n", kit.len, kit.log_len, result.events);
		(void)printf("full_ns=%.0f key_ns=%.0f replay_ns=%.0f list_ns=%.0f ",
			     1e9 / rate(full, seconds), 1e9 / rate(key, seconds),
			     1e9 / rate(replay, seconds), 1e9 / rate(list, seconds));
		(void)printf("bind_ns=%.0f\n", 1e9 / rate(bind, seconds));
	}
	kit_release(&kit);
	return failed ? 1 : 0;
}
