// SPDX-License-Identifier: Apache-2.0
/*
 * e2e-privileges: looks, inside a machine, whether docs/privileges.md is true. Every process is
 * compared with its row, every mount with its line; then each row is entered and what it denies is
 * tried. Says `privileges: ok ...' on the console, or one line for each finding.
 */
#include "privileges.h"

#include <dirent.h>
#include <linux/capability.h>
#include <poll.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

#define DOC "/etc/cairn/privileges.md"
#define SETTLE_TRIES 200 /* until all processes are there and in their rows */
#define SETTLE_MS 100

static FILE *console;
static unsigned int findings;
static bool quiet;

void finding(const char *fmt, ...)
{
	va_list ap;

	findings++;
	if (quiet)
		return;
	va_start(ap, fmt);
	(void)fputs("privileges: ", console);
	(void)vfprintf(console, fmt, ap);
	(void)fputc('\n', console);
	va_end(ap);
}

const char *expected_user(const struct privileges *p)
{
	if (p->user)
		return p->user;
	return strncmp(p->name, "update", 6) == 0 ? "cairn-update" : "root";
}

/* Started by netd and timed: theirs are the bounding set and the capabilities that pass. */
static bool is_program(const struct privileges *p)
{
	return strcmp(p->name, "udhcpc") == 0 || strcmp(p->name, "udhcpc6") == 0 ||
	       strcmp(p->name, "ntpd") == 0;
}

/* What a healthy machine need not be running. */
static bool is_passing(const struct privileges *p)
{
	static const char *const names[] = { "mke2fs", "e2fsck",  "install",
					     "enrol",  "udhcpc6", "update-health" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(p->name, names[i]) == 0)
			return true;
	return false;
}

struct process {
	char name[64], status[4096], root[128], limits[4096];
};

/* The text behind `key:' and blanks, to the end of the line. */
static void field(const char *text, const char *key, char *ret, size_t size)
{
	const char *p = text;
	size_t len = strlen(key);

	ret[0] = '\0';
	while (p && strncmp(p, key, len) != 0) {
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	if (!p)
		return;
	p += len;
	p += strspn(p, " \t");
	(void)snprintf(ret, size, "%.*s", (int)strcspn(p, "\n"), p);
}

static uint64_t hex_field(const char *text, const char *key)
{
	char value[64];

	field(text, key, value, sizeof(value));
	return strtoull(value, NULL, 16);
}

/* Returns false for what has ended meanwhile and for the kernel's own. */
static bool read_process(const char *pid, struct process *p)
{
	char path[320], cmdline[1024] = "";
	size_t len = 0;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%.16s/cmdline", pid);
	if (io_read_file(path, cmdline, sizeof(cmdline), &len) || len == 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%.16s/status", pid);
	if (io_read_file(path, p->status, sizeof(p->status), NULL))
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%.16s/limits", pid);
	if (io_read_file(path, p->limits, sizeof(p->limits), NULL))
		return false;
	field(p->status, "Name:", p->name, sizeof(p->name));
	/* One program of many names. */
	if (strcmp(p->name, "busybox") == 0)
		(void)snprintf(p->name, sizeof(p->name), "%.31s", cmdline);
	(void)snprintf(path, sizeof(path), "/proc/%.16s/root", pid);
	n = readlink(path, p->root, sizeof(p->root) - 1);
	p->root[n < 0 ? 0 : n] = '\0';
	return true;
}

static void want_caps(const struct process *p, const char *key, uint64_t want)
{
	uint64_t is = hex_field(p->status, key);

	if (is != want)
		finding("%s: %s %llx, not %llx", p->name, key, (unsigned long long)is,
			(unsigned long long)want);
}

static void want_text(const struct process *p, const char *key, const char *want)
{
	char is[128];

	field(p->status, key, is, sizeof(is));
	/* Each of real, effective, saved, file system; groups end with a blank. */
	if (strcmp(is, want) != 0)
		finding("%s: %s `%s', not `%s'", p->name, key, is, want);
}

static void compare(const struct process *p, const struct privileges *row)
{
	const struct passwd *pw = getpwnam(expected_user(row));
	const uint64_t keep = row->caps.keep, all = keep | row->caps.pass;
	unsigned int filters = is_program(row) ? 3 : row->calls & CALLS_ANY ? 1 : 2;
	char text[64], is[128];

	(void)snprintf(text, sizeof(text), "%u\t%u\t%u\t%u", pw->pw_uid, pw->pw_uid, pw->pw_uid,
		       pw->pw_uid);
	want_text(p, "Uid:", text);
	want_text(p, "Gid:", text);
	want_text(p, "Groups:", row->user || pw->pw_uid == 0 ? "" : "112 ");
	want_text(p, "NoNewPrivs:", "1");
	want_text(p, "Seccomp:", "2");
	want_caps(p, "CapEff:", keep);
	want_caps(p, "CapPrm:", all);
	want_caps(p, "CapInh:", is_program(row) ? keep : row->caps.pass);
	want_caps(p, "CapAmb:", is_program(row) ? keep : 0);
	if (!is_program(row))
		want_caps(p, "CapBnd:", all);
	field(p->status, "Seccomp_filters:", is, sizeof(is));
	if ((unsigned int)atoi(is) != filters)
		finding("%s: %s filters, not %u", p->name, is, filters);
	if (strcmp(p->root, row->root ? row->root : "/") != 0)
		finding("%s: its root is %s", p->name, p->root);
	field(p->limits, "Max open files", is, sizeof(is));
	if ((unsigned int)atoi(is) != row->descriptors)
		finding("%s: %s descriptors, not %u", p->name, is, row->descriptors);
	field(p->limits, "Max core file size", is, sizeof(is));
	if (is[0] != '0')
		finding("%s: leaves core dumps", p->name);
}

static void compare_init(const struct process *p)
{
	want_text(p, "Uid:", "0\t0\t0\t0");
	want_text(p, "Seccomp:", "2");
	want_text(p, "Seccomp_filters:", "1");
}

static void processes(void)
{
	bool seen[64] = { false };
	DIR *proc = opendir("/proc");
	struct dirent *e;
	size_t i;

	while (proc && (e = readdir(proc))) {
		struct process p;

		if (e->d_name[0] < '1' || e->d_name[0] > '9' || atoi(e->d_name) == getpid() ||
		    !read_process(e->d_name, &p))
			continue;
		if (strcmp(e->d_name, "1") == 0) {
			compare_init(&p);
			continue;
		}
		/* The other looker of this boot. */
		if (strcmp(p.name, "probe") == 0)
			continue;
		for (i = 0; i < privileges_count; i++)
			if (strcmp(privileges_table[i].name, p.name) == 0)
				break;
		if (i == privileges_count) {
			finding("process %s (%s) is in no row", e->d_name, p.name);
			continue;
		}
		seen[i] = true;
		compare(&p, &privileges_table[i]);
	}
	if (proc)
		(void)closedir(proc);
	for (i = 0; i < privileges_count; i++)
		if (!seen[i] && !is_passing(&privileges_table[i]))
			finding("nothing runs as %s", privileges_table[i].name);
}

/* Services come up one after another, and each part enters its row in its own time. */
static void settled_processes(void)
{
	int i;

	quiet = true;
	for (i = 0; i < SETTLE_TRIES; i++) {
		findings = 0;
		processes();
		if (!findings)
			break;
		(void)poll(NULL, 0, SETTLE_MS);
	}
	quiet = false;
	if (findings) {
		findings = 0;
		processes();
	}
}

/* Every line of the shipped settings is in force, but for what the kernel is built without. */
static void settings(void)
{
	char text[8192], *p = text, *line;

	if (io_read_file("/etc/cairn/sysctl.conf", text, sizeof(text), NULL)) {
		finding("no sysctl.conf");
		return;
	}
	while ((line = strsep(&p, "\n"))) {
		char path[160], value[64] = "", *eq = strchr(line, '='), *c;

		if (line[0] == '#' || !eq)
			continue;
		*eq = '\0';
		for (c = line; *c; c++)
			*c = *c == '.' ? '/' : *c;
		(void)snprintf(path, sizeof(path), "/proc/sys/%.128s", line);
		if (access(path, F_OK))
			continue;
		if (io_read_file(path, value, sizeof(value), NULL))
			finding("%s cannot be read", path);
		value[strcspn(value, "\n")] = '\0';
		if (strcmp(value, eq + 1) != 0)
			finding("%s is %s, not %s", line, value, eq + 1);
	}
}

int main(void)
{
	unsigned int tried;

	console = fopen("/dev/console", "we");
	if (!console)
		return 111;
	(void)setvbuf(console, NULL, _IOLBF, 0);
	settled_processes();
	places(DOC);
	settings();
	tried = attempts();
	(void)fprintf(console, "privileges: %s rows=%zu attempts=%u\n",
		      findings ? "FINDINGS" : "ok", privileges_count, tried);
	return findings ? 1 : 0;
}
