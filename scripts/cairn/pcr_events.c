// SPDX-License-Identifier: Apache-2.0
#include "pcr_events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "hex.h"

struct pcr_events *pcr_events_new(uint32_t pcrs)
{
	struct pcr_events *e = calloc(1, sizeof(*e));

	if (e)
		pcrlist_init(&e->list, pcrs);
	return e;
}

void pcr_events_clear(struct pcr_events *e)
{
	uint32_t i;

	for (i = 0; i < e->list.n; i++)
		free(e->what[i]);
	e->list.n = 0;
}

void pcr_events_free(struct pcr_events *e)
{
	if (!e)
		return;
	pcr_events_clear(e);
	free(e);
}

int pcr_events_add(void *ctx, uint32_t pcr, const uint8_t digest[static SHA256_SIZE],
		   const char *what)
{
	struct pcr_events *e = ctx;
	uint8_t d[1][SHA256_SIZE];
	char *text;
	int rc;

	if (!(e->list.pcrs & 1u << pcr))
		return 0;
	memcpy(d[0], digest, SHA256_SIZE);
	text = strdup(what);
	if (!text)
		return -ENOMEM;
	rc = pcrlist_add(&e->list, pcr, (const uint8_t(*)[SHA256_SIZE])d, 1, what);
	if (rc)
		free(text);
	else
		e->what[e->list.n - 1] = text;
	return rc;
}

void pcr_events_value(const struct pcr_events *e, uint32_t pcr, uint8_t ret[static SHA256_SIZE])
{
	uint32_t i;

	memset(ret, 0, SHA256_SIZE);
	for (i = 0; i < e->list.n; i++)
		if (e->list.event[i].pcr == pcr)
			eventlog_extend(ret, e->list.event[i].digest[0]);
}

void pcr_events_print(const struct pcr_events *e, uint32_t pcr, const char *head, bool with_events)
{
	uint8_t value[SHA256_SIZE];
	char text[2 * SHA256_SIZE + 1];
	uint32_t i, n = 0;

	pcr_events_value(e, pcr, value);
	hex_encode(value, sizeof(value), text);
	(void)printf("%spcr%" PRIu32 "=%s\n", head, pcr, text);
	for (i = 0; with_events && i < e->list.n; i++) {
		if (e->list.event[i].pcr != pcr)
			continue;
		hex_encode(e->list.event[i].digest[0], SHA256_SIZE, text);
		(void)printf("  %" PRIu32 ".%" PRIu32 " %s %s\n", pcr, ++n, text, e->what[i]);
	}
}

void pcr_events_json(const struct pcr_events *e, struct json *j, bool with_events)
{
	uint8_t value[SHA256_SIZE];
	char text[2 * SHA256_SIZE + 1], number[8];
	uint32_t i;

	json_key(j, "pcrs");
	json_open_object(j);
	for (i = 0; i < EVENTLOG_PCRS; i++) {
		if (!(e->list.pcrs & 1u << i))
			continue;
		pcr_events_value(e, i, value);
		hex_encode(value, sizeof(value), text);
		(void)snprintf(number, sizeof(number), "%" PRIu32, i);
		json_member_string(j, number, text);
	}
	json_close_object(j);
	if (!with_events)
		return;
	json_key(j, "events");
	json_open_array(j);
	for (i = 0; i < e->list.n; i++) {
		json_open_object(j);
		json_member_uint(j, "pcr", e->list.event[i].pcr);
		hex_encode(e->list.event[i].digest[0], SHA256_SIZE, text);
		json_member_string(j, "digest", text);
		json_member_string(j, "what", e->what[i]);
		json_close_object(j);
	}
	json_close_array(j);
}

int pcr_option(struct pcr_options *o, int c, const char *value, struct err *err)
{
	static const char *const states[] = { "none", "off", "on" };
	static const struct {
		int c;
		enum efiauth_var var;
	} vars[] = {
		{ 'P', EFIAUTH_PK }, { 'K', EFIAUTH_KEK }, { 'D', EFIAUTH_DB }, { 'X', EFIAUTH_DBX }
	};
	size_t i;

	switch (c) {
	case 'L':
		o->loader = value;
		return 0;
	case 'S':
		for (i = 0; i < 3 && strcmp(value, states[i]) != 0; i++)
			;
		if (i == 3)
			return cmd_usage(err, "--secureboot none, off or on");
		o->keys.secureboot = (enum pcrmodel_secureboot)i;
		o->keys.given = true;
		return 0;
	case 'E':
		o->keys.enrolled = value;
		return 0;
	case 'O':
		return gpt_guid_parse(value, o->keys.owner)
			       ? cmd_usage(err, "--owner %s: a GUID", value)
			       : 0;
	default:
		for (i = 0; i < sizeof(vars) / sizeof(vars[0]); i++) {
			if (vars[i].c != c)
				continue;
			o->keys.file[vars[i].var] = value;
			return 0;
		}
		return -ENOENT;
	}
}
