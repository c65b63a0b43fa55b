// SPDX-License-Identifier: Apache-2.0
#include "setup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "console.h"
#include "lib/io.h"
#include "log.h"

#define SAFE (MS_NOSUID | MS_NODEV | MS_NOEXEC)

static const struct {
	const char *type, *target;
	unsigned long flags;
	const char *options;
	bool optional; /* the kernel or the firmware may not have it */
} mounts[] = {
	{ "proc", "/proc", SAFE, "hidepid=2", false },
	{ "sysfs", "/sys", SAFE, NULL, false },
	{ "devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC, "mode=0755", false },
	{ "devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=0600,ptmxmode=0666", true },
	{ "tmpfs", "/dev/shm", SAFE, "mode=1777,size=16m", false },
	{ "tmpfs", "/run", SAFE, "mode=0755,size=16m", false },
	{ "tmpfs", "/tmp", SAFE, "mode=1777,size=16m", false },
	{ "cgroup2", "/sys/fs/cgroup", SAFE, "nsdelegate,memory_recursiveprot", false },
	{ "securityfs", "/sys/kernel/security", SAFE, NULL, true },
	{ "efivarfs", "/sys/firmware/efi/efivars", SAFE, NULL, true },
	{ "pstore", "/sys/fs/pstore", SAFE, NULL, true },
};

static const struct {
	const char *path;
	unsigned int mode;
} folders[] = {
	/* Mounted before with whatever mode: a world-writable /run would be an open door. */
	{ "/run", 0755 },
	{ "/tmp", 01777 },
	{ "/run/cairn", 0755 },
	{ LOG_DIR, 0755 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool is_mounted(const char *path)
{
	struct stat here, above;
	char parent[64];

	(void)snprintf(parent, sizeof(parent), "%s/..", path);
	return !stat(path, &here) && !stat(parent, &above) && here.st_dev != above.st_dev;
}

void setup_mounts(void)
{
	size_t i;

	(void)umask(022);
	for (i = 0; i < COUNT(mounts); i++) {
		bool there = is_mounted(mounts[i].target);

		/* Only /dev and what lies in memory can lack the folder. */
		(void)mkdir(mounts[i].target, 0755);
		/* The root finder hands over what it mounted itself: set its options only. */
		if (mount(mounts[i].type, mounts[i].target, mounts[i].type,
			  mounts[i].flags | (there ? MS_REMOUNT : 0), mounts[i].options) &&
		    !mounts[i].optional && !there)
			console_say("cannot mount %s: %s", mounts[i].target, strerror(errno));
	}
	for (i = 0; i < COUNT(folders); i++)
		if ((mkdir(folders[i].path, folders[i].mode) && errno != EEXIST) ||
		    chmod(folders[i].path, folders[i].mode))
			console_say("cannot make %s: %s", folders[i].path, strerror(errno));
}

void setup_devices(void)
{
	static const struct {
		const char *path, *group;
		unsigned int mode;
	} nodes[] = {
		{ "/dev/tpmrm0", "tpm", 0660 },
		{ "/sys/kernel/security/tpm0/binary_bios_measurements", "tpm", 0440 },
		{ "/dev/kvm", "kvm", 0660 },
	};
	static const char *const links[][2] = {
		{ "/proc/self/fd", "/dev/fd" },
		{ "/proc/self/fd/0", "/dev/stdin" },
		{ "/proc/self/fd/1", "/dev/stdout" },
		{ "/proc/self/fd/2", "/dev/stderr" },
	};
	size_t i;

	for (i = 0; i < COUNT(links); i++)
		if (symlink(links[i][0], links[i][1]) && errno != EEXIST)
			console_say("cannot make %s: %s", links[i][1], strerror(errno));
	for (i = 0; i < COUNT(nodes); i++) {
		gid_t gid;

		if (access(nodes[i].path, F_OK))
			continue;
		if (account_group(nodes[i].group, &gid) || chown(nodes[i].path, 0, gid) ||
		    chmod(nodes[i].path, nodes[i].mode))
			console_say("cannot give %s to group %s", nodes[i].path, nodes[i].group);
	}
}

static void set_one(char *line, unsigned int line_no)
{
	char path[128], *eq, *p;
	int fd _cleanup_close_ = -1;

	if (!line[0] || line[0] == '#')
		return;
	eq = strchr(line, '=');
	if (!eq || strstr(line, "..") || (size_t)(eq - line) + 12 > sizeof(path)) {
		console_say("sysctl.conf line %u is no key=value", line_no);
		return;
	}
	*eq++ = '\0';
	(void)snprintf(path, sizeof(path), "/proc/sys/%s", line);
	for (p = path + 10; *p; p++)
		if (*p == '.')
			*p = '/';
	fd = open(path, O_WRONLY | O_CLOEXEC);
	/* A key that this kernel is built without has nothing to be set. */
	if (fd < 0 && errno == ENOENT)
		return;
	if (fd < 0 || io_write(fd, eq, strlen(eq)))
		console_say("cannot set %s: %s", line, strerror(errno));
}

void setup_sysctls(void)
{
	char text[4096], *p = text, *line;
	unsigned int line_no = 0;
	int rc = io_read_file("/etc/cairn/sysctl.conf", text, sizeof(text), NULL);

	if (rc) {
		console_say("cannot read /etc/cairn/sysctl.conf: %s", strerror(-rc));
		return;
	}
	while ((line = strsep(&p, "\n")))
		set_one(line, ++line_no);
}

/* The last six letters and digits of a text, lower case. 0 or -ENOENT: there are not six. */
static int last_six(const char *text, char ret[7])
{
	size_t used = 6, i = strlen(text);

	while (i-- && used)
		if (isalnum((unsigned char)text[i]))
			ret[--used] = (char)tolower((unsigned char)text[i]);
	ret[6] = '\0';
	return used ? -ENOENT : 0;
}

/* The first interface with a hardware address of its own, by the kernel's numbering. */
static int first_mac(char ret[7])
{
	unsigned int index;

	for (index = 1; index < 64; index++) {
		char name[IF_NAMESIZE], path[64], text[64];

		if (!if_indextoname(index, name))
			continue;
		(void)snprintf(path, sizeof(path), "/sys/class/net/%s/address", name);
		if (!io_read_file(path, text, sizeof(text), NULL) &&
		    strncmp(text, "00:00:00:00:00:00", 17) != 0 && !last_six(text, ret))
			return 0;
	}
	return -ENOENT;
}

static void set_hostname(void)
{
	char id[7], text[128], name[32];

	if (first_mac(id) &&
	    (io_read_file("/sys/class/dmi/id/product_serial", text, sizeof(text), NULL) ||
	     last_six(text, id)))
		(void)snprintf(id, sizeof(id), "000000");
	(void)snprintf(name, sizeof(name), "cairn-%s", id);
	if (sethostname(name, strlen(name)))
		console_say("cannot set the host name: %s", strerror(errno));
}

void setup_host(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd _cleanup_close_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	set_hostname();
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		console_say("cannot start the loopback interface: %s", strerror(errno));
}
