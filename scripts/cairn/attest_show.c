// SPDX-License-Identifier: Apache-2.0
/* cairn attest show: what a container says, unchecked; its parts as files; its log as a list. */
#include "cmd_attest.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attestlist.h"
#include "bytes.h"
#include "eventlog.h"
#include "hex.h"
#include "io.h"
#include "object.h"

static int save_in(const char *dir, const char *name, const void *buf, size_t len, struct err *err)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return err_set(err, -ENAMETOOLONG, "%s", dir);
	return cmd_save(path, buf, len, err);
}

/* save_sized - a TPM2B, as tpm2-tools wants public areas. */
static int save_sized(const char *dir, const char *name, const uint8_t *buf, size_t len,
		      struct err *err)
{
	uint8_t sized[2 + EVIDENCE_SMALL_MAX];

	be16_store(sized, (uint16_t)len);
	memcpy(sized + 2, buf, len);
	return save_in(dir, name, sized, 2 + len, err);
}

/*
 * save_serialized - the PCRs as tpm2_quote writes and tpm2_checkquote 5.4 reads them: the structs
 * TPML_PCR_SELECTION, UINT32 and TPML_DIGEST... as they lie in memory on a little-endian machine.
 * Bare values with `-l` do not work there for more than seven PCRs.
 */
static int save_serialized(const char *dir, const uint8_t *part, size_t len, struct err *err)
{
	enum { SELECTIONS = 16, LISTS = 4 + 8 * SELECTIONS, DIGESTS = 8, DIGEST = 2 + 64 };
	enum { LIST = 4 + DIGESTS * DIGEST };
	uint8_t file[LISTS + 4 + 3 * LIST] = { 0 }, *p;
	uint32_t n = (uint32_t)(len / SHA256_SIZE), lists = (n + DIGESTS - 1) / DIGESTS, i;

	if (len < 4 || n == 0 || lists > 3)
		return 0; /* nothing that a referee could read */
	le32_store(file, 1);
	le16_store(file + 4, TPM2_ID_SHA256);
	file[6] = 3;
	for (i = 0; i < 3; i++)
		file[7 + i] = part[3 - i]; /* the mask is big-endian */
	le32_store(file + LISTS, lists);
	for (i = 0; i < n; i++) {
		p = file + LISTS + 4 + (size_t)(i / DIGESTS) * LIST;
		le32_store(p, i % DIGESTS + 1);
		p += 4 + (size_t)(i % DIGESTS) * DIGEST;
		le16_store(p, SHA256_SIZE);
		memcpy(p + 2, part + 4 + (size_t)i * SHA256_SIZE, SHA256_SIZE);
	}
	return save_in(dir, "pcrs.serialized", file, LISTS + 4 + (size_t)lists * LIST, err);
}

/* extract - the parts, in the forms that tpm2-tools reads. */
static int extract(const struct evidence *e, const char *dir, struct err *err)
{
	static const struct {
		const char *name;
		enum evidence_part part;
		int sized;
		size_t skip;
	} files[] = {
		{ "report", EVIDENCE_REPORT, 0, 0 },
		{ "ak.pub", EVIDENCE_AK, 1, 0 },
		{ "identity.pub", EVIDENCE_IDENTITY, 1, 0 },
		{ "ek.pub", EVIDENCE_EK, 1, 0 },
		{ "ek.der", EVIDENCE_CERTIFICATE, 0, 0 },
		{ "eventlog", EVIDENCE_EVENTLOG, 0, 0 },
		{ "pcrs", EVIDENCE_PCRS, 0, 4 }, /* without the mask: the bare values */
		{ "quote.msg", EVIDENCE_ATTEST, 0, 0 },
		{ "quote.sig", EVIDENCE_SIGNATURE, 0, 0 },
	};
	size_t i;
	int rc = save_in(dir, "bound", e->bound, e->bound_len, err);

	for (i = 0; !rc && i < sizeof(files) / sizeof(files[0]); i++) {
		const uint8_t *buf = e->part[files[i].part].buf;
		size_t len = e->part[files[i].part].len;

		if (!buf || len < files[i].skip)
			continue;
		rc = files[i].sized ? save_sized(dir, files[i].name, buf, len, err)
				    : save_in(dir, files[i].name, buf + files[i].skip,
					      len - files[i].skip, err);
	}
	if (!rc && e->part[EVIDENCE_PCRS].buf)
		rc = save_serialized(dir, e->part[EVIDENCE_PCRS].buf, e->part[EVIDENCE_PCRS].len,
				     err);
	return rc;
}

static int save_list(const struct evidence *e, const char *path, struct err *err)
{
	struct pcrlist *list _cleanup_free_ = calloc(1, sizeof(*list));
	char *text _cleanup_free_ = malloc(ATTESTLIST_MAX);
	size_t len;

	if (!list || !text)
		return err_set(err, -ENOMEM, "no memory");
	if (attestlist_from_log(e->part[EVIDENCE_EVENTLOG].buf, e->part[EVIDENCE_EVENTLOG].len,
				ATTEST_PCRS, list, err) ||
	    attestlist_format(list, text, &len))
		return CMD_REFUSED;
	return cmd_save(path, text, len, err);
}

static void show_key(struct json *j, const struct evidence *e, enum evidence_part part)
{
	char name[2 * TPM2_NAME_SIZE + 1];
	struct tpm2_public p;

	json_key(j, evidence_part_name((int)part));
	json_open_object(j);
	if (tpm2_public_parse(e->part[part].buf, e->part[part].len, &p, NULL) == 0) {
		hex_encode(p.name, sizeof(p.name), name);
		json_member_string(j, "name", name);
		json_member_string(j, "type", p.type == TPM2_ID_RSA ? "rsa" : "ecc-p256");
		json_member_uint(j, "attributes", p.attributes);
	}
	json_close_object(j);
}

static void show_hex(struct json *j, const char *key, const uint8_t *buf, size_t len)
{
	char text[2 * TPM2_ATTEST_MAX + 1];

	if (!buf || len > TPM2_ATTEST_MAX) {
		json_member_string(j, key, NULL);
		return;
	}
	hex_encode(buf, len, text);
	json_member_string(j, key, text);
}

static void show_statement(struct json *j, const struct evidence *e)
{
	struct tpm2_attest a;
	unsigned int nr;

	if (tpm2_attest_parse(e->part[EVIDENCE_ATTEST].buf, e->part[EVIDENCE_ATTEST].len, &a, NULL))
		return;
	json_key(j, "statement");
	json_open_object(j);
	json_member_bool(j, "by_a_tpm", a.magic == TPM2_MAGIC);
	json_member_string(j, "type",
			   a.type == TPM2_TYPE_QUOTE	 ? "quote"
			   : a.type == TPM2_TYPE_CERTIFY ? "certify"
							 : "other");
	show_hex(j, "signer", a.signer, a.signer_len);
	show_hex(j, "qualifying_data", a.extra, a.extra_len);
	json_member_uint(j, "clock_ms", a.clock_ms);
	json_member_uint(j, "resets", a.resets);
	json_member_uint(j, "restarts", a.restarts);
	json_member_bool(j, "safe", a.safe);
	show_hex(j, "pcr_digest", a.pcr_digest, SHA256_SIZE);
	json_key(j, "pcrs");
	json_open_array(j);
	for (nr = 0; nr < EVENTLOG_PCRS; nr++)
		if (a.pcr_mask & 1u << nr)
			json_uint(j, nr);
	json_close_array(j);
	json_close_object(j);
}

static int show(const struct evidence *e, int lines, struct err *err)
{
	static char text[ATTEST_JSON_SIZE];
	char report[REPORT_TEXT_MAX];
	int part;
	struct json j;

	json_init(&j, text, sizeof(text));
	if (lines)
		json_lines(&j);
	json_open_object(&j);
	json_member_uint(&j, "format", 1);
	json_member_string(&j, "kind", e->kind == EVIDENCE_QUOTE ? "evidence" : "request");
	json_key(&j, "bytes");
	json_open_object(&j);
	for (part = 1; part < EVIDENCE_PARTS; part++)
		if (e->part[part].buf)
			json_member_uint(&j, evidence_part_name(part), e->part[part].len);
	json_close_object(&j);
	show_key(&j, e, EVIDENCE_EK);
	show_key(&j, e, EVIDENCE_AK);
	show_key(&j, e, EVIDENCE_IDENTITY);
	show_statement(&j, e);
	if (e->part[EVIDENCE_REPORT].len && e->part[EVIDENCE_REPORT].len < sizeof(report)) {
		memcpy(report, e->part[EVIDENCE_REPORT].buf, e->part[EVIDENCE_REPORT].len);
		report[e->part[EVIDENCE_REPORT].len] = '\0';
		json_member_string(&j, "report", report);
	}
	json_close_object(&j);
	return cmd_attest_print(&j, err);
}

int cmd_attest_show(int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
		{ "extract", required_argument, NULL, 'x' },
		{ "events", required_argument, NULL, 'e' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	const char *dir = NULL, *list = NULL;
	uint8_t *buf _cleanup_free_ = NULL;
	struct evidence e;
	struct object o;
	size_t len = 0;
	int c, rc, json = 0;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == '?')
			return CMD_USAGE;
		if (c == 'x')
			dir = optarg;
		else if (c == 'e')
			list = optarg;
		else
			json = 1;
	}
	if (argc - optind != 1)
		return cmd_usage(err, "show FILE [--extract DIR] [--events FILE] [--json]");
	rc = cmd_load(argv[optind], OBJECT_MAX, 0, &buf, &len, err);
	if (rc)
		return rc;
	if (object_parse(buf, len, &o, NULL) == 0 && o.kind == OBJECT_EVIDENCE)
		rc = evidence_parse(o.content, o.len, &e, err);
	else
		rc = evidence_parse(buf, len, &e, err);
	if (!rc && list && e.kind != EVIDENCE_QUOTE)
		rc = err_set(err, -EBADMSG, "a request for enrolment has no event log");
	if (rc)
		return CMD_REFUSED;
	rc = dir ? extract(&e, dir, err) : 0;
	rc = !rc && list ? save_list(&e, list, err) : rc;
	return rc || (!json && (dir || list)) ? rc : show(&e, !json, err);
}
