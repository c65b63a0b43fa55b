// SPDX-License-Identifier: Apache-2.0
#include "servicefile.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 512
#define ALL_CAPABILITIES ((1ull << 41) - 1)

/* By number, linux/capability.h of Linux 6.12. */
static const char *const capability_names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

_Static_assert(COUNT(capability_names) == 41, "one name for each capability");

int service_capability(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(capability_names); i++)
		if (!strcmp(name, capability_names[i]))
			return (int)i;
	return -1;
}

bool servicefile_name_ok(const char *name)
{
	size_t i;

	if (name[0] < 'a' || name[0] > 'z')
		return false;
	for (i = 1; name[i]; i++)
		if (i + 1 >= SERVICE_NAME_MAX ||
		    !((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') ||
		      name[i] == '-'))
			return false;
	return true;
}

/* The next word of a list parted by blanks, cut out in place; NULL at its end. */
static char *next_word(char **list)
{
	char *p = *list, *word;

	while (*p == ' ' || *p == '\t')
		p++;
	if (!*p)
		return NULL;
	word = p;
	while (*p && *p != ' ' && *p != '\t')
		p++;
	if (*p)
		*p++ = '\0';
	*list = p;
	return word;
}

static int set_names(char (*ret_names)[SERVICE_NAME_MAX], size_t max, char *list, struct err *err)
{
	size_t n = 0;
	char *word;

	while ((word = next_word(&list))) {
		if (!servicefile_name_ok(word))
			return err_set(err, -EINVAL, "\"%s\" is no name ([a-z][a-z0-9-]*)", word);
		if (n == max)
			return err_set(err, -EINVAL, "more than %zu names", max);
		(void)snprintf(ret_names[n++], SERVICE_NAME_MAX, "%s", word);
	}
	return n ? 0 : err_set(err, -EINVAL, "a list without a name");
}

/* Words as a shell would part them, with double quotes only and nothing else special. */
static int set_command(struct service_conf *conf, const char *p, struct err *err)
{
	size_t used = 0;

	conf->argc = 0;
	for (;;) {
		bool quoted = false;

		while (*p == ' ' || *p == '\t')
			p++;
		if (!*p)
			break;
		if (conf->argc == SERVICE_ARGS_MAX - 1)
			return err_set(err, -EINVAL, "more than %d words", SERVICE_ARGS_MAX - 1);
		conf->argv[conf->argc++] = (uint16_t)used;
		for (; *p && (quoted || (*p != ' ' && *p != '\t')); p++) {
			if (*p == '"') {
				quoted = !quoted;
				continue;
			}
			if (used + 2 > sizeof(conf->text))
				return err_set(err, -EINVAL, "command longer than %zu bytes",
					       sizeof(conf->text) - 1);
			conf->text[used++] = *p;
		}
		if (quoted)
			return err_set(err, -EINVAL, "a quote is not closed");
		if (used + 1 > sizeof(conf->text))
			return err_set(err, -EINVAL, "command too long");
		conf->text[used++] = '\0';
	}
	if (!conf->argc || conf->text[0] != '/')
		return err_set(err, -EINVAL, "the command is no absolute path");
	return 0;
}

static int parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret,
			struct err *err)
{
	uint64_t v = 0;
	const char *p = text;

	if (!isdigit((unsigned char)*p))
		return err_set(err, -EINVAL, "\"%s\" is no number", text);
	for (; isdigit((unsigned char)*p); p++) {
		if (v > (UINT64_MAX - 9) / 10)
			return err_set(err, -EINVAL, "\"%s\" is too large", text);
		v = v * 10 + (uint64_t)(*p - '0');
	}
	if (*p)
		return err_set(err, -EINVAL, "\"%s\" is no number", text);
	if (v < min || v > max)
		return err_set(err, -EINVAL, "%llu is outside %llu..%llu", (unsigned long long)v,
			       (unsigned long long)min, (unsigned long long)max);
	*ret = v;
	return 0;
}

static int parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *ret, struct err *err)
{
	uint64_t v;
	int rc = parse_number(text, min, max, &v, err);

	if (!rc)
		*ret = (uint32_t)v;
	return rc;
}

static int parse_signed(const char *text, int32_t min, int32_t max, int32_t *ret, struct err *err)
{
	uint64_t v;
	int rc = parse_number(text + (*text == '-'), 0,
			      (uint64_t)(*text == '-' ? -(int64_t)min : (int64_t)max), &v, err);

	if (!rc)
		*ret = *text == '-' ? -(int32_t)v : (int32_t)v;
	return rc;
}

/* Bytes, or with K, M or G behind it. */
static int parse_size(char *text, uint64_t *ret, struct err *err)
{
	size_t len = strlen(text);
	unsigned int shift = 0;
	int rc;

	if (len > 1) {
		switch (text[len - 1]) {
		case 'K':
			shift = 10;
			break;
		case 'M':
			shift = 20;
			break;
		case 'G':
			shift = 30;
			break;
		default:
			break;
		}
		if (shift)
			text[len - 1] = '\0';
	}
	rc = parse_number(text, 1, UINT64_MAX >> (shift + 1), ret, err);
	if (rc)
		return rc;
	*ret <<= shift;
	return *ret < 262144 ? err_set(err, -EINVAL, "less than 256K") : 0;
}

static int parse_bool(const char *text, bool *ret, struct err *err)
{
	if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
		return err_set(err, -EINVAL, "\"%s\" is neither yes nor no", text);
	*ret = text[0] == 'y';
	return 0;
}

static int parse_choice(const char *text, const char *const *names, size_t count, size_t *ret,
			struct err *err)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!strcmp(text, names[i])) {
			*ret = i;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "\"%s\" is not known here", text);
}

static int set_capabilities(struct service_conf *conf, char *list, struct err *err)
{
	char *word;

	if (!strcmp(list, "all")) {
		conf->capabilities = ALL_CAPABILITIES;
		return 0;
	}
	while ((word = next_word(&list))) {
		int n = service_capability(word);

		if (n < 0)
			return err_set(err, -EINVAL, "\"%s\" is no capability", word);
		conf->capabilities |= 1ull << n;
	}
	return 0;
}

static int set_condition(struct service_conf *conf, const char *text, struct err *err)
{
	const char *p = text + (*text == '!');
	size_t i;

	if (strncmp(p, "cmdline:", 8) != 0 || !p[8])
		return err_set(err, -EINVAL, "\"%s\" is no condition (cmdline:KEY)", text);
	for (i = 8; p[i]; i++)
		if (!isalnum((unsigned char)p[i]) && !strchr("._-", p[i]))
			return err_set(err, -EINVAL, "\"%s\" holds a key that cannot be", text);
	if (strlen(text) >= sizeof(conf->condition))
		return err_set(err, -EINVAL, "the condition is too long");
	(void)snprintf(conf->condition, sizeof(conf->condition), "%s", text);
	return 0;
}

static int set_name(char ret_name[SERVICE_NAME_MAX], const char *text, struct err *err)
{
	if (!servicefile_name_ok(text))
		return err_set(err, -EINVAL, "\"%s\" is no name ([a-z][a-z0-9-]*)", text);
	(void)snprintf(ret_name, SERVICE_NAME_MAX, "%s", text);
	return 0;
}

static int set_tty(struct service_conf *conf, const char *text, struct err *err)
{
	if (strncmp(text, "/dev/", 5) != 0 || strstr(text, "..") ||
	    strlen(text) >= sizeof(conf->tty))
		return err_set(err, -EINVAL, "\"%s\" is no terminal below /dev", text);
	(void)snprintf(conf->tty, sizeof(conf->tty), "%s", text);
	return 0;
}

enum key {
	KEY_COMMAND,
	KEY_USER,
	KEY_GROUPS,
	KEY_NEEDS,
	KEY_AFTER,
	KEY_TYPE,
	KEY_RESTART,
	KEY_BACKOFF,
	KEY_MAX_BACKOFF,
	KEY_RESET,
	KEY_START_TIMEOUT,
	KEY_STOP_TIMEOUT,
	KEY_WATCHDOG,
	KEY_VITAL,
	KEY_MEMORY,
	KEY_PIDS,
	KEY_NOFILE,
	KEY_CAPABILITIES,
	KEY_CRITICAL,
	KEY_CONDITION,
	KEY_OOM,
	KEY_NICE,
	KEY_NO_NEW_PRIVS,
	KEY_CONSOLE,
	KEY_ORDERS,
	KEY_TTY,
	KEY_RUNTIME_DIR,
	KEY_STATE_DIR,
};

static const char *const key_names[] = {
	"command",	  "user",	  "groups",	      "needs",
	"after",	  "type",	  "restart",	      "backoff_ms",
	"max_backoff_ms", "reset_ms",	  "start_timeout_ms", "stop_timeout_ms",
	"watchdog_ms",	  "vital_ms",	  "memory_max",	      "pids_max",
	"nofile",	  "capabilities", "critical",	      "condition",
	"oom_score_adj",  "nice",	  "no_new_privs",     "console",
	"orders",	  "tty",	  "runtime_dir",      "state_dir",
};

static const char *const type_names[] = { "simple", "oneshot", "notify" };
static const char *const restart_names[] = { "always", "on-failure", "no" };

#define DAY_MS 86400000u

static int set_limit(struct service_conf *c, enum key key, char *v, struct err *err)
{
	switch (key) {
	case KEY_BACKOFF:
		return parse_u32(v, 10, DAY_MS, &c->backoff_ms, err);
	case KEY_MAX_BACKOFF:
		return parse_u32(v, 10, DAY_MS, &c->max_backoff_ms, err);
	case KEY_RESET:
		return parse_u32(v, 1, DAY_MS, &c->reset_ms, err);
	case KEY_START_TIMEOUT:
		return parse_u32(v, 0, DAY_MS, &c->start_timeout_ms, err);
	case KEY_STOP_TIMEOUT:
		return parse_u32(v, 1, 60000, &c->stop_timeout_ms, err);
	case KEY_WATCHDOG:
		return parse_u32(v, 0, DAY_MS, &c->watchdog_ms, err);
	case KEY_VITAL:
		return parse_u32(v, 0, DAY_MS, &c->vital_ms, err);
	case KEY_MEMORY:
		return parse_size(v, &c->memory_max_bytes, err);
	case KEY_PIDS:
		return parse_u32(v, 1, 32768, &c->pids_max, err);
	case KEY_NOFILE:
		return parse_u32(v, 8, 1048576, &c->nofile, err);
	case KEY_OOM:
		return parse_signed(v, -999, 1000, &c->oom_score_adj, err);
	default:
		return parse_signed(v, -20, 19, &c->nice, err);
	}
}

static int set_key(struct service_conf *c, enum key key, char *v, struct err *err)
{
	size_t choice = 0;
	int rc;

	switch (key) {
	case KEY_COMMAND:
		return set_command(c, v, err);
	case KEY_USER:
		return set_name(c->user, v, err);
	case KEY_GROUPS:
		return set_names(c->groups, COUNT(c->groups), v, err);
	case KEY_NEEDS:
		return set_names(c->needs, COUNT(c->needs), v, err);
	case KEY_AFTER:
		return set_names(c->after, COUNT(c->after), v, err);
	case KEY_TYPE:
		rc = parse_choice(v, type_names, COUNT(type_names), &choice, err);
		if (!rc)
			c->type = (enum service_type)choice;
		return rc;
	case KEY_RESTART:
		rc = parse_choice(v, restart_names, COUNT(restart_names), &choice, err);
		if (!rc)
			c->restart = (enum service_restart)choice;
		return rc;
	case KEY_CAPABILITIES:
		return set_capabilities(c, v, err);
	case KEY_CRITICAL:
		return parse_bool(v, &c->critical, err);
	case KEY_CONDITION:
		return set_condition(c, v, err);
	case KEY_NO_NEW_PRIVS:
		return parse_bool(v, &c->no_new_privs, err);
	case KEY_CONSOLE:
		return parse_bool(v, &c->console, err);
	case KEY_ORDERS:
		return parse_bool(v, &c->orders, err);
	case KEY_TTY:
		return set_tty(c, v, err);
	case KEY_RUNTIME_DIR:
		return set_name(c->runtime_dir, v, err);
	case KEY_STATE_DIR:
		return set_name(c->state_dir, v, err);
	default:
		return set_limit(c, key, v, err);
	}
}

static void set_defaults(struct service_conf *c, const char *name)
{
	memset(c, 0, sizeof(*c));
	(void)snprintf(c->name, sizeof(c->name), "%s", name);
	c->backoff_ms = 500;
	c->max_backoff_ms = 30000;
	c->reset_ms = 60000;
	c->start_timeout_ms = 60000;
	c->stop_timeout_ms = 5000;
	c->memory_max_bytes = 64u << 20;
	c->pids_max = 32;
	c->nofile = 256;
	c->no_new_privs = true;
}

/* What can only be judged when every line has been read. */
static int check_whole(const struct service_conf *c, uint32_t seen, struct err *err)
{
	if (!c->argc)
		return err_set(err, -EINVAL, "%s: no command", c->name);
	if (!c->user[0])
		return err_set(err, -EINVAL, "%s: no user", c->name);
	if (c->backoff_ms > c->max_backoff_ms)
		return err_set(err, -EINVAL, "%s: backoff_ms is above max_backoff_ms", c->name);
	if (c->type == SERVICE_ONESHOT && c->restart == SERVICE_RESTART_ALWAYS &&
	    (seen & 1u << KEY_RESTART))
		return err_set(err, -EINVAL, "%s: a oneshot cannot restart always", c->name);
	if (c->type == SERVICE_ONESHOT && c->watchdog_ms)
		return err_set(err, -EINVAL, "%s: a oneshot has no watchdog", c->name);
	return 0;
}

/* line is cut out and NUL-terminated; it may be changed. */
static int parse_line(struct service_conf *c, char *line, uint32_t *seen, struct err *err)
{
	char *eq, *v;
	size_t key = 0, end;
	int rc;

	for (end = strlen(line); end && (line[end - 1] == ' ' || line[end - 1] == '\t'); end--)
		line[end - 1] = '\0';
	if (!line[0] || line[0] == '#')
		return 0;
	eq = strchr(line, '=');
	if (!eq)
		return err_set(err, -EINVAL, "no key=value");
	*eq = '\0';
	v = eq + 1;
	if (parse_choice(line, key_names, COUNT(key_names), &key, NULL))
		return err_set(err, -EINVAL, "the key \"%s\" is not known", line);
	if (*seen & 1u << key)
		return err_set(err, -EINVAL, "the key \"%s\" is there twice", line);
	*seen |= 1u << key;
	rc = set_key(c, (enum key)key, v, err);
	if (rc)
		err_prefix(err, "%s", line);
	return rc;
}

int servicefile_parse(const char *name, const uint8_t *buf, size_t len,
		      struct service_conf *ret_conf, struct err *err)
{
	struct service_conf *c = ret_conf;
	size_t at = 0, line_no = 0;
	uint32_t seen = 0;
	int rc = 0;

	memset(c, 0, sizeof(*c));
	if (!servicefile_name_ok(name))
		return err_set(err, -EINVAL, "\"%.40s\" is no name ([a-z][a-z0-9-]*)", name);
	(void)snprintf(c->name, sizeof(c->name), "%s", name);
	if (len > SERVICEFILE_MAX)
		return err_set(err, -EFBIG, "%s: longer than %d bytes", name, SERVICEFILE_MAX);
	set_defaults(c, name);
	while (at < len && !rc) {
		const uint8_t *nl = memchr(buf + at, '\n', len - at);
		size_t n = nl ? (size_t)(nl - (buf + at)) : len - at;
		char line[VALUE_MAX + 1];

		line_no++;
		if (n > VALUE_MAX) {
			rc = err_set(err, -EINVAL, "longer than %d bytes", VALUE_MAX);
		} else if (memchr(buf + at, '\0', n)) {
			rc = err_set(err, -EINVAL, "holds a NUL");
		} else {
			memcpy(line, buf + at, n);
			line[n] = '\0';
			rc = parse_line(c, line, &seen, err);
		}
		if (rc)
			err_prefix(err, "%s line %zu", name, line_no);
		at += n + 1;
	}
	if (!rc)
		rc = check_whole(c, seen, err);
	if (rc) {
		memset(c, 0, sizeof(*c));
		(void)snprintf(c->name, sizeof(c->name), "%s", name);
	}
	return rc;
}

static size_t find(const struct service_conf *confs, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count && strcmp(confs[i].name, name) != 0; i++)
		;
	return i;
}

static void link_names(struct service_conf *confs, size_t count, size_t self)
{
	struct service_conf *c = &confs[self];
	size_t i, at;

	c->needs_mask = 0;
	c->after_mask = 0;
	for (i = 0; i < SERVICE_LINKS_MAX && c->needs[i][0]; i++) {
		at = find(confs, count, c->needs[i]);
		if (at < count)
			c->needs_mask |= 1u << at;
		else if (!c->problem[0])
			(void)snprintf(c->problem, sizeof(c->problem),
				       "needs %s, which does not exist", c->needs[i]);
	}
	for (i = 0; i < SERVICE_LINKS_MAX && c->after[i][0]; i++) {
		at = find(confs, count, c->after[i]);
		if (at < count)
			c->after_mask |= 1u << at;
	}
}

/* Everything that service `from` waits for, directly or through others. */
static uint32_t reach(const struct service_conf *confs, size_t count, size_t from)
{
	uint32_t mask = confs[from].needs_mask | confs[from].after_mask, before;
	size_t i;

	do {
		before = mask;
		for (i = 0; i < count; i++)
			if (mask & 1u << i)
				mask |= confs[i].needs_mask | confs[i].after_mask;
	} while (mask != before);
	return mask;
}

/* One way round the circle that service `start` is part of, as "a -> b -> a". */
static void name_circle(struct service_conf *confs, size_t count, size_t start)
{
	char *text = confs[start].problem;
	size_t max = sizeof(confs[start].problem), at = start, steps;
	int used = snprintf(text, max, "waits for itself: %s", confs[start].name);
	uint32_t been = 0;

	for (steps = 0; steps < count; steps++) {
		uint32_t next = (confs[at].needs_mask | confs[at].after_mask) & ~been;
		size_t i;

		if (next & 1u << start)
			break;
		for (i = 0; i < count; i++)
			if (next & 1u << i && reach(confs, count, i) & 1u << start)
				break;
		if (i == count)
			break;
		at = i;
		been |= 1u << i;
		if (used > 0 && (size_t)used < max)
			used += snprintf(text + used, max - (size_t)used, " -> %s", confs[i].name);
	}
	if (used > 0 && (size_t)used < max)
		(void)snprintf(text + used, max - (size_t)used, " -> %s", confs[start].name);
}

size_t servicefile_resolve(struct service_conf *confs, size_t count)
{
	uint32_t circle = 0;
	size_t i, j, bad = 0;
	bool changed = true;

	for (i = 0; i < count; i++)
		link_names(confs, count, i);
	for (i = 0; i < count; i++)
		if (reach(confs, count, i) & 1u << i)
			circle |= 1u << i;
	for (i = 0; i < count; i++)
		if (circle & 1u << i && !confs[i].problem[0])
			name_circle(confs, count, i);
	/* A need that cannot run drags those with it that need it. */
	while (changed) {
		changed = false;
		for (i = 0; i < count; i++) {
			for (j = 0; j < count && !confs[i].problem[0]; j++) {
				if (confs[i].needs_mask & 1u << j && confs[j].problem[0]) {
					(void)snprintf(confs[i].problem, sizeof(confs[i].problem),
						       "needs %s, which cannot run", confs[j].name);
					changed = true;
				}
			}
		}
	}
	for (i = 0; i < count; i++)
		bad += confs[i].problem[0] != '\0';
	return bad;
}
