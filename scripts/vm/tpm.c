// SPDX-License-Identifier: Apache-2.0
#include "tpm.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "argv.h"
#include "lib/io.h"
#include "spawn.h"

static int make_dirs(const char *path, struct err *err)
{
	char part[PATH_MAX];

	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return err_set(err, -ENAMETOOLONG, "%s: too long", path);
	for (char *p = strchr(part + 1, '/');; p = strchr(p + 1, '/')) {
		if (p)
			*p = '\0';
		if (mkdir(part, 0700) && errno != EEXIST)
			return err_sys(err, -errno, "%s", part);
		if (!p)
			return 0;
		*p = '/';
	}
}

static int ca_dir(char *ret_path, size_t max, struct err *err)
{
	const char *cache = getenv("CAIRN_CACHE");
	const char *home = getenv("HOME");
	int n;

	if (cache && *cache)
		n = snprintf(ret_path, max, "%s/vm-ca", cache);
	else
		n = snprintf(ret_path, max, "%s/.cache/cairn/vm-ca", home ? home : "/tmp");
	return n >= (int)max ? err_set(err, -ENAMETOOLONG, "CAIRN_CACHE: too long") : 0;
}

static int write_file(const char *path, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int write_file(const char *path, struct err *err, const char *fmt, ...)
{
	char text[8 * PATH_MAX / 4];
	va_list ap;
	int n, rc;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(text))
		return err_set(err, -ENAMETOOLONG, "%s", path);
	rc = io_replace_file(path, text, (size_t)n, 0600);
	return rc ? err_sys(err, rc, "%s", path) : 0;
}

/* Makes the TPM: primary seeds, endorsement keys and their certificates. */
static int manufacture(const char *dir, const char *state, struct err *err)
{
	char conf[128], ca_conf[128], options[128], ca[1024];
	struct argv a;
	int rc;

	(void)snprintf(conf, sizeof(conf), "%s/setup.conf", dir);
	(void)snprintf(ca_conf, sizeof(ca_conf), "%s/ca.conf", dir);
	(void)snprintf(options, sizeof(options), "%s/ca.options", dir);
	rc = ca_dir(ca, sizeof(ca), err);
	if (!rc)
		rc = make_dirs(ca, err);
	if (!rc)
		rc = write_file(ca_conf, err,
				"statedir = %s\nsigningkey = %s/signkey.pem\n"
				"issuercert = %s/issuercert.pem\ncertserial = %s/certserial\n",
				ca, ca, ca, ca);
	if (!rc)
		rc = write_file(options, err,
				"--platform-manufacturer Cairn\n--platform-version 1\n"
				"--platform-model QEMU\n");
	if (!rc)
		rc = write_file(conf, err,
				"create_certs_tool = swtpm_localca\ncreate_certs_tool_config = %s\n"
				"create_certs_tool_options = %s\nactive_pcr_banks = sha256\n",
				ca_conf, options);
	if (rc)
		return rc;
	argv_init(&a);
	argv_add(&a, "swtpm_setup");
	argv_add(&a, "--tpm2");
	argv_add(&a, "--tpmstate");
	argv_add(&a, "%s", state);
	argv_add(&a, "--config");
	argv_add(&a, "%s", conf);
	argv_add(&a, "--create-ek-cert");
	argv_add(&a, "--lock-nvram");
	argv_add(&a, "--pcr-banks");
	argv_add(&a, "sha256");
	rc = spawn_wait(argv_get(&a), dir, "swtpm_setup.err", err);
	if (!rc) {
		/* Its tale is of use only when it failed. */
		(void)snprintf(conf, sizeof(conf), "%s/swtpm_setup.err", dir);
		(void)unlink(conf);
	}
	argv_release(&a);
	return rc;
}

int tpm_start(const char *dir, const char *state_dir, pid_t *ret_pid, int *ret_fd, struct err *err)
{
	int pair[2] = { -1, -1 };
	char state[PATH_MAX], file[PATH_MAX + 32];
	struct argv a;
	int rc;

	if (state_dir)
		(void)snprintf(state, sizeof(state), "%s", state_dir);
	else
		(void)snprintf(state, sizeof(state), "%s/tpm", dir);
	(void)snprintf(file, sizeof(file), "%s/tpm2-00.permall", state);
	rc = make_dirs(state, err);
	if (!rc && access(file, F_OK))
		rc = manufacture(dir, state, err);
	if (!rc && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		rc = err_sys(err, -errno, "socketpair");
	if (rc)
		return rc;
	argv_init(&a);
	argv_add(&a, "swtpm");
	argv_add(&a, "socket");
	argv_add(&a, "--tpm2");
	argv_add(&a, "--tpmstate");
	argv_add(&a, "dir=%s", state);
	argv_add(&a, "--ctrl");
	argv_add(&a, "type=unixio,clientfd=%d", pair[1]);
	argv_add(&a, "--terminate");
	rc = spawn(argv_get(&a), &pair[1], 1, dir, "swtpm.err", ret_pid, err);
	argv_release(&a);
	io_close_p(&pair[1]);
	if (rc)
		io_close_p(&pair[0]);
	else
		*ret_fd = pair[0];
	return rc;
}
