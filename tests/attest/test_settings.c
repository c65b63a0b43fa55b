// SPDX-License-Identifier: Apache-2.0
/* settings_measure, with a stand-in for service trust that writes down what it is asked. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/trust/client.h"
#include "agent/trust/settings.h"
#include "hex.h"
#include "io.h"

static char top[64], dir[80], socket_path[80];
static struct err err;

/* serve - answer every order with rc and write `WHAT HEX` to fd, one line each. */
static void serve(int listen_fd, int fd, int rc)
{
	static struct trustd_request q;
	static struct trustd_reply r;
	char hex[2 * SHA256_SIZE + 1];
	struct trustd_settings s;

	for (;;) {
		int peer = accept(listen_fd, NULL, NULL);

		if (peer < 0 || recv(peer, &q, sizeof(q), 0) != sizeof(q))
			_exit(1);
		memcpy(&s, q.body, sizeof(s));
		hex_encode(s.digest, sizeof(s.digest), hex);
		(void)dprintf(fd, "%s %s\n", s.what, hex);
		memset(&r, 0, sizeof(r));
		r.version = TRUSTD_VERSION;
		r.op = q.op;
		r.rc = q.op == TRUSTD_SETTINGS && q.len == sizeof(s) ? rc : -EBADMSG;
		(void)snprintf(r.why, sizeof(r.why), "as the test wants");
		if (send(peer, &r, sizeof(r), 0) != sizeof(r))
			_exit(1);
		(void)close(peer);
	}
}

/* measured - what settings_measure asked, in ret; returns what it returned. */
static int measured(int rc, char *ret, size_t size)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int listen_fd = socket(AF_UNIX, SOCK_SEQPACKET, 0), pair[2], result;
	ssize_t n = 0, used = 0;
	pid_t pid;

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", socket_path);
	(void)unlink(socket_path);
	assert_int_equal(bind(listen_fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listen_fd, 4), 0);
	assert_int_equal(pipe(pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		serve(listen_fd, pair[1], rc);
	(void)close(pair[1]);
	(void)close(listen_fd);
	result = settings_measure(dir, socket_path, NULL, &err);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	while ((n = read(pair[0], ret + used, size - 1 - (size_t)used)) > 0)
		used += n;
	ret[used] = '\0';
	(void)close(pair[0]);
	return result;
}

static void put(const char *name, const char *content)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(io_replace_file(path, content, strlen(content), 0644), 0);
}

/* sha256sum of the bytes */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const char *end_line(void)
{
	static char line[128];
	char hex[2 * SHA256_SIZE + 1];
	uint8_t digest[SHA256_SIZE];

	sha256("cairn settings end", 18, digest);
	hex_encode(digest, sizeof(digest), hex);
	(void)snprintf(line, sizeof(line), "settings end %s\n", hex);
	return line;
}

static int setup(void **state)
{
	(void)state;
	(void)snprintf(top, sizeof(top), "/tmp/cairn-settings.XXXXXX");
	if (!mkdtemp(top))
		return -1;
	(void)snprintf(dir, sizeof(dir), "%s/config", top);
	(void)snprintf(socket_path, sizeof(socket_path), "%s/trust", top);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command);
}

static void test_none(void **state)
{
	char got[4096];

	(void)state;
	/* No folder: the end alone. */
	assert_int_equal(measured(0, got, sizeof(got)), 0);
	assert_string_equal(got, end_line());
}

static void test_files(void **state)
{
	char got[4096], want[4096], path[160];

	(void)state;
	assert_int_equal(mkdir(dir, 0755), 0);
	put("update.conf", "abc");
	put("network.conf", "");
	put("ca.pem", "abc");
	put(".hidden", "x");
	put("a b", "x");
	(void)snprintf(path, sizeof(path), "%s/folder", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/link", dir);
	assert_int_equal(symlink("update.conf", path), 0);
	assert_int_equal(measured(0, got, sizeof(got)), 0);
	(void)snprintf(want, sizeof(want),
		       "settings ca.pem " ABC "\nsettings network.conf " EMPTY
		       "\nsettings update.conf " ABC "\n%s",
		       end_line());
	assert_string_equal(got, want);
}

static void test_errors(void **state)
{
	static char big[SETTINGS_FILE_MAX + 2];
	char got[4096], name[16];
	int i;

	(void)state;
	/* The first that is refused ends it; what service trust says is passed on. */
	assert_int_equal(measured(-EIO, got, sizeof(got)), -EIO);
	assert_string_equal(err.msg, "as the test wants");
	assert_string_equal(got, "settings ca.pem " ABC "\n");
	(void)unlink(socket_path);
	assert_true(settings_measure(dir, socket_path, NULL, &err) < 0);
	memset(big, 'x', sizeof(big) - 1);
	put("big", big);
	assert_int_equal(measured(0, got, sizeof(got)), -EFBIG);
	assert_string_equal(got, "");
	put("big", "");
	for (i = 0; i < SETTINGS_FILES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		put(name, "");
	}
	assert_int_equal(measured(0, got, sizeof(got)), -E2BIG);
	assert_string_equal(got, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
