// SPDX-License-Identifier: Apache-2.0
#include "swtpm.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/trust/tpm.h"
#include "bytes.h"
#include "io.h"

#define HEAD_BYTES 10 /* u16 tag, u32 size, u32 code */
#define ANSWER_MS 20000

struct swtpm swtpm = { .fd = -1 };

void swtpm_on(const char *dir)
{
	char state[96], fd[16];
	int pair[2];

	swtpm_off();
	(void)snprintf(swtpm.dir, sizeof(swtpm.dir), "%s", dir);
	(void)snprintf(state, sizeof(state), "dir=%s", dir);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		abort();
	(void)snprintf(fd, sizeof(fd), "%d", pair[1]);
	swtpm.pid = fork();
	if (swtpm.pid == 0) {
		(void)close(pair[0]);
		(void)freopen("/dev/null", "w", stderr);
		(void)execlp("swtpm", "swtpm", "socket", "--tpm2", "--fd", fd, "--tpmstate", state,
			     "--flags", "not-need-init,startup-clear", (char *)NULL);
		_exit(127);
	}
	(void)close(pair[1]);
	swtpm.fd = pair[0];
	swtpm.fault = SWTPM_OK;
	swtpm_count();
}

void swtpm_off(void)
{
	if (swtpm.pid > 0) {
		(void)kill(swtpm.pid, SIGKILL);
		(void)waitpid(swtpm.pid, NULL, 0);
	}
	swtpm.pid = 0;
	io_close_p(&swtpm.fd);
	swtpm.fd = -1;
}

void swtpm_count(void)
{
	swtpm.commands = 0;
}

static void keep(const uint8_t *buf, size_t len)
{
	if (!swtpm.keep_wire || len > sizeof(swtpm.wire) - swtpm.wire_len)
		return;
	memcpy(swtpm.wire + swtpm.wire_len, buf, len);
	swtpm.wire_len += len;
}

/* --- the TCTI --- */

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *ctx, size_t size, const uint8_t *command)
{
	(void)ctx;
	swtpm.commands++;
	if (swtpm.fd < 0 || (swtpm.fault == SWTPM_LOST && swtpm.commands >= swtpm.at) ||
	    (swtpm.fault == SWTPM_UNHEARD && swtpm.commands > swtpm.at))
		return TSS2_TCTI_RC_IO_ERROR;
	keep(command, size);
	return io_write(swtpm.fd, command, size) ? TSS2_TCTI_RC_IO_ERROR : TSS2_RC_SUCCESS;
}

static int read_all(uint8_t *ret, size_t len)
{
	while (len) {
		struct pollfd pfd = { .fd = swtpm.fd, .events = POLLIN };
		ssize_t n;

		if (poll(&pfd, 1, ANSWER_MS) <= 0)
			return -ETIMEDOUT;
		n = read(swtpm.fd, ret, len);
		if (n <= 0)
			return -EIO;
		ret += n;
		len -= (size_t)n;
	}
	return 0;
}

/* ESYS may ask first how long the answer is: it is read once, and kept until then. */
static TSS2_RC receive(TSS2_TCTI_CONTEXT *ctx, size_t *size, uint8_t *response, int32_t timeout)
{
	static uint8_t answer[8192];
	static size_t len;

	(void)ctx;
	(void)timeout;
	if (swtpm.fault == SWTPM_SILENT && swtpm.commands == swtpm.at)
		for (;;)
			(void)pause();
	if (len == 0) {
		if (read_all(answer, HEAD_BYTES))
			return TSS2_TCTI_RC_IO_ERROR;
		len = be32_load(answer + 2);
		if (len < HEAD_BYTES || len > sizeof(answer) ||
		    read_all(answer + HEAD_BYTES, len - HEAD_BYTES)) {
			len = 0;
			return TSS2_TCTI_RC_IO_ERROR;
		}
		keep(answer, len);
	}
	if (!response) {
		*size = len;
		return TSS2_RC_SUCCESS;
	}
	if (*size < len)
		return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
	memcpy(response, answer, len);
	*size = len;
	len = 0;
	return swtpm.fault == SWTPM_UNHEARD && swtpm.commands == swtpm.at ? TSS2_TCTI_RC_IO_ERROR
									  : TSS2_RC_SUCCESS;
}

static void finalize(TSS2_TCTI_CONTEXT *ctx)
{
	(void)ctx;
}

int tpm_tcti(const char *name, TSS2_TCTI_CONTEXT **ret, struct err *err)
{
	TSS2_TCTI_CONTEXT_COMMON_V1 *c;

	(void)name;
	if (swtpm.absent)
		return err_set(err, -ENODEV, "this machine has no TPM");
	c = calloc(1, sizeof(TSS2_TCTI_CONTEXT_COMMON_V2));
	if (!c)
		return -ENOMEM;
	c->magic = 0x43524e54;
	c->version = 1;
	c->transmit = transmit;
	c->receive = receive;
	c->finalize = finalize;
	*ret = (TSS2_TCTI_CONTEXT *)c;
	return 0;
}
