// SPDX-License-Identifier: Apache-2.0
#include "machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "argv.h"
#include "efivars.h"
#include "lib/bytes.h"
#include "lib/efiauth.h"
#include "lib/io.h"
#include "qemu_args.h"
#include "spawn.h"
#include "tpm.h"

#define OVMF "/usr/share/OVMF/"
#define END_WAIT_MS 3000

void machine_init(struct machine *m)
{
	memset(m, 0, sizeof(*m));
	m->qemu_pidfd = m->serial_fd = m->qmp_fd = m->record_fd = -1;
}

/* The DER form of a PEM certificate. */
static int read_cert(const char *path, uint8_t *ret_der, size_t max, size_t *ret_len,
		     struct err *err)
{
	FILE *f = fopen(path, "re");
	X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	int n = x ? i2d_X509(x, NULL) : 0;
	int rc = 0;

	if (!f)
		rc = err_sys(err, -errno, "%s", path);
	else if (n <= 0 || (size_t)n > max)
		rc = err_set(err, -EINVAL, "%s: no certificate in PEM form", path);
	if (!rc) {
		*ret_len = (size_t)i2d_X509(x, &ret_der);
	}
	X509_free(x);
	if (f)
		(void)fclose(f);
	return rc;
}

/* NAME=FILE, an authenticated variable. */
static int preset(const char *text, uint8_t *flash, size_t len, struct err *err)
{
	static uint8_t auth[EFIAUTH_MAX + 1];
	const char *file = strchr(text, '=');
	char name[EFIAUTH_NAME_MAX] = "";
	size_t auth_len;
	int rc;

	if (!file || (size_t)(file - text) >= sizeof(name))
		return err_set(err, -EINVAL, "`%s': NAME=FILE", text);
	memcpy(name, text, (size_t)(file - text));
	rc = io_read_file(file + 1, auth, sizeof(auth), &auth_len);
	if (rc)
		return err_sys(err, rc, "%s", file + 1);
	return efivars_preset(flash, len, name, auth, auth_len, err);
}

/* The firmware's variables for this machine: given, or the empty ones with cfg->cert enrolled. */
static int make_vars(const struct vm_config *cfg, const char *path, struct err *err)
{
	const char *from = cfg->vars ? cfg->vars : OVMF "OVMF_VARS_4M.fd";
	uint8_t *flash _cleanup_free_ = malloc(EFIVARS_MAX_BYTES);
	uint8_t cert[EFIVARS_CERT_MAX_BYTES];
	size_t len, cert_len;
	int rc;

	if (!flash)
		return err_sys(err, -ENOMEM, "variables");
	rc = io_read_file(from, flash, EFIVARS_MAX_BYTES, &len);
	if (rc)
		return err_sys(err, rc, "%s (package ovmf)", from);
	for (int i = 0; !rc && i < cfg->n_presets; i++)
		rc = preset(cfg->presets[i], flash, len, err);
	if (rc)
		return rc;
	if (cfg->cert) {
		rc = read_cert(cfg->cert, cert, sizeof(cert), &cert_len, err);
		if (!rc)
			rc = efivars_enrol(flash, len, cert, cert_len, err);
		if (rc)
			return rc;
	}
	rc = io_replace_file(path, flash, len, 0600);
	return rc ? err_sys(err, rc, "%s", path) : 0;
}

static int make_pair(int fds[2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return err_sys(err, -errno, "socketpair");
	return 0;
}

static int start_qemu(struct machine *m, const struct vm_config *cfg, int tpm_fd, struct err *err)
{
	int serial[2] = { -1, -1 }, qmp[2] = { -1, -1 };
	struct argv a;
	char vars[128];
	int rc;

	argv_init(&a);
	(void)snprintf(vars, sizeof(vars), "%s/vars.fd", m->dir);
	rc = make_pair(serial, err);
	if (!rc)
		rc = make_pair(qmp, err);
	if (!rc && !cfg->vars_write_through)
		rc = make_vars(cfg, vars, err);
	if (!rc)
		rc = qemu_args(&a, cfg, m->dir, cfg->vars_write_through ? cfg->vars : vars, err);
	if (!rc) {
		int fds[3] = { serial[1], qmp[1], tpm_fd };

		argv_add(&a, "-chardev");
		argv_add(&a, "socket,id=serial,fd=%d", serial[1]);
		argv_add(&a, "-serial");
		argv_add(&a, "chardev:serial");
		argv_add(&a, "-chardev");
		argv_add(&a, "socket,id=qmp,fd=%d", qmp[1]);
		argv_add(&a, "-mon");
		argv_add(&a, "chardev=qmp,mode=control");
		if (tpm_fd >= 0) {
			argv_add(&a, "-chardev");
			argv_add(&a, "socket,id=tpm,fd=%d", tpm_fd);
			argv_add(&a, "-tpmdev");
			argv_add(&a, "emulator,id=tpm0,chardev=tpm");
			argv_add(&a, "-device");
			argv_add(&a, "%s,tpmdev=tpm0", cfg->tpm == TPM_CRB ? "tpm-crb" : "tpm-tis");
		}
		for (int i = 0; i < cfg->n_extra; i++)
			argv_add(&a, "%s", cfg->extra[i]);
		rc = spawn(argv_get(&a), fds, tpm_fd >= 0 ? 3 : 2, m->dir, "qemu.err", &m->qemu,
			   err);
	}
	argv_release(&a);
	io_close_p(&serial[1]);
	io_close_p(&qmp[1]);
	m->serial_fd = serial[0];
	m->qmp_fd = qmp[0];
	for (int i = 0; !rc && i < cfg->n_disks; i++)
		if (cfg->disks[i].record && m->record_fd < 0)
			m->record_fd = open(cfg->disks[i].record, O_RDONLY | O_CLOEXEC);
	if (rc)
		return rc;
	m->qemu_pidfd = (int)syscall(SYS_pidfd_open, m->qemu, 0);
	if (m->qemu_pidfd < 0)
		return err_sys(err, -errno, "pidfd_open");
	if (fcntl(m->serial_fd, F_SETFL, O_NONBLOCK) || fcntl(m->qmp_fd, F_SETFL, O_NONBLOCK))
		return err_sys(err, -errno, "fcntl");
	return 0;
}

int machine_start(struct machine *m, const struct vm_config *cfg, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	int tpm_fd = -1;
	int rc = 0;

	if (snprintf(m->dir, sizeof(m->dir), "%s/cairn-vm.XXXXXX", tmp ? tmp : "/tmp") >=
	    (int)sizeof(m->dir)) {
		m->dir[0] = '\0';
		return err_set(err, -ENAMETOOLONG, "TMPDIR: too long a name");
	}
	if (!mkdtemp(m->dir)) {
		rc = err_sys(err, -errno, "%s", m->dir);
		m->dir[0] = '\0';
		return rc;
	}
	if (cfg->tpm != TPM_NONE)
		rc = tpm_start(m->dir, cfg->tpm_dir, &m->swtpm, &tpm_fd, err);
	if (!rc)
		rc = start_qemu(m, cfg, tpm_fd, err);
	io_close_p(&tpm_fd);
	if (rc)
		(void)machine_end(m);
	return rc;
}

/* Asks, waits a while, then does not ask. */
static int end_child(pid_t *pid)
{
	int fd, status = -1;
	struct pollfd p;

	if (*pid <= 0)
		return -1;
	fd = (int)syscall(SYS_pidfd_open, *pid, 0);
	p = (struct pollfd){ .fd = fd, .events = POLLIN };
	(void)kill(*pid, SIGTERM);
	if (fd < 0 || poll(&p, 1, END_WAIT_MS) != 1)
		(void)kill(*pid, SIGKILL);
	while (waitpid(*pid, &status, 0) < 0 && errno == EINTR)
		;
	io_close_p(&fd);
	*pid = 0;
	return status;
}

void machine_kill(const struct machine *m)
{
	if (m->qemu > 0)
		(void)kill(m->qemu, SIGKILL);
}

uint64_t machine_writes(const struct machine *m)
{
	uint8_t head[32]; /* magic, version, entries, bytes of a sector */

	if (m->record_fd < 0 || io_pread(m->record_fd, head, sizeof(head), 0))
		return 0;
	return le64_load(head + 16);
}

int machine_end(struct machine *m)
{
	int status = end_child(&m->qemu);

	(void)end_child(&m->swtpm);
	return status;
}

void machine_complaints(const struct machine *m, int fd)
{
	static const char *const names[] = { "qemu.err", "swtpm.err", "swtpm_setup.err",
					     "run.err" };
	static char buf[16384];
	char path[128];
	size_t len;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", m->dir, names[i]);
		if (io_read_file(path, buf, sizeof(buf), &len) == 0)
			(void)io_write(fd, buf, len);
	}
}

/* Removes the temporary folder and the one below it that the TPM's tools make. */
static void remove_tree(const char *path, int depth)
{
	DIR *d = opendir(path);
	char name[512];

	for (struct dirent *e; d && (e = readdir(d));) {
		struct stat st;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (snprintf(name, sizeof(name), "%s/%s", path, e->d_name) >= (int)sizeof(name))
			continue;
		if (lstat(name, &st) == 0 && S_ISDIR(st.st_mode) && depth < 3)
			remove_tree(name, depth + 1);
		else
			(void)unlink(name);
	}
	if (d)
		(void)closedir(d);
	(void)rmdir(path);
}

void machine_release(struct machine *m)
{
	(void)machine_end(m);
	io_close_p(&m->qemu_pidfd);
	io_close_p(&m->serial_fd);
	io_close_p(&m->qmp_fd);
	io_close_p(&m->record_fd);
	if (m->dir[0])
		remove_tree(m->dir, 0);
	machine_init(m);
}
