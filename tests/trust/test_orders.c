// SPDX-License-Identifier: Apache-2.0
/* Service trust as it is asked: who may, what is no request, and a TPM that never answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/trust/access.h"
#include "agent/trust/client.h"
#include "io.h"
#include "machine.h"

static const struct machine_boot one = { .release = 1, .loader = 1 };
static struct trustd_reply last;
static unsigned int replies;

static int take(void *ctx, const struct trustd_reply *r)
{
	(void)ctx;
	last = *r;
	replies++;
	return 0;
}

static int ask(uint32_t op, uint32_t len, uint32_t access)
{
	struct trustd_request q = { .version = TRUSTD_VERSION, .op = op, .len = len };

	replies = 0;
	return orders_answer(&machine.t, &q, access, -1, take, NULL);
}

/* Each order by each user: allowed where the table of docs/sealing.md says so. */
static void test_access(void **state)
{
	static const struct {
		uint32_t op, allowed;
	} table[] = {
		{ TRUSTD_MEASURED, ACCESS_ROOT | ACCESS_AGENT },
		{ TRUSTD_DATA, ACCESS_ROOT },
		{ TRUSTD_DATA_KEY, ACCESS_ROOT },
		{ TRUSTD_DATA_NEW, ACCESS_ROOT },
		{ TRUSTD_DATA_WIPE, ACCESS_ROOT },
		{ TRUSTD_SEAL, ACCESS_UPDATE },
		{ TRUSTD_GOOD, ACCESS_UPDATE },
		{ TRUSTD_SEALED, ACCESS_ROOT | ACCESS_AGENT | ACCESS_UPDATE },
		{ TRUSTD_QUOTE, ACCESS_ROOT | ACCESS_AGENT },
		{ TRUSTD_ACTIVATE, ACCESS_ROOT | ACCESS_AGENT },
		{ TRUSTD_SIGN, ACCESS_ROOT | ACCESS_AGENT },
		{ TRUSTD_IDENTITY, ACCESS_ROOT | ACCESS_AGENT },
		{ TRUSTD_SETTINGS, ACCESS_ROOT },
	};
	const struct access_users users = { true, true, 100, 105 };
	uint32_t mask;
	size_t i;

	(void)state;
	assert_int_equal(sizeof(table) / sizeof(table[0]), TRUSTD_OPS - 1);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (mask = 0; mask < 8; mask++)
			assert_int_equal(access_allowed(table[i].op, mask),
					 (table[i].allowed & mask) != 0);
	assert_int_equal(access_mask(&users, 0), ACCESS_ROOT);
	assert_int_equal(access_mask(&users, 100), ACCESS_AGENT);
	assert_int_equal(access_mask(&users, 105), ACCESS_UPDATE);
	assert_int_equal(access_mask(&users, 1), 0);
	assert_false(access_allowed(0, 7));
	assert_false(access_allowed(TRUSTD_OPS, 7));
}

/* The key for nobody but who may have it, and nothing of it in the answer. */
static void test_key_is_not_for_all(void **state)
{
	static const uint8_t zero[sizeof(last.body)];

	(void)state;
	machine_start(&one);
	machine_mark(DATAHEAD_MAKING_ENCRYPTED);
	{
		struct trustd_key key;
		struct err err;

		assert_int_equal(volume_new(&machine.t.volume, KEYHEAD_XTS, &key, &err), 0);
	}
	assert_int_equal(ask(TRUSTD_DATA_KEY, 0, ACCESS_AGENT | ACCESS_UPDATE), 0);
	assert_int_equal(last.rc, -EACCES);
	assert_int_equal(last.len, 0);
	assert_memory_equal(last.body, zero, sizeof(zero));
	assert_int_equal(ask(TRUSTD_DATA_KEY, 0, ACCESS_ROOT), 0);
	assert_int_equal(last.rc, 0);
	assert_int_equal(last.len, sizeof(struct trustd_key));
	assert_int_equal(ask(TRUSTD_SEALED, 0, ACCESS_AGENT), 0);
	assert_int_equal(last.rc, 0);
	assert_non_null(memmem(last.body, last.len, "sealed0=", 8));
}

static void test_no_request(void **state)
{
	struct trustd_request q = { .version = TRUSTD_VERSION, .op = TRUSTD_MEASURED };

	(void)state;
	machine_start(&one);
	assert_int_equal(ask(0, 0, ACCESS_ROOT), -EBADMSG);
	assert_int_equal(ask(TRUSTD_OPS, 0, ACCESS_ROOT), -EBADMSG);
	assert_int_equal(ask(UINT32_MAX, 0, ACCESS_ROOT), -EBADMSG);
	assert_int_equal(ask(TRUSTD_SEAL, TRUSTD_REQUEST_BYTES + 1, ACCESS_UPDATE), -EBADMSG);
	assert_int_equal(ask(TRUSTD_DATA_NEW, 3, ACCESS_ROOT), -EBADMSG);
	assert_int_equal(ask(TRUSTD_SIGN, 31, ACCESS_ROOT), -EBADMSG);
	q.version++;
	assert_int_equal(orders_answer(&machine.t, &q, ACCESS_ROOT, -1, take, NULL), -EBADMSG);
	q.version--;
	q.flags = 2;
	assert_int_equal(orders_answer(&machine.t, &q, ACCESS_ROOT, -1, take, NULL), -EBADMSG);
	/* A descriptor that nobody asked for. */
	q.flags = 0;
	assert_int_equal(orders_answer(&machine.t, &q, ACCESS_ROOT, 0, take, NULL), -EBADMSG);
	assert_int_equal(ask(TRUSTD_MEASURED, 0, ACCESS_ROOT), 0);
	assert_int_equal(last.len, sizeof(struct status_measured));
}

static unsigned int fed;

static void feed(void)
{
	fed++;
}

/* The service waits for its TPM for ever; who asks does not. */
static void test_tpm_never_answers(void **state)
{
	const struct trustd_request q = { .version = TRUSTD_VERSION, .op = TRUSTD_MEASURED };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct trustd_reply r;
	struct err err;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	pid_t pid;

	(void)state;
	machine_start(&one);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/socket", machine.dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	pid = fork();
	if (pid == 0) {
		static struct trustd_request got;
		int peer = accept(fd, NULL, NULL);

		swtpm.fault = SWTPM_SILENT;
		swtpm.at = 1;
		if (recv(peer, &got, sizeof(got), 0) == (ssize_t)sizeof(got))
			(void)orders_answer(&machine.t, &got, ACCESS_ROOT, -1, take, NULL);
		_exit(1);
	}
	fed = 0;
	assert_int_equal(trustd_ask(at.sun_path, &q, -1, 300, feed, &r, NULL, &err), -ETIMEDOUT);
	assert_true(fed > 0);
	assert_non_null(strstr(err.msg, "does not answer"));
	/* It waits still, and for nothing else. */
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(fd);
}

static void test_nobody_there(void **state)
{
	struct trustd_data d;
	struct err err;

	(void)state;
	assert_int_equal(trustd_data("/nowhere/trust", NULL, &d, &err), -ENOENT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_access),
		T(test_key_is_not_for_all),
		T(test_no_request),
		T(test_tpm_never_answers),
		cmocka_unit_test(test_nobody_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
