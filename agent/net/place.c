// SPDX-License-Identifier: Apache-2.0
#include "place.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

int place_init(struct place *p, const char *run_dir, const char *name, const char *user,
	       struct err *err)
{
	const struct passwd *pw = user ? getpwnam(user) : NULL;

	p->run_dir = run_dir;
	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	if (snprintf(p->dir, sizeof(p->dir), "%s/%s", run_dir, name) >= (int)sizeof(p->dir))
		return err_set(err, -ENAMETOOLONG, "%s: too long", run_dir);
	if ((mkdir(run_dir, 0755) && errno != EEXIST) || (mkdir(p->dir, 0755) && errno != EEXIST))
		return err_sys(err, -errno, "cannot make %s", p->dir);
	if (pw && chown(p->dir, pw->pw_uid, pw->pw_gid))
		return err_sys(err, -errno, "cannot give %s to %s", p->dir, user);
	return 0;
}

int place_point(const char *link, const char *target, struct err *err)
{
	char there[256];
	ssize_t n = readlink(link, there, sizeof(there) - 1);

	if (n > 0) {
		there[n] = '\0';
		if (strcmp(there, target) == 0)
			return 0;
	}
	if ((unlink(link) && errno != ENOENT) || symlink(target, link))
		return err_sys(err, -errno, "cannot link %s to %s", link, target);
	return 0;
}

int place_link(const struct place *p, const char *file, struct err *err)
{
	char link[192], target[64];

	(void)snprintf(link, sizeof(link), "%s/%s", p->run_dir, file);
	(void)snprintf(target, sizeof(target), "%s/%s", p->name, file);
	return place_point(link, target, err);
}

int place_signals(int *ret_fd, struct err *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return err_sys(err, -errno, "cannot block signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_sys(err, -errno, "cannot make a signalfd");
	*ret_fd = fd;
	return 0;
}
