// SPDX-License-Identifier: Apache-2.0
/*
 * probe: what the e2e tests run inside a machine, added to an image of theirs only.
 *   probe locked    looks at every process, file and socket and reports on the console what a
 *                   person or the network could get hold of: `probe: locked ok' or one line each
 *   probe crash     ends with a failure at once
 *   probe silent    says it is ready, then never feeds its watchdog
 *   probe stubborn  ignores every signal that can be ignored, and orders the machine off
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/init/proto.h"

#define TTY_MAJOR 4
#define TTYAUX_MAJOR 5
#define NTP_UID 102 /* cairn-ntp, rootfs/skeleton/etc/passwd */
#define LOOKS 16
#define LOOK_EVERY_MS 500

static FILE *console;
static unsigned int findings;

#define finding(...)                                                                               \
	(findings++, (void)fputs("probe: ", console), (void)fprintf(console, __VA_ARGS__),         \
	 (void)fputc('\n', console))

/* A terminal open for reading: the flags are in octal in fdinfo. */
static void look_at_fd(const char *pid, const char *fd)
{
	char path[320], line[128];
	unsigned int flags = O_WRONLY;
	struct stat st;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%.32s/fd/%.32s", pid, fd);
	if (stat(path, &st) || !S_ISCHR(st.st_mode) ||
	    (major(st.st_rdev) != TTY_MAJOR && major(st.st_rdev) != TTYAUX_MAJOR))
		return;
	(void)snprintf(path, sizeof(path), "/proc/%.32s/fdinfo/%.32s", pid, fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "flags: %o", &flags) == 1)
			break;
	if (f)
		(void)fclose(f);
	if ((flags & O_ACCMODE) != O_WRONLY)
		finding("process %s can read terminal %u:%u (fd %s)", pid, major(st.st_rdev),
			minor(st.st_rdev), fd);
}

static void look_at_processes(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *e, *g;
	char path[320];

	while (proc && (e = readdir(proc))) {
		DIR *fds;

		if (e->d_name[0] < '1' || e->d_name[0] > '9' || atoi(e->d_name) == getpid())
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%.32s/fd", e->d_name);
		fds = opendir(path);
		while (fds && (g = readdir(fds)))
			if (g->d_name[0] != '.')
				look_at_fd(e->d_name, g->d_name);
		if (fds)
			(void)closedir(fds);
	}
	if (proc)
		(void)closedir(proc);
}

static void look_at_files(const char *dir, dev_t dev, int depth)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && depth < 32 && (e = readdir(d))) {
		char path[1024];
		struct stat st;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= (int)sizeof(path) ||
		    lstat(path, &st) || st.st_dev != dev)
			continue;
		if (S_ISDIR(st.st_mode))
			look_at_files(path, dev, depth + 1);
		if (!S_ISDIR(st.st_mode) && (st.st_mode & (S_ISUID | S_ISGID)))
			finding("%s is setuid or setgid", path);
		if (S_ISREG(st.st_mode) && (st.st_mode & S_IWOTH))
			finding("%s can be written by everyone", path);
	}
	if (d)
		(void)closedir(d);
}

/* Sockets that listen: TCP in state 0A; UDP bound to a port and connected to nobody. */
static void look_at_sockets(const char *file, bool tcp)
{
	char line[512], local[64], remote[64];
	unsigned int state, port, scope, uid;
	FILE *f = fopen(file, "re");

	while (f && fgets(line, sizeof(line), f)) {
		const char *colon;

		if (sscanf(line, " %*d: %63s %63s %x %*s %*s %*s %u", local, remote, &state,
			   &uid) != 4)
			continue;
		/* Where time servers are known, ntpd waits for their answers. */
		if (!tcp && uid == NTP_UID)
			continue;
		colon = strrchr(local, ':');
		if (!colon || sscanf(colon + 1, "%x", &port) != 1 || (tcp && state != 0x0a))
			continue;
		/* Loopback is the machine's own. */
		scope = strncmp(local, "0100007F", 8) == 0 ||
			strncmp(local, "00000000000000000000000001000000", 32) == 0;
		if (!scope)
			finding("%s port %u is open", file, port);
	}
	if (f)
		(void)fclose(f);
}

static void look_at_sysrq(void)
{
	FILE *f = fopen("/proc/sys/kernel/sysrq", "re");
	int value = 0;

	/* Without the file the kernel has no SysRq. */
	if (f && fscanf(f, "%d", &value) == 1 && value)
		finding("SysRq is on (%d)", value);
	if (f)
		(void)fclose(f);
	if (!access("/proc/sysrq-trigger", F_OK))
		finding("the kernel has SysRq");
}

static int locked(void)
{
	struct stat root;

	if (!stat("/", &root))
		look_at_files("", root.st_dev, 0);
	look_at_sysrq();
	/* What comes up later, such as the network, is looked at too. */
	for (int look = 0; look < LOOKS && !findings; look++) {
		look_at_processes();
		look_at_sockets("/proc/net/tcp", true);
		look_at_sockets("/proc/net/tcp6", true);
		look_at_sockets("/proc/net/udp", false);
		look_at_sockets("/proc/net/udp6", false);
		(void)poll(NULL, 0, LOOK_EVERY_MS);
	}
	(void)fprintf(console, "probe: locked %s\n", findings ? "FINDINGS" : "ok");
	return findings ? 1 : 0;
}

static void say_ready(void)
{
	const char *fd = getenv("NOTIFY_FD");

	if (!fd || write(atoi(fd), "READY=1\n", 8) != 8)
		(void)fprintf(console, "probe: cannot say that it is ready\n");
}

static void order_off(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = INIT_SOCKET };
	struct init_request q = { .version = INIT_PROTO_VERSION, .op = INIT_OP_POWEROFF };
	struct init_reply r = { .rc = -1 };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
	    send(fd, &q, sizeof(q), MSG_NOSIGNAL) != (ssize_t)sizeof(q) ||
	    recv(fd, &r, sizeof(r), 0) != (ssize_t)sizeof(r) || r.rc)
		(void)fprintf(console, "probe: init does not take the order\n");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	console = fopen("/dev/console", "we");
	if (!console)
		return 111;
	(void)setvbuf(console, NULL, _IOLBF, 0);
	if (strcmp(what, "locked") == 0)
		return locked();
	if (strcmp(what, "crash") == 0)
		return 1;
	if (strcmp(what, "stubborn") == 0)
		for (int sig = 1; sig < NSIG; sig++)
			(void)signal(sig, SIG_IGN);
	else if (strcmp(what, "silent") != 0)
		return 100;
	say_ready();
	(void)fprintf(console, "probe: %s\n", what);
	if (strcmp(what, "stubborn") == 0)
		order_off();
	for (;;)
		(void)pause();
}
