// SPDX-License-Identifier: Apache-2.0
/* cairn attest challenge, enrol: is the AK in the TPM with that EK, and is the EK a TPM's? */
#include "cmd_attest.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attestrecord.h"
#include "credential.h"
#include "doctext.h"
#include "ekcert.h"
#include "hex.h"
#include "io.h"

#define SECRET_SIZE 32
/*
 * What is kept between challenge and enrol, by its owner alone:
 *     cairn-challenge 1\nrequest=<SHA-256 of the request>\nsecret=<64 hex digits>\nend\n
 */
#define CHALLENGE_MAX 256

struct job {
	const char *request, *nonce, *roots, *ek, *out, *secret, *answer;
	uint64_t now_s;
	struct evidence_ask ask;
	struct attest_machine machine;
	struct attest_result result;
	uint8_t digest[SHA256_SIZE]; /* of the request */
};

static int parse(struct job *job, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
		{ "nonce", required_argument, NULL, 'n' },
		{ "roots", required_argument, NULL, 'r' },
		{ "ek", required_argument, NULL, 'e' },
		{ "secret", required_argument, NULL, 's' },
		{ "answer", required_argument, NULL, 'a' },
		{ "out", required_argument, NULL, 'o' },
		{ "time", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	int c, rc = 0;

	job->now_s = (uint64_t)time(NULL);
	while (!rc && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			rc = cmd_attest_hex32("--nonce", job->nonce = optarg, job->ask.nonce, err);
			break;
		case 'r':
			job->roots = optarg;
			break;
		case 'e':
			job->ek = optarg;
			break;
		case 's':
			job->secret = optarg;
			break;
		case 'a':
			job->answer = optarg;
			break;
		case 'o':
			job->out = optarg;
			break;
		case 't':
			if (cmd_time(optarg, &job->now_s))
				rc = cmd_usage(err, "--time %s: YYYY-MM-DD or seconds", optarg);
			break;
		default:
			return CMD_USAGE;
		}
	}
	if (rc)
		return rc;
	if (argc - optind != 1 || !job->nonce || !job->secret || !job->out)
		return cmd_usage(err, "REQUEST --nonce HEX --secret FILE --out FILE");
	job->request = argv[optind];
	return 0;
}

/* load_request - and check all that it can prove by itself. *ret_buf is the caller's. */
static int load_request(struct job *job, uint8_t **ret_buf, struct err *err)
{
	size_t len;
	int rc = cmd_load(job->request, EVIDENCE_MAX, 0, ret_buf, &len, err);

	if (rc)
		return rc;
	sha256(*ret_buf, len, job->digest);
	if (attest_enrol(&job->ask, *ret_buf, len, &job->machine, &job->result))
		return cmd_attest_refused(&job->result, err);
	return 0;
}

/* check_ek - by the maker's certificate, or by the name that somebody has told. */
static int check_ek(struct job *job, struct err *err)
{
	const uint8_t *der = job->result.evidence.part[EVIDENCE_CERTIFICATE].buf;
	uint8_t *pem _cleanup_free_ = NULL, name[TPM2_NAME_SIZE];
	size_t len;
	int rc;

	if (!job->roots == !job->ek)
		return cmd_usage(err, "--roots FILE or --ek NAME, one of them");
	if (job->ek) {
		if (hex_decode(job->ek, name, sizeof(name)))
			return cmd_usage(err, "--ek: a name of %d hex digits", 2 * TPM2_NAME_SIZE);
		if (memcmp(name, job->machine.ek_public.name, sizeof(name)) == 0)
			return 0;
		(void)err_set(err, 0, "keys: another endorsement key than the one named");
		return CMD_REFUSED;
	}
	if (!der) {
		(void)err_set(err, 0,
			      "keys: this TPM has no certificate of its endorsement key; "
			      "name the key with --ek");
		return CMD_REFUSED;
	}
	rc = cmd_load(job->roots, EKCERT_ROOTS_MAX, 0, &pem, &len, err);
	if (rc)
		return rc;
	if (ekcert_check(der, job->result.evidence.part[EVIDENCE_CERTIFICATE].len,
			 &job->machine.ek_public, (const char *)pem, len, job->now_s, err)) {
		err_prefix(err, "keys");
		return CMD_REFUSED;
	}
	return 0;
}

static int make(struct job *job, struct err *err)
{
	uint8_t secret[SECRET_SIZE], credential[CREDENTIAL_MAX];
	struct credential_random random;
	char text[CHALLENGE_MAX];
	struct doctext_out out;
	size_t len;
	int rc = crypto_random(secret, sizeof(secret));

	rc = rc ? rc : crypto_random(&random, sizeof(random));
	if (rc)
		return err_sys(err, rc, "random numbers");
	/* One in 2^32 is above the curve's order and refused there: then it is run again. */
	rc = credential_make(&job->machine.ek_public, job->machine.ak_public.name, secret,
			     sizeof(secret), &random, credential, &len, err);
	crypto_wipe(&random, sizeof(random));
	rc = rc ? rc : cmd_save(job->out, credential, len, err);
	doctext_out(&out, text, sizeof(text));
	doctext_put(&out, "cairn-challenge 1\nrequest=");
	doctext_put_hex(&out, job->digest, sizeof(job->digest));
	doctext_put(&out, "\nsecret=");
	doctext_put_hex(&out, secret, sizeof(secret));
	doctext_put(&out, "\nend\n");
	if (!rc && io_replace_file(job->secret, text, out.len, 0600))
		rc = err_set(err, CMD_SYSTEM, "cannot write %s", job->secret);
	crypto_wipe(secret, sizeof(secret));
	crypto_wipe(text, sizeof(text));
	return rc;
}

int cmd_attest_challenge(int argc, char **argv, struct err *err)
{
	static struct job job;
	uint8_t *buf _cleanup_free_ = NULL;
	int rc = parse(&job, argc, argv, err);

	rc = rc ? rc : load_request(&job, &buf, err);
	rc = rc ? rc : check_ek(&job, err);
	return rc ? rc : make(&job, err);
}

static int check_answer(struct job *job, struct err *err)
{
	uint8_t digest[SHA256_SIZE], secret[SECRET_SIZE], answer[SECRET_SIZE];
	uint8_t *text _cleanup_free_ = NULL;
	struct doctext_in in;
	size_t len;
	int rc = cmd_load(job->secret, CHALLENGE_MAX, 0, &text, &len, err);

	if (rc)
		return rc;
	doctext_in(&in, text, len);
	doctext_lit(&in, "cairn-challenge 1\nrequest=");
	doctext_hex(&in, digest, sizeof(digest));
	doctext_lit(&in, "\nsecret=");
	doctext_hex(&in, secret, sizeof(secret));
	doctext_lit(&in, "\nend\n");
	if (!doctext_done(&in))
		(void)err_set(err, 0, "%s: no challenge", job->secret);
	else if (memcmp(digest, job->digest, sizeof(digest)) != 0)
		(void)err_set(err, 0, "%s: made for another request", job->secret);
	else if (hex_decode(job->answer, answer, sizeof(answer)) ||
		 !crypto_equal(answer, secret, sizeof(secret)))
		(void)err_set(err, 0,
			      "keys: the machine did not read the credential: its "
			      "attestation key is not in that TPM");
	else
		return 0;
	return CMD_REFUSED;
}

int cmd_attest_enrol_machine(int argc, char **argv, struct err *err)
{
	static struct job job;
	uint8_t *buf _cleanup_free_ = NULL;
	char text[ATTESTRECORD_MAX];
	size_t len;
	int rc = parse(&job, argc, argv, err);

	if (!rc && !job.answer)
		return cmd_usage(err, "enrol: --answer HEX");
	rc = rc ? rc : load_request(&job, &buf, err);
	rc = rc ? rc : check_answer(&job, err);
	if (!rc && attestrecord_format(&job.machine, text, &len))
		rc = err_set(err, CMD_SYSTEM, "the record cannot be written");
	return rc ? rc : cmd_save(job.out, text, len, err);
}
