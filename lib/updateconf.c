// SPDX-License-Identifier: Apache-2.0
#include "updateconf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void updateconf_defaults(struct updateconf *ret_conf)
{
	memset(ret_conf, 0, sizeof(*ret_conf));
	ret_conf->poll_s = 3600;
	ret_conf->jitter_pct = 20;
	ret_conf->health_window_s = 300;
	ret_conf->ca = UPDATECONF_CA_PUBLIC;
	ret_conf->reboot_auto = true;
	ret_conf->stick = true;
}

static bool host_port_ok(const char *p, size_t len)
{
	const char *at = memchr(p, '@', len);

	/* A password in a URL would end in logs and in the status. */
	return len > 0 && p[0] != ':' && p[0] != '-' && !at;
}

/* Visible ASCII without what RFC 3986 leaves out, and without `#`, which no server sees. */
static bool chars_ok(const char *p)
{
	for (; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("\"#<>\\^`{|}", *p))
			return false;
	return true;
}

bool updateconf_url_ok(const char *url)
{
	const char *rest;

	if (strlen(url) >= UPDATECONF_URL_SIZE || !chars_ok(url))
		return false;
	if (strncmp(url, "file:///", 8) == 0)
		return !strstr(url, "/../") && url[8] && !strchr(url, '?');
	if (strncmp(url, "http://", 7) == 0)
		rest = url + 7;
	else if (strncmp(url, "https://", 8) == 0)
		rest = url + 8;
	else
		return false;
	return host_port_ok(rest, strcspn(rest, "/?"));
}

/* Keys. Each take_* returns 0 or -EINVAL. */

static int take_number(const char *value, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint32_t v = 0;
	size_t i;

	for (i = 0; value[i]; i++) {
		if (value[i] < '0' || value[i] > '9' || i == 9)
			return -EINVAL;
		v = v * 10 + (uint32_t)(value[i] - '0');
	}
	if (i == 0 || (i > 1 && value[0] == '0') || v < min || v > max)
		return -EINVAL;
	*ret = v;
	return 0;
}

static int take_word(const char *value, const char *const *words, unsigned int *ret)
{
	unsigned int i;

	for (i = 0; words[i]; i++)
		if (strcmp(value, words[i]) == 0) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}

static int take_bool(const char *value, const char *no, const char *yes, bool *ret)
{
	const char *const words[] = { no, yes, NULL };
	unsigned int i;

	if (take_word(value, words, &i))
		return -EINVAL;
	*ret = i == 1;
	return 0;
}

static int take_text(const char *value, char *ret, size_t size)
{
	size_t len = strlen(value);

	if (len >= size)
		return -EINVAL;
	memcpy(ret, value, len + 1);
	return 0;
}

static int take_time(const char *p, uint16_t *ret)
{
	unsigned int h, m;

	if (p[0] < '0' || p[0] > '2' || p[1] < '0' || p[1] > '9' || p[2] != ':' || p[3] < '0' ||
	    p[3] > '5' || p[4] < '0' || p[4] > '9')
		return -EINVAL;
	h = (unsigned int)(p[0] - '0') * 10 + (unsigned int)(p[1] - '0');
	m = (unsigned int)(p[3] - '0') * 10 + (unsigned int)(p[4] - '0');
	if (h > 23)
		return -EINVAL;
	*ret = (uint16_t)(h * 60 + m);
	return 0;
}

static int take_window(struct updateconf *c, const char *value)
{
	c->has_window = false;
	if (*value == '\0')
		return 0;
	if (strlen(value) != 11 || value[5] != '-' || take_time(value, &c->window_from) ||
	    take_time(value + 6, &c->window_to) || c->window_from == c->window_to)
		return -EINVAL;
	c->has_window = true;
	return 0;
}

static int take_channel(struct updateconf *c, const char *value)
{
	return *value && !updateconf_url_ok(value)
		       ? -EINVAL
		       : take_text(value, c->channel, sizeof(c->channel));
}

static int take_proxy(struct updateconf *c, const char *value)
{
	if (*value && (strncmp(value, "http://", 7) != 0 || !updateconf_url_ok(value) ||
		       value[strcspn(value + 7, "/?") + 7]))
		return -EINVAL;
	return take_text(value, c->proxy, sizeof(c->proxy));
}

/* The words of lib/channel.h. */
static int take_name(struct updateconf *c, const char *value)
{
	static const char ok[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+~-";

	return value[strspn(value, ok)] ? -EINVAL : take_text(value, c->name, sizeof(c->name));
}

static int take_ca(struct updateconf *c, const char *value)
{
	static const char *const words[] = { "none", "public", "operator", NULL };
	unsigned int i = 0;
	int rc = take_word(value, words, &i);

	if (!rc)
		c->ca = (enum updateconf_ca)i;
	return rc;
}

static const char *const keys[] = { "channel",	  "name",   "poll_s",
				    "jitter_pct", "window", "bandwidth_kib_s",
				    "proxy",	  "ca",	    "health_window_s",
				    "require",	  "reboot", "stick" };
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static int take(struct updateconf *c, size_t key, const char *value)
{
	switch (key) {
	case 0:
		return take_channel(c, value);
	case 1:
		return take_name(c, value);
	case 2:
		return take_number(value, 10, 2592000, &c->poll_s);
	case 3:
		return take_number(value, 0, 50, &c->jitter_pct);
	case 4:
		return take_window(c, value);
	case 5:
		return take_number(value, 0, 10000000, &c->bandwidth_kib_s);
	case 6:
		return take_proxy(c, value);
	case 7:
		return take_ca(c, value);
	case 8:
		return take_number(value, 10, 3600, &c->health_window_s);
	case 9:
		return take_bool(value, "none", "channel", &c->require_channel);
	case 10:
		return take_bool(value, "ordered", "auto", &c->reboot_auto);
	default:
		return take_bool(value, "no", "yes", &c->stick);
	}
}

/* trim - without the blanks at both ends. */
static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t\r");
	len = strlen(text);
	while (len && strchr(" \t\r", text[len - 1]))
		text[--len] = '\0';
	return text;
}

/* take_line - one line without its newline, NUL-terminated. seen: bit a key. */
static int take_line(struct updateconf *c, char *line, unsigned int nr, uint32_t *seen,
		     struct err *err)
{
	char *value;
	size_t i;

	line = trim(line);
	value = strchr(line, '=');
	if (*line == '\0' || *line == '#')
		return 0;
	if (!value)
		return err_set(err, -EINVAL, "line %u is not key=value", nr);
	*value = '\0';
	line = trim(line);
	value = trim(value + 1);
	for (i = 0; i < KEYS && strcmp(line, keys[i]) != 0;)
		i++;
	if (i == KEYS)
		return err_set(err, 0, "line %u: unknown key %.32s, passed over", nr, line);
	if (*seen & 1u << i)
		return err_set(err, -EINVAL, "line %u: %s is said twice", nr, line);
	*seen |= 1u << i;
	if (take(c, i, value))
		return err_set(err, -EINVAL, "line %u: bad value of %s", nr, line);
	return 0;
}

int updateconf_parse(struct updateconf *conf, const uint8_t *buf, size_t len, struct err *err)
{
	struct updateconf c = *conf;
	uint32_t seen = 0;
	unsigned int nr = 0;
	size_t at = 0;

	if (len > UPDATECONF_SIZE_MAX)
		return err_set(err, -EFBIG, "more than %u bytes", UPDATECONF_SIZE_MAX);
	while (at < len) {
		char line[UPDATECONF_URL_SIZE + 32];
		const uint8_t *end = memchr(buf + at, '\n', len - at);
		size_t n = end ? (size_t)(end - (buf + at)) : len - at;
		int rc;

		nr++;
		if (n >= sizeof(line))
			return err_set(err, -EINVAL, "line %u is too long", nr);
		memcpy(line, buf + at, n);
		line[n] = '\0';
		if (strlen(line) != n)
			return err_set(err, -EINVAL, "line %u has a NUL byte", nr);
		rc = take_line(&c, line, nr, &seen, err);
		if (rc)
			return rc;
		at += n + (end != NULL);
	}
	*conf = c;
	return 0;
}
