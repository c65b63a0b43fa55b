// SPDX-License-Identifier: Apache-2.0
#include "efivars.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/core/parts.h"
#include "agent/core/privileges.h"
#include "bytes.h"
#include "io.h"

#define EFIVARFS "/sys/firmware/efi/efivars"
/* EFI_GLOBAL_VARIABLE (UEFI 2.10, 3.3) */
#define GUID "-8be4df61-93ca-11d2-aa0d-00e098032b8c"
/* Before the data of each file: the attributes. */
#define HEAD_BYTES 4
#define VERSION 1u
#define NAME_SIZE 12

enum op { OP_GET = 1, OP_SET };

/* Both ways; fixed size. */
struct message {
	uint32_t version;
	uint32_t op;
	int32_t rc;   /* of the answer */
	uint32_t len; /* of data; SET: 0 deletes */
	char name[NAME_SIZE];
	uint8_t data[EFIBOOT_OPTION_MAX];
};

/* --- the process that is root --- */

static bool name_allowed(const char *name, bool to_set)
{
	static const char digits[] = "0123456789ABCDEF";

	if (strcmp(name, "BootOrder") == 0 || strcmp(name, "BootNext") == 0)
		return true;
	if (!to_set && strcmp(name, "BootCurrent") == 0)
		return true;
	return strncmp(name, "Boot", 4) == 0 && strlen(name) == 8 && strspn(name + 4, digits) == 4;
}

static int do_get(const char *path, struct message *m)
{
	uint8_t buf[HEAD_BYTES + EFIBOOT_OPTION_MAX + 1];
	size_t len;
	int rc = io_read_file(path, buf, sizeof(buf), &len);

	if (rc)
		return rc == -EFBIG ? -E2BIG : rc;
	if (len < HEAD_BYTES)
		return -EINVAL;
	m->len = (uint32_t)(len - HEAD_BYTES);
	memcpy(m->data, buf + HEAD_BYTES, m->len);
	return 0;
}

static int do_set(const char *path, const struct message *m)
{
	uint8_t buf[HEAD_BYTES + EFIBOOT_OPTION_MAX];
	int fd _cleanup_close_ = -1;
	bool is_new;
	ssize_t n;

	if (!m->len)
		return unlink(path) ? -errno : 0;
	is_new = access(path, F_OK) != 0;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	le32_store(buf, EFIBOOT_ATTRIBUTES);
	memcpy(buf + HEAD_BYTES, m->data, m->len);
	/* One write is one call of the firmware. */
	n = write(fd, buf, HEAD_BYTES + m->len);
	if (n == (ssize_t)(HEAD_BYTES + m->len))
		return 0;
	n = n < 0 ? -errno : -EIO;
	if (is_new)
		(void)unlink(path);
	return (int)n;
}

static void answer(struct message *m, bool usable)
{
	char path[NAME_SIZE + sizeof(GUID)];

	if (m->version != VERSION || memchr(m->name, '\0', sizeof(m->name)) == NULL ||
	    m->len > sizeof(m->data) || (m->op != OP_GET && m->op != OP_SET) ||
	    !name_allowed(m->name, m->op == OP_SET)) {
		m->rc = -EINVAL;
		return;
	}
	(void)snprintf(path, sizeof(path), "%s" GUID, m->name);
	if (!usable)
		m->rc = -EOPNOTSUPP;
	else if (m->op == OP_GET)
		m->rc = do_get(path, m);
	else
		m->rc = do_set(path, m);
}

static int serve(int fd)
{
	struct privileges p = *privileges_of("update-efivars");
	struct message m;
	struct err err = { "" };
	bool usable = access(EFIVARFS "/BootOrder" GUID, F_OK) == 0;

	/* Nothing of the writer's: not its partitions, not its pairs. */
	if (dup3(fd, 3, O_CLOEXEC) < 0 && errno != EINVAL)
		return 111;
	(void)syscall(SYS_close_range, 4, ~0u, 0);
	if (!usable)
		p.root = "/run/cairn/empty";
	if (sandbox_enter(&p, &err)) {
		(void)dprintf(2, "efivars: %s\n", err.msg);
		return 111;
	}
	while (part_receive(3, &m, sizeof(m)) > 0) {
		answer(&m, usable);
		if (part_send(3, &m, sizeof(m)))
			return 111;
	}
	return 0;
}

/* --- the writer's side --- */

static int ask(struct efivars *v, struct message *m)
{
	int rc;

	m->version = VERSION;
	rc = v->fd < 0 ? -EOPNOTSUPP : part_send(v->fd, m, sizeof(*m));
	if (rc)
		return rc;
	rc = part_receive(v->fd, m, sizeof(*m));
	if (rc <= 0 || m->len > sizeof(m->data)) {
		/* It is gone, and with it the variables. */
		io_close_p(&v->fd);
		v->fd = -1;
		return -EOPNOTSUPP;
	}
	return m->rc;
}

static int vars_get(void *ctx, const char *name, uint8_t *ret_buf, size_t max, size_t *ret_len)
{
	struct message m = { .op = OP_GET };
	int rc;

	(void)snprintf(m.name, sizeof(m.name), "%s", name);
	rc = ask(ctx, &m);
	if (rc)
		return rc;
	if (m.len > max)
		return -E2BIG;
	memcpy(ret_buf, m.data, m.len);
	*ret_len = m.len;
	return 0;
}

static int vars_set(void *ctx, const char *name, const uint8_t *buf, size_t len)
{
	struct message m = { .op = OP_SET, .len = (uint32_t)len };

	if (len > sizeof(m.data))
		return -E2BIG;
	(void)snprintf(m.name, sizeof(m.name), "%s", name);
	if (len)
		memcpy(m.data, buf, len);
	return ask(ctx, &m);
}

int efivars_start(struct efivars *ret_vars, struct err *err)
{
	int pair[2];
	pid_t pid;

	*ret_vars = (struct efivars){ .fd = -1, .vars = { ret_vars, vars_get, vars_set } };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_sys(err, -errno, "cannot make a socket pair");
	pid = fork();
	if (pid < 0) {
		(void)close(pair[0]);
		(void)close(pair[1]);
		return err_sys(err, -errno, "cannot start a part");
	}
	if (pid == 0) {
		(void)close(pair[0]);
		_exit(serve(pair[1]));
	}
	(void)close(pair[1]);
	ret_vars->fd = pair[0];
	return 0;
}
