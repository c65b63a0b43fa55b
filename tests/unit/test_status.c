// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "status.h"

#define DEADLINE_MS 60000u

static struct status s;
static struct status_verdict v;

static struct status_service *service(const char *name, enum status_health health)
{
	struct status_service *x = &s.service[s.services++];

	(void)snprintf(x->name, sizeof(x->name), "%s", name);
	x->health = health;
	x->critical = true;
	return x;
}

/* A machine with nothing wrong. */
static void healthy(void)
{
	memset(&s, 0, sizeof(s));
	strcpy(s.version, "1.2.3");
	strcpy(s.variant, "production");
	strcpy(s.slot, "a");
	s.verity = STATUS_VERITY_OK;
	s.secureboot = STATUS_SECUREBOOT_ON;
	s.measured.tpm = STATUS_TPM_OK;
	s.measured.eventlog = STATUS_EVENTLOG_MATCH;
	s.measured.pcr_mask = 0x3ff;
	memset(s.measured.pcr[4], 0x44, SHA256_SIZE);
	s.services_known = true;
	service("data", STATUS_OK);
	service("netd", STATUS_OK);
	service("install", STATUS_SKIPPED);
	strcpy(s.data_state, "ok");
	strcpy(s.data_encrypted, "yes");
	strcpy(s.net_state, "online");
	s.ready_ms = 1234;
	s.mem_used_kib = 13000;
}

static void judge(void)
{
	status_judge(&s, DEADLINE_MS, &v);
	s.verdict = v;
}

static void failed(const char *what, const char *why)
{
	judge();
	assert_int_equal(v.kind, STATUS_VERDICT_FAILED);
	assert_string_equal(v.what, what);
	assert_non_null(strstr(v.why, why));
}

static void starting(const char *what)
{
	judge();
	assert_int_equal(v.kind, STATUS_VERDICT_STARTING);
	assert_string_equal(v.what, what);
}

static void ready(void)
{
	judge();
	assert_int_equal(v.kind, STATUS_VERDICT_READY);
}

static void test_ready_line(void **state)
{
	char line[STATUS_LINE_SIZE], pcr4[2 * SHA256_SIZE + 1], zero[2 * SHA256_SIZE + 1];
	char want[STATUS_LINE_SIZE];

	(void)state;
	healthy();
	ready();
	memset(pcr4, '4', 2 * SHA256_SIZE);
	memset(zero, '0', 2 * SHA256_SIZE);
	pcr4[2 * SHA256_SIZE] = zero[2 * SHA256_SIZE] = '\0';
	(void)snprintf(want, sizeof(want),
		       "cairn: ready version=1.2.3 variant=production slot=a verity=ok "
		       "secureboot=on tpm=2.0 eventlog=match pcr4=%s pcr7=%s pcr8=%s pcr9=%s "
		       "services=2/2 data=ok encrypted=yes net=online kernel_to_ready_ms=1234 "
		       "mem_used_kib=13000\n",
		       pcr4, zero, zero, zero);
	assert_int_equal(status_line(&s, line), strlen(want));
	assert_string_equal(line, want);
}

static void test_without_tpm(void **state)
{
	char line[STATUS_LINE_SIZE];

	(void)state;
	healthy();
	memset(&s.measured, 0, sizeof(s.measured));
	starting("tpm");
	assert_int_equal(status_line(&s, line), 0);
	s.measured.tpm = STATUS_TPM_NONE;
	ready();
	(void)status_line(&s, line);
	assert_non_null(strstr(line, " tpm=none eventlog=none pcr4=- pcr7=- pcr8=- pcr9=- "));
}

static void test_broken_parts(void **state)
{
	(void)state;
	healthy();
	s.verity = STATUS_VERITY_NONE;
	failed("root", "not checked");
	s.verity = STATUS_VERITY_CORRUPT;
	failed("root", "block");
	healthy();
	strcpy(s.data_state, "failed");
	strcpy(s.data_why, "no superblock");
	failed("data", "no superblock");
	strcpy(s.data_state, "missing");
	failed("data", "");
	strcpy(s.data_state, "locked");
	strcpy(s.data_why, "PCR 4 differs");
	failed("data", "PCR 4");
	s.service[0].health = STATUS_SKIPPED; /* the installer has none */
	ready();
	healthy();
	s.measured.tpm = STATUS_TPM_FAILED;
	strcpy(s.measured.why, "no answer");
	failed("tpm", "no answer");
}

/* Each health, before and after ready, early and late, critical or not. */
static void test_services(void **state)
{
	static const struct {
		enum status_health health;
		bool critical, late, was_ready;
		enum status_verdict_kind want;
	} cases[] = {
		{ STATUS_OK, true, true, false, STATUS_VERDICT_READY },
		{ STATUS_SKIPPED, true, true, false, STATUS_VERDICT_READY },
		{ STATUS_STARTING, true, false, false, STATUS_VERDICT_STARTING },
		{ STATUS_STARTING, false, false, false, STATUS_VERDICT_STARTING },
		{ STATUS_STARTING, true, true, false, STATUS_VERDICT_FAILED },
		{ STATUS_STARTING, false, true, false, STATUS_VERDICT_FAILED },
		{ STATUS_STARTING, true, false, true, STATUS_VERDICT_READY },
		{ STATUS_STARTING, true, true, true, STATUS_VERDICT_FAILED },
		{ STATUS_FAILING, true, false, false, STATUS_VERDICT_FAILED },
		{ STATUS_FAILING, false, false, true, STATUS_VERDICT_FAILED },
		{ STATUS_FAILED, true, false, true, STATUS_VERDICT_FAILED },
		{ STATUS_FAILED, false, false, false, STATUS_VERDICT_FAILED },
		{ STATUS_STOPPED, true, false, true, STATUS_VERDICT_FAILED },
		{ STATUS_STOPPED, false, true, true, STATUS_VERDICT_READY },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct status_service *x;

		healthy();
		s.ready_ms = cases[i].was_ready ? 1 : 0;
		x = service("x", cases[i].health);
		x->critical = cases[i].critical;
		x->since_ms = cases[i].late ? DEADLINE_MS : DEADLINE_MS - 1;
		judge();
		assert_int_equal(v.kind, cases[i].want);
		if (v.kind != STATUS_VERDICT_READY)
			assert_string_equal(v.what, "service:x");
	}
}

static void test_cause_before_consequence(void **state)
{
	(void)state;
	healthy();
	s.service[0].health = STATUS_STARTING;
	s.service[0].since_ms = DEADLINE_MS;
	strcpy(s.service[0].reason, "waits for netd");
	s.service[1].health = STATUS_FAILED;
	strcpy(s.service[1].reason, "exit status 111");
	failed("service:netd", "exit status 111");
	s.service[1].health = STATUS_OK;
	failed("service:data", "not up after 60 s: waits for netd");
}

static void test_unknown(void **state)
{
	(void)state;
	healthy();
	s.services_known = false;
	starting("init");
	healthy();
	s.service[0].health = 99;
	failed("service:data", "");
}

static void test_failed_line_is_one_line(void **state)
{
	char line[STATUS_LINE_SIZE];

	(void)state;
	healthy();
	s.service[1].health = STATUS_FAILED;
	strcpy(s.service[1].reason, "said \"no\"\nand cairn: ready");
	judge();
	(void)status_line(&s, line);
	assert_non_null(strstr(line, "cairn: failed what=service:netd "
				     "why=\"said 'no' and cairn: ready\" version="));
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	/* A version that is no word cannot forge a key. */
	healthy();
	strcpy(s.version, "1 slot=b");
	judge();
	(void)status_line(&s, line);
	assert_non_null(strstr(line, "version=- variant"));
}

static void test_verdict_text(void **state)
{
	char text[STATUS_VERDICT_TEXT_SIZE];
	size_t len;

	(void)state;
	healthy();
	judge();
	s.verdict = v;
	len = status_verdict_text(&s, text);
	assert_int_equal(len, strlen(text));
	assert_string_equal(text, "state=ready\nwhat=-\nwhy=\"\"\ntpm=2.0\n");
	s.service[1].health = STATUS_FAILED;
	strcpy(s.service[1].reason, "said \"no\"\nstate=ready");
	judge();
	s.verdict = v;
	(void)status_verdict_text(&s, text);
	assert_string_equal(text, "state=failed\nwhat=service:netd\n"
				  "why=\"said 'no' state=ready\"\ntpm=2.0\n");
}

static void test_json(void **state)
{
	static char text[STATUS_JSON_SIZE];
	size_t i;
	int n;

	(void)state;
	healthy();
	judge();
	n = status_json(&s, text);
	assert_true(n > 0);
	assert_int_equal(n, strlen(text));
	assert_int_equal(text[n - 1], '\n');
	assert_non_null(strstr(text, "\"format\": 1,\n"));
	assert_non_null(strstr(text, "\"verdict\": \"ready\",\n"));
	/* The worst that can be still fits. */
	memset(&s, 0x01, sizeof(s));
	s.services = STATUS_SERVICES_MAX;
	s.measured.pcr_mask = s.measured.mismatch_mask = 0xffffffff;
#define END(field) s.field[sizeof(s.field) - 1] = '\0'
	END(version);
	END(variant);
	END(slot);
	END(disk);
	END(root_hash);
	END(measured.vendor);
	END(measured.why);
	END(data_state);
	END(data_why);
	END(data_encrypted);
	END(data_sealed);
	END(net_state);
	END(net_if);
	END(net_addr4);
	END(net_addr6);
	END(net_dns);
	END(net_config);
	END(net_problem);
	END(time_state);
	END(time_servers);
	END(verdict.what);
	END(verdict.why);
	END(update.state);
	END(update.version);
	END(update.kind);
	END(update.source);
	END(update.what);
	END(update.why);
	END(update.primary);
	END(update.channel);
	END(update.time);
	s.update.attempts = UPDATELOG_ATTEMPTS;
	s.update.percent = 100;
	for (i = 0; i < UPDATELOG_ATTEMPTS; i++) {
		END(update.attempt[i].version);
		END(update.attempt[i].why);
	}
	for (i = 0; i < STATUS_SERVICES_MAX; i++) {
		END(service[i].name);
		END(service[i].state);
		END(service[i].reason);
	}
#undef END
	s.dev_keys = s.setup_mode = s.services_known = true;
	assert_true(status_json(&s, text) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ready_line),
		cmocka_unit_test(test_without_tpm),
		cmocka_unit_test(test_broken_parts),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_cause_before_consequence),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_failed_line_is_one_line),
		cmocka_unit_test(test_verdict_text),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
