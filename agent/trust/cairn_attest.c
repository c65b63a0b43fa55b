// SPDX-License-Identifier: Apache-2.0
/*
 * cairn-attest - a machine's side of attestation (docs/attestation.md), from the shell of the
 * development variant: asks service trust as root. Containers go to standard output.
 *
 *   cairn-attest request NONCE             to be enrolled
 *   cairn-attest activate FILE             the secret in a credential, in hex
 *   cairn-attest evidence NONCE [CHANNEL]  a quote, the event log, the report, signed by the
 *                                          identity key too
 *   cairn-attest sign FILE                 an object of kind text
 * NONCE and CHANNEL are 64 hex digits.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/core/facts.h"
#include "agent/trust/client.h"
#include "hex.h"
#include "io.h"
#include "object.h"

#define VERDICT "/run/cairn/agent/verdict"

static uint8_t buf[OBJECT_MAX];
static struct trustd_request request;
static struct trustd_reply reply;

static int ask_with(enum trustd_op op, const void *body, size_t len)
{
	if (len > sizeof(request.body))
		return -EFBIG;
	memset(&request, 0, sizeof(request));
	request.version = TRUSTD_VERSION;
	request.op = op;
	request.len = (uint32_t)len;
	memcpy(request.body, body, len);
	return 0;
}

/* ask_short - an answer of exactly size bytes, or of any length where size is 0. */
static int ask_short(enum trustd_op op, const void *body, size_t len, size_t size, struct err *err)
{
	int rc = ask_with(op, body, len);

	if (rc)
		return err_sys(err, rc, "what is asked");
	rc = trustd_ask(TRUSTD_SOCKET, &request, -1, TRUSTD_TIMEOUT_MS, NULL, &reply, NULL, err);
	if (!rc && size && reply.len != size)
		rc = err_set(err, -EBADMSG, "an answer of %u bytes", reply.len);
	return rc;
}

static int out(const void *what, size_t len, struct err *err)
{
	int rc = io_write(STDOUT_FILENO, what, len);

	return rc ? err_sys(err, rc, "standard output") : 0;
}

/* read_verdict - what the agent said last. */
static void read_verdict(struct status_verdict *v)
{
	static const char *const names[] = { "starting", "ready", "failed" };
	char text[STATUS_VERDICT_TEXT_SIZE], *rest = text, *line;
	uint32_t i;

	if (io_read_file(VERDICT, text, sizeof(text), NULL))
		return;
	while ((line = strsep(&rest, "\n"))) {
		char *value = strchr(line, '=');

		if (!value)
			continue;
		*value++ = '\0';
		if (strcmp(value, "-") == 0)
			value = line + strlen(line);
		for (i = 0; strcmp(line, "state") == 0 && i < 3; i++)
			if (strcmp(value, names[i]) == 0)
				v->kind = i;
		if (strcmp(line, "what") == 0)
			(void)snprintf(v->what, sizeof(v->what), "%s", value);
		if (strcmp(line, "why") == 0) {
			value += *value == '"';
			value[strcspn(value, "\"")] = '\0';
			(void)snprintf(v->why, sizeof(v->why), "%s", value);
		}
	}
}

static int sign_object(enum object_kind kind, size_t len, struct err *err)
{
	uint8_t digest[SHA256_SIZE];
	int rc = object_head((uint16_t)kind, len, buf);

	if (rc)
		return err_sys(err, rc, "object");
	sha256(buf, OBJECT_HEAD + len, digest);
	rc = ask_short(TRUSTD_SIGN, digest, sizeof(digest), P256_SIGNATURE_SIZE, err);
	if (rc)
		return rc;
	memcpy(buf + OBJECT_HEAD + len, reply.body, P256_SIGNATURE_SIZE);
	return out(buf, OBJECT_HEAD + len + P256_SIGNATURE_SIZE, err);
}

static int nonce(const char *text, uint8_t ret[static EVIDENCE_NONCE_SIZE], struct err *err)
{
	int rc = hex_decode(text, ret, EVIDENCE_NONCE_SIZE);

	return rc ? err_set(err, rc, "%s: not 64 hex digits", text) : 0;
}

static int enrol(char **arg, struct err *err)
{
	struct evidence_ask ask = { { 0 }, { 0 } };
	size_t len;
	int rc = nonce(arg[0], ask.nonce, err);

	rc = rc ? rc : ask_with(TRUSTD_IDENTITY, &ask, sizeof(ask));
	rc = rc ? rc
		: trustd_ask_long(TRUSTD_SOCKET, &request, TRUSTD_TIMEOUT_MS, buf, sizeof(buf),
				  &len, err);
	return rc ? rc : out(buf, len, err);
}

static int activate(char **arg, struct err *err)
{
	char text[2 * EVIDENCE_NONCE_SIZE + 1];
	size_t len;
	int rc = io_read_file(arg[0], buf, sizeof(request.body), &len);

	if (rc)
		return err_sys(err, rc, "%s", arg[0]);
	rc = ask_short(TRUSTD_ACTIVATE, buf, len, 0, err);
	if (!rc && reply.len > EVIDENCE_NONCE_SIZE)
		rc = err_set(err, -EBADMSG, "a secret of %u bytes", reply.len);
	if (rc)
		return rc;
	hex_encode(reply.body, reply.len, text);
	(void)puts(text);
	return 0;
}

static int evidence(char **arg, struct err *err)
{
	static struct trustd_quote q;
	static struct status s;
	size_t len;
	int rc = nonce(arg[0], q.ask.nonce, err);

	rc = rc || !arg[1] ? rc : nonce(arg[1], q.ask.channel, err);
	if (rc)
		return rc;
	facts_read_boot(&s);
	facts_read_now(&s);
	facts_read_update(&s);
	read_verdict(&s.verdict);
	report_from_status(&s, &q.report);
	rc = ask_with(TRUSTD_QUOTE, &q, sizeof(q));
	rc = rc ? rc
		: trustd_ask_long(TRUSTD_SOCKET, &request, TRUSTD_TIMEOUT_MS, buf + OBJECT_HEAD,
				  EVIDENCE_MAX, &len, err);
	return rc ? rc : sign_object(OBJECT_EVIDENCE, len, err);
}

static int sign(char **arg, struct err *err)
{
	size_t len;
	int rc = io_read_file(arg[0], buf + OBJECT_HEAD, OBJECT_CONTENT_MAX, &len);

	return rc ? err_sys(err, rc, "%s", arg[0]) : sign_object(OBJECT_TEXT, len, err);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int least, most;
		int (*run)(char **arg, struct err *err);
	} orders[] = {
		{ "request", 1, 1, enrol },
		{ "activate", 1, 1, activate },
		{ "evidence", 1, 2, evidence },
		{ "sign", 1, 1, sign },
	};
	struct err err = { "" };
	size_t i;

	for (i = 0; argc > 2 && i < sizeof(orders) / sizeof(orders[0]); i++) {
		if (strcmp(argv[1], orders[i].name) != 0 || argc - 2 < orders[i].least ||
		    argc - 2 > orders[i].most)
			continue;
		if (orders[i].run(argv + 2, &err)) {
			(void)fprintf(stderr, "cairn-attest: %s\n", err.msg);
			return 1;
		}
		return 0;
	}
	(void)fprintf(stderr, "usage: cairn-attest request NONCE | activate FILE | "
			      "evidence NONCE [CHANNEL] | sign FILE\n");
	return 100;
}
