// SPDX-License-Identifier: Apache-2.0
/*
 * quote-drive: the device's side of attestation (agent/trust/quote.c, with the device's libraries),
 * asked from the command line and talking to a swtpm on a Unix socket, or to /dev/tpmrm0.
 *
 *   quote-drive TPM extend LOG             extend the PCRs as the log says
 *   quote-drive TPM measure TEXT FILE LOG  quote_measure of FILE's digest, the event put after LOG
 *   quote-drive TPM request NONCE OUT
 *   quote-drive TPM activate CREDENTIAL    prints the secret in hex
 *   quote-drive TPM evidence NONCE CHANNEL LOG OUT
 *   quote-drive TPM sign FILE OUT          an object of kind text
 *   quote-drive TPM wrap EVIDENCE OUT      an object of kind evidence
 *   quote-drive TPM salted COUNT           so many sessions salted with the storage key, one after
 *                                          the other: some of their secrets begin with a zero byte
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_tcti_device.h>

#include "agent/trust/quote.h"
#include "agent/trust/tpm.h"
#include "bytes.h"
#include "eventlog.h"
#include "hex.h"
#include "io.h"

#define ANSWER_MAX 4096

static uint8_t buf[OBJECT_MAX], log_buf[EVIDENCE_EVENTLOG_MAX + 1];

static int say(const struct err *err)
{
	(void)fprintf(stderr, "quote-drive: %s\n", err->msg);
	return 1;
}

/* A TCTI (TSS 2.0 TCTI API 1.0, version 1) over a stream: bare commands, bare answers. */
struct stream {
	TSS2_TCTI_CONTEXT_COMMON_V1 common;
	int fd;
};

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *c, size_t size, const uint8_t *command)
{
	return io_write(((struct stream *)c)->fd, command, size) ? TSS2_TCTI_RC_IO_ERROR : 0;
}

static int read_all(int fd, uint8_t *ret, size_t len)
{
	while (len) {
		ssize_t n = read(fd, ret, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		ret += n;
		len -= (size_t)n;
	}
	return 0;
}

static TSS2_RC receive(TSS2_TCTI_CONTEXT *c, size_t *size, uint8_t *answer, int32_t timeout)
{
	int fd = ((struct stream *)c)->fd;
	uint32_t len;

	(void)timeout;
	if (!answer) {
		*size = ANSWER_MAX;
		return 0;
	}
	if (*size < 10 || read_all(fd, answer, 10))
		return TSS2_TCTI_RC_IO_ERROR;
	len = be32_load(answer + 2);
	if (len < 10 || len > *size || read_all(fd, answer + 10, len - 10))
		return TSS2_TCTI_RC_IO_ERROR;
	*size = len;
	return 0;
}

static int connect_to(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return -1;
	return fd;
}

static ESYS_CONTEXT *open_tpm(const char *path)
{
	static struct stream stream;
	TSS2_TCTI_CONTEXT *tcti = (TSS2_TCTI_CONTEXT *)&stream;
	ESYS_CONTEXT *esys = NULL;
	size_t size = 0;

	if (strncmp(path, "/dev/", 5) == 0) {
		if (Tss2_Tcti_Device_Init(NULL, &size, NULL) || !(tcti = calloc(1, size)) ||
		    Tss2_Tcti_Device_Init(tcti, &size, path))
			return NULL;
	} else {
		stream.common.magic = 1;
		stream.common.version = 1;
		stream.common.transmit = transmit;
		stream.common.receive = receive;
		stream.fd = connect_to(path);
		if (stream.fd < 0)
			return NULL;
	}
	return Esys_Initialize(&esys, tcti, NULL) ? NULL : esys;
}

static int load(const char *path, uint8_t *ret, size_t max, size_t *ret_len, struct err *err)
{
	int rc = io_read_file(path, ret, max, ret_len);

	return rc ? err_sys(err, rc, "%s", path) : 0;
}

static int save(const char *path, const void *what, size_t len, struct err *err)
{
	int rc = io_replace_file(path, what, len, 0644);

	return rc ? err_sys(err, rc, "%s", path) : 0;
}

static int nonce(const char *text, uint8_t ret[EVIDENCE_NONCE_SIZE], struct err *err)
{
	int rc = hex_decode(text, ret, EVIDENCE_NONCE_SIZE);

	return rc ? err_set(err, rc, "%s: not 64 hex digits", text) : 0;
}

static int extend(ESYS_CONTEXT *esys, char **arg, struct err *err)
{
	struct eventlog_event e;
	struct eventlog log;
	size_t len;
	int rc = load(arg[0], log_buf, sizeof(log_buf), &len, err);

	rc = rc ? rc : eventlog_init(&log, log_buf, len, err);
	while (!rc && (rc = eventlog_next(&log, &e, err)) > 0) {
		TPML_DIGEST_VALUES v = { .count = 1,
					 .digests = { { .hashAlg = TPM2_ALG_SHA256 } } };
		TSS2_RC tpm;

		rc = 0;
		if (e.type == EVENTLOG_EV_NO_ACTION)
			continue;
		memcpy(v.digests[0].digest.sha256, e.digest, SHA256_SIZE);
		tpm = Esys_PCR_Extend(esys, ESYS_TR_PCR0 + e.pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
				      ESYS_TR_NONE, &v);
		if (tpm)
			rc = err_set(err, -EIO, "TPM2_PCR_Extend: 0x%08x", tpm);
	}
	return rc;
}

static int measure(ESYS_CONTEXT *esys, char **arg, struct err *err)
{
	uint8_t digest[SHA256_SIZE], event[QUOTE_EVENT_MAX];
	size_t len, event_len;
	int rc = load(arg[1], buf, sizeof(buf), &len, err);

	if (rc)
		return rc;
	sha256(buf, len, digest);
	rc = quote_measure(esys, digest, arg[0], event, &event_len, err);
	rc = rc ? rc : load(arg[2], log_buf, sizeof(log_buf), &len, err);
	if (rc || len + event_len > sizeof(log_buf))
		return rc ? rc : err_set(err, -EFBIG, "log");
	memcpy(log_buf + len, event, event_len);
	return save(arg[2], log_buf, len + event_len, err);
}

static int request(ESYS_CONTEXT *esys, char **arg, struct err *err)
{
	struct evidence_ask ask = { 0 };
	size_t len;
	int rc = nonce(arg[0], ask.nonce, err);

	rc = rc ? rc : quote_request(esys, &ask, buf, sizeof(buf), &len, err);
	return rc ? rc : save(arg[1], buf, len, err);
}

static int activate(ESYS_CONTEXT *esys, char **arg, struct err *err)
{
	char text[2 * QUOTE_SECRET_MAX + 1];
	uint8_t secret[QUOTE_SECRET_MAX];
	size_t len, secret_len;
	int rc = load(arg[0], buf, sizeof(buf), &len, err);

	rc = rc ? rc : quote_activate(esys, buf, len, secret, &secret_len, err);
	if (rc)
		return rc;
	hex_encode(secret, secret_len, text);
	(void)puts(text);
	return 0;
}

static int evidence(ESYS_CONTEXT *esys, char **arg, struct err *err)
{
	const struct report report = {
		.version = "0.1.0",
		.release = 1,
		.slot = "a",
		.primary = "a",
		.secureboot = "off",
		.verity = "ok",
		.verdict = "ready",
		.good = { 1, 1 },
		.tries = { 3, 3 },
		.marked = 1,
		.uptime_ms = 9000,
	};
	struct evidence_ask ask = { 0 };
	size_t len, log_len;
	int rc = nonce(arg[0], ask.nonce, err);

	rc = rc ? rc : nonce(arg[1], ask.channel, err);
	rc = rc ? rc : load(arg[2], log_buf, sizeof(log_buf), &log_len, err);
	rc = rc ? rc
		: quote_evidence(esys, &ask, &report, log_buf, log_len, buf, sizeof(buf), &len,
				 err);
	return rc ? rc : save(arg[3], buf, len, err);
}

static int object(ESYS_CONTEXT *esys, enum object_kind kind, char **arg, struct err *err)
{
	size_t len;
	int rc = load(arg[0], buf + OBJECT_HEAD, sizeof(buf) - OBJECT_HEAD, &len, err);

	rc = rc ? rc : quote_sign(esys, kind, buf, len, sizeof(buf), &len, err);
	return rc ? rc : save(arg[1], buf, len, err);
}

static int sign(ESYS_CONTEXT *esys, char **arg, struct err *err)
{
	return object(esys, OBJECT_TEXT, arg, err);
}

static int wrap(ESYS_CONTEXT *esys, char **arg, struct err *err)
{
	return object(esys, OBJECT_EVIDENCE, arg, err);
}

/* Only open_tpm opens one here. */
int tpm_tcti(const char *name, TSS2_TCTI_CONTEXT **ret, struct err *err)
{
	(void)ret;
	return err_set(err, -ENODEV, "%s is not opened this way", name);
}

static int salted(ESYS_CONTEXT *esys, char **arg, struct err *err)
{
	struct tpm tpm = { .esys = esys, .there = true, .srk = ESYS_TR_NONE };
	unsigned long i, count = strtoul(arg[0], NULL, 10);
	uint8_t random[32];
	int rc = 0;

	for (i = 0; !rc && i < count; i++) {
		rc = tpm_random(&tpm, random, sizeof(random), err);
		if (rc)
			err_prefix(err, "session %lu", i + 1);
	}
	return rc;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;
		int (*run)(ESYS_CONTEXT *esys, char **arg, struct err *err);
	} orders[] = {
		{ "extend", 1, extend },     { "measure", 3, measure },	  { "request", 2, request },
		{ "activate", 1, activate }, { "evidence", 4, evidence }, { "sign", 2, sign },
		{ "wrap", 2, wrap },	     { "salted", 1, salted },
	};
	struct err err = { "" };
	ESYS_CONTEXT *esys;
	size_t i;

	for (i = 0; argc > 2 && i < sizeof(orders) / sizeof(orders[0]); i++) {
		if (strcmp(argv[2], orders[i].name) != 0 || argc != 3 + orders[i].args)
			continue;
		esys = open_tpm(argv[1]);
		if (!esys)
			return say(&(struct err){ "cannot open the TPM" });
		if (orders[i].run(esys, argv + 3, &err))
			return say(&err);
		Esys_Finalize(&esys);
		return 0;
	}
	(void)fprintf(stderr, "usage: quote-drive TPM ORDER ARGUMENT...\n");
	return 100;
}
