// SPDX-License-Identifier: Apache-2.0
/*
 * data - brings DATA up, then stays: it is the one process that waits for that disk, so that
 * PID 1 never does. Says READY=1 when /data can be used, whatever stands behind it; how DATA is
 * goes to /run/cairn/data. Ends at SIGTERM: saves the time and a seed, and unmounts.
 */
#include <errno.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/core/privileges.h"
#include "agent/trust/proto.h"
#include "agent/trust/settings.h"
#include "clock.h"
#include "data.h"
#include "lib/io.h"
#include "lib/status.h"

#define LOOK_MS 10000	 /* how often the free space is looked at */
#define SAVE_MS 900000	 /* how often the time is saved: at most this much is lost */
#define FULL_PERMILLE 10 /* less than this part is free outside the reserve: full */
#define UNMOUNT_TRIES 50

struct data {
	struct data_places places;
	struct data_disk disk;
	struct data_opened opened; /* how it came up */
	bool full, read_only;
	bool real; /* the partition is mounted, no stand-in */
	struct err why;
	char sealed[STATUS_TEXT_SIZE]; /* to what the key is, for people */
	uint64_t size_kib, free_kib;
};

static int notify_fd = -1;

static void notify(const char *line)
{
	if (notify_fd >= 0)
		(void)!write(notify_fd, line, strlen(line));
}

void data_feed(void)
{
	static uint64_t last_ms;
	uint64_t now = clock_boot_ms();

	if (now - last_ms < 1000)
		return;
	last_ms = now;
	notify("WATCHDOG=1\n");
}

static const char *state_name(const struct data *d)
{
	static const char *const names[] = { "ok",     "created", "repaired", "full",
					     "failed", "missing", "locked" };

	if (d->real && d->read_only)
		return names[DATA_FAILED];
	return names[d->real && d->full ? DATA_FULL : d->opened.state];
}

static const char *encrypted(const struct data *d)
{
	if (!d->real && d->opened.state != DATA_LOCKED)
		return "-";
	return d->opened.volume.encrypted ? "yes" : "no";
}

static void report(struct data *d)
{
	char text[640], why[STATUS_WHY_SIZE];
	size_t i;
	int n, rc;

	(void)snprintf(why, sizeof(why), "%.*s", (int)sizeof(why) - 1, d->why.msg);
	if (d->real && d->read_only)
		(void)snprintf(why, sizeof(why),
			       "the file system found an error and made itself read-only");
	else if (d->real && d->full)
		(void)snprintf(why, sizeof(why), "%llu KiB of %llu KiB are free",
			       (unsigned long long)d->free_kib, (unsigned long long)d->size_kib);
	for (i = 0; why[i]; i++)
		if (why[i] == '"' || why[i] == '\n')
			why[i] = '\'';
	n = snprintf(text, sizeof(text),
		     "state=%s\nwhy=\"%s\"\nencrypted=%s\nsealed=\"%s\"\ndevice=%s\n"
		     "size_kib=%llu\nfree_kib=%llu\n",
		     state_name(d), why, encrypted(d), d->sealed, d->real ? d->disk.part : "tmpfs",
		     (unsigned long long)d->size_kib, (unsigned long long)d->free_kib);
	rc = io_replace_file(d->places.report, text, (size_t)n, 0644);
	if (rc)
		(void)fprintf(stderr, "cannot write %s: %s\n", d->places.report, strerror(-rc));
}

/* True when something to be reported has changed. */
static bool look(struct data *d)
{
	bool was_full = d->full, was_ro = d->read_only;
	struct statvfs st;

	if (statvfs(d->places.mount, &st))
		return false;
	d->size_kib = (uint64_t)st.f_blocks * st.f_frsize / 1024;
	d->free_kib = (uint64_t)st.f_bavail * st.f_frsize / 1024;
	d->read_only = st.f_flag & ST_RDONLY;
	/* Back to normal only at twice that, so that it does not flicker. */
	d->full = d->free_kib * 1000 < d->size_kib * FULL_PERMILLE * (was_full ? 2 : 1);
	if (d->full && !was_full)
		(void)fprintf(stderr, "DATA is full: %llu KiB free\n",
			      (unsigned long long)d->free_kib);
	return d->full != was_full || d->read_only != was_ro;
}

static bool is_mounted(const char *path)
{
	struct stat here, above;
	char parent[PATH_MAX];

	(void)snprintf(parent, sizeof(parent), "%s/..", path);
	return !stat(path, &here) && !stat(parent, &above) && here.st_dev != above.st_dev;
}

static void open_data(struct data *d)
{
	struct err note = { "" };
	int rc = data_disk_find(d->places.boot, &d->disk, &d->why);

	if (rc) {
		d->opened.state = rc == -ENOENT ? DATA_MISSING : DATA_FAILED;
	} else {
		/* A DATA that cannot grow is still one. */
		if (data_disk_grow(&d->disk, &note, &d->why))
			(void)fprintf(stderr, "%s\n", d->why.msg);
		if (note.msg[0])
			(void)fprintf(stderr, "%s\n", note.msg);
		d->why.msg[0] = '\0';
		rc = data_open(&d->disk, &d->places, &d->opened, &d->why);
	}
	d->real = !rc;
	if (rc) {
		struct err err;

		(void)fprintf(stderr, "%s\n", d->why.msg);
		if (data_fs_stand_in(d->places.mount, &err))
			(void)fprintf(stderr, "%s\n", err.msg);
		return;
	}
	d->why = d->opened.note;
	/* console=yes in data.conf: whoever looks at the machine sees it. */
	if (d->why.msg[0])
		(void)fprintf(stderr, "cairn: DATA is %s\n", d->why.msg);
	data_sealed(&d->places, d->sealed);
	if (d->opened.state == DATA_REPAIRED)
		(void)err_set(&d->why, 0, "the file system was damaged and was repaired");
}

/* measure_settings - before READY=1, after which their users start. Without a TPM there is nothing
 * to tell; where it fails, attestation fails, and the machine runs on. */
static void measure_settings(const struct data *d)
{
	struct err err = { "" };
	char dir[PATH_MAX];
	int rc;

	(void)snprintf(dir, sizeof(dir), "%s/config", d->places.mount);
	rc = settings_measure(dir, TRUSTD_SOCKET, data_feed, &err);
	if (rc && rc != -ENODEV)
		(void)fprintf(stderr, "the settings are not measured: %s\n", err.msg);
}

static void close_data(struct data *d)
{
	int tries, rc = data_keep_save(d->places.mount, true);

	if (rc)
		(void)fprintf(stderr, "cannot save the time: %s\n", strerror(-rc));
	/* Those who used it were ended before; a straggler's last file may still be open. */
	for (tries = 0; umount(d->places.mount) && errno == EBUSY && tries < UNMOUNT_TRIES; tries++)
		(void)poll(NULL, 0, 20);
	if (d->real && d->opened.volume.encrypted)
		data_crypt_close();
}

static int serve(struct data *d, int signal_fd)
{
	uint64_t saved_ms = clock_boot_ms();

	for (;;) {
		struct pollfd pfd = { .fd = signal_fd, .events = POLLIN };
		int n = poll(&pfd, 1, LOOK_MS);
		uint64_t now = clock_boot_ms();

		if (n < 0 && errno != EINTR)
			return 111;
		if (n > 0)
			break;
		data_feed();
		if (look(d))
			report(d);
		if (now - saved_ms >= SAVE_MS && d->real) {
			(void)data_keep_save(d->places.mount, false);
			saved_ms = now;
		}
	}
	close_data(d);
	return 0;
}

static int catch_term(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
	static struct data d = {
		.places = { "/run/cairn/boot", "/data", "/run/cairn/data", "/usr/sbin",
			    TRUSTD_SOCKET },
	};
	const char *fd_text = getenv("NOTIFY_FD");
	struct err err = { "" };
	int signal_fd = catch_term(), opt;

	while ((opt = getopt(argc, argv, "b:m:r:p:t:")) != -1) {
		switch (opt) {
		case 'b':
			d.places.boot = optarg;
			break;
		case 'm':
			d.places.mount = optarg;
			break;
		case 'r':
			d.places.report = optarg;
			break;
		case 'p':
			d.places.programs = optarg;
			break;
		case 't':
			d.places.trust = optarg;
			break;
		default:
			(void)fprintf(stderr, "usage: data [-b BOOT] [-m MOUNT] [-r REPORT] "
					      "[-p PROGRAMS] [-t TRUST]\n");
			return 100;
		}
	}
	if (fd_text)
		notify_fd = atoi(fd_text);
	if (signal_fd < 0)
		return 111;
	if (is_mounted(d.places.mount)) {
		/* Started again after a crash of its own: the disk is in use, leave it so. */
		struct statfs st;

		d.real = !statfs(d.places.mount, &st) && st.f_type == EXT4_SUPER_MAGIC &&
			 !data_disk_find(d.places.boot, &d.disk, &d.why);
		d.opened.volume.encrypted = d.real && data_crypt_found();
		data_sealed(&d.places, d.sealed);
		if (!d.real) {
			d.opened.state = DATA_FAILED;
			(void)err_set(&d.why, 0, "a stand-in was mounted before; see the log");
		}
	} else {
		open_data(&d);
		data_keep_open(d.places.mount);
		measure_settings(&d);
	}
	/* What is left to do: to look, to save the time, to unmount. */
	if (sandbox_enter(privileges_of("data"), &err)) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 111;
	}
	(void)look(&d);
	report(&d);
	notify("READY=1\nWATCHDOG=1\n");
	return serve(&d, signal_fd);
}
