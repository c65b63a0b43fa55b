// SPDX-License-Identifier: Apache-2.0
#include "stick.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/core/parts.h"
#include "agent/core/privileges.h"
#include "io.h"

#define QUEUE_MAX 16
#define NAME_SIZE 32

struct stick {
	int main_fd, event_fd;
	const char *boot_disk;
	bool mounted;			  /* main uses what is mounted */
	char queue[QUEUE_MAX][NAME_SIZE]; /* partitions to look at */
	size_t count;
};

static bool name_ok(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < NAME_SIZE &&
	       len == strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");
}

static bool ends_in_usb(const char *path)
{
	return strstr(path, "/usb") != NULL;
}

/* wanted - a partition, or a disk without any, that can be pulled out and is not our own. */
static bool wanted(const struct stick *s, const char *name)
{
	char path[96], real[PATH_MAX], *disk, text[8];
	bool is_part;

	(void)snprintf(path, sizeof(path), "/sys/class/block/%s", name);
	if (!name_ok(name) || !realpath(path, real))
		return false;
	(void)snprintf(path, sizeof(path), "/sys/class/block/%s/partition", name);
	is_part = access(path, F_OK) == 0;
	if (is_part)
		*strrchr(real, '/') = '\0';
	disk = strrchr(real, '/') + 1;
	if (strcmp(disk, s->boot_disk) == 0)
		return false;
	if (!is_part) {
		/* Partitions are looked at themselves. */
		(void)snprintf(path, sizeof(path), "/sys/class/block/%s1", name);
		if (access(path, F_OK) == 0)
			return false;
	}
	(void)snprintf(path, sizeof(path), "/sys/class/block/%.31s/removable", disk);
	return ends_in_usb(real) ||
	       (!io_read_file(path, text, sizeof(text), NULL) && text[0] == '1');
}

static void enqueue(struct stick *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (strcmp(s->queue[i], name) == 0)
			return;
	if (s->count < QUEUE_MAX && wanted(s, name))
		(void)snprintf(s->queue[s->count++], NAME_SIZE, "%s", name);
}

static void look_around(struct stick *s)
{
	DIR *dir = opendir("/sys/class/block");
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			enqueue(s, e->d_name);
	if (dir)
		(void)closedir(dir);
}

static int mount_it(const char *name)
{
	const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char device[48];

	(void)snprintf(device, sizeof(device), "/dev/%s", name);
	/* noload: a journal that waits would be written back, even read-only. */
	if (mount(device, STICK_DIR, "vfat", flags, "umask=022") == 0 ||
	    mount(device, STICK_DIR, "ext4", flags, "noload") == 0)
		return 0;
	return -errno;
}

static bool bundle_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len > 6 && len < 128 && name[0] != '.' && strcmp(name + len - 6, ".cairn") == 0 &&
	       len == strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789._+~-");
}

/* find - fills in kind and url. */
static bool find(struct stick_found *f)
{
	char best[128] = "";
	struct dirent *e;
	struct stat st;
	DIR *dir;

	if (stat(STICK_DIR "/cairn/channel", &st) == 0 && S_ISREG(st.st_mode)) {
		f->kind = SOURCE_FOLDER;
		(void)snprintf(f->url, sizeof(f->url), "file://" STICK_DIR "/cairn");
		return true;
	}
	dir = opendir(STICK_DIR "/cairn");
	while (dir && (e = readdir(dir)))
		if (bundle_name_ok(e->d_name) && strcmp(e->d_name, best) > 0)
			(void)snprintf(best, sizeof(best), "%.127s", e->d_name);
	if (dir)
		(void)closedir(dir);
	f->kind = SOURCE_FILE;
	(void)snprintf(f->url, sizeof(f->url), "file://" STICK_DIR "/cairn/%s", best);
	return best[0] != '\0';
}

/* Returns 0, or -errno where main is lost. */
static int next_one(struct stick *s)
{
	while (!s->mounted && s->count) {
		struct stick_found f = { .version = STICK_VERSION };
		int rc;

		(void)snprintf(f.device, sizeof(f.device), "%s", s->queue[0]);
		s->count--;
		memmove(s->queue[0], s->queue[1], s->count * NAME_SIZE);
		rc = mount_it(f.device);
		if (rc) {
			(void)dprintf(2, "stick: %s cannot be mounted: %s\n", f.device,
				      strerror(-rc));
			continue;
		}
		if (find(&f)) {
			(void)dprintf(2, "stick: %s has %s\n", f.device, f.url);
			s->mounted = true;
			return part_send(s->main_fd, &f, sizeof(f));
		}
		(void)umount2(STICK_DIR, MNT_DETACH);
	}
	return 0;
}

/* on_event - one message of the kernel: ACTION@PATH, then KEY=VALUE, each with its NUL. */
static void on_event(struct stick *s)
{
	char buf[4096];
	ssize_t n = recv(s->event_fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);
	const char *p, *name = NULL;
	bool is_block = false, is_add = false;

	if (n <= 0)
		return;
	buf[n] = '\0';
	for (p = buf; p < buf + n; p += strlen(p) + 1) {
		is_add |= strcmp(p, "ACTION=add") == 0 || strcmp(p, "ACTION=change") == 0;
		is_block |= strcmp(p, "SUBSYSTEM=block") == 0;
		if (strncmp(p, "DEVNAME=", 8) == 0)
			name = p + 8;
	}
	if (is_add && is_block && name)
		enqueue(s, name);
}

static int listen_events(void)
{
	const struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)))
		io_close_p(&fd);
	return fd;
}

int stick_run(int main_fd, const char *boot_disk)
{
	static struct stick s;
	struct err err = { "" };

	s.main_fd = main_fd;
	s.boot_disk = boot_disk;
	s.event_fd = listen_events();
	if (sandbox_enter(privileges_of("update-stick"), &err)) {
		(void)dprintf(2, "stick: %s\n", err.msg);
		return 111;
	}
	/* Of an earlier life. */
	(void)umount2(STICK_DIR, MNT_DETACH);
	look_around(&s);
	for (;;) {
		struct pollfd fds[2] = { { .fd = main_fd, .events = POLLIN },
					 { .fd = s.event_fd, .events = POLLIN } };
		struct stick_done done;
		int rc;

		if (next_one(&s))
			return 0;
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return 111;
		if (fds[1].revents)
			on_event(&s);
		if (!fds[0].revents)
			continue;
		rc = part_receive(main_fd, &done, sizeof(done));
		if (rc <= 0 || done.version != STICK_VERSION)
			return rc == -EPIPE ? 0 : 111;
		(void)umount2(STICK_DIR, MNT_DETACH);
		s.mounted = false;
	}
}
