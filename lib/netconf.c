// SPDX-License-Identifier: Apache-2.0
#include "netconf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE 512

/* What was said already in the section being read. */
enum {
	SAID_IPV4 = 1,
	SAID_IPV6 = 2,
	SAID_METRIC = 4,
	SAID_MTU = 8,
	SAID_DNS = 16,
	SAID_NTP = 32,
	SAID_NTP_DEFAULT = 64
};

struct reader {
	struct netconf *conf;
	struct netconf_section *section; /* NULL before the first one */
	unsigned int said;
	unsigned int line;
	struct err *err;
};

bool netconf_match(const char *pattern, const char *name)
{
	const char *star = NULL, *retry = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = pattern++;
			retry = name;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star + 1;
			name = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

const struct netconf_section *netconf_find(const struct netconf *conf, const char *ifname)
{
	size_t i;

	for (i = 0; i < conf->sections; i++)
		if (netconf_match(conf->section[i].pattern, ifname))
			return &conf->section[i];
	return NULL;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool netconf_host_ok(const char *host)
{
	size_t len = strlen(host);
	size_t i;

	if (len == 0 || len >= NETCONF_HOST_SIZE || host[0] == '-')
		return false;
	for (i = 0; i < len; i++)
		if (!is_alnum(host[i]) && host[i] != '.' && host[i] != '-' && host[i] != ':')
			return false;
	return true;
}

static int bad(const struct reader *r, const char *what, const char *text)
{
	return err_set(r->err, -EINVAL, "line %u: %s: %s", r->line, what, text);
}

/* once - refuse the second time a key is given. */
static int once(struct reader *r, unsigned int bit, const char *key)
{
	if (r->said & bit)
		return bad(r, "said twice", key);
	r->said |= bit;
	return 0;
}

static int number(const char *text, uint32_t min, uint32_t max, uint32_t *ret_value)
{
	uint32_t v = 0;

	if (*text == '\0')
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		v = v * 10 + (uint32_t)(*text - '0');
		if (v > max)
			return -EINVAL;
	}
	if (v < min)
		return -EINVAL;
	*ret_value = v;
	return 0;
}

/* word - the next word of a value, cut out in place; NULL at its end. */
static char *word(char **rest)
{
	char *start = *rest + strspn(*rest, " \t");

	if (*start == '\0')
		return NULL;
	*rest = start + strcspn(start, " \t");
	if (**rest)
		*(*rest)++ = '\0';
	return start;
}

static int read_dns(struct reader *r, char *value, struct netaddr *dns, size_t *count)
{
	char *w;

	if (once(r, SAID_DNS, "dns"))
		return -EINVAL;
	while ((w = word(&value))) {
		if (*count == NETCONF_DNS_MAX)
			return bad(r, "too many name servers", w);
		if (strchr(w, '/') || netaddr_parse(w, &dns[*count]))
			return bad(r, "not an address", w);
		(*count)++;
	}
	return 0;
}

static int read_hosts(struct reader *r, unsigned int bit, const char *key, char *value,
		      char host[][NETCONF_HOST_SIZE], size_t *count)
{
	char *w;

	if (once(r, bit, key))
		return -EINVAL;
	while ((w = word(&value))) {
		if (*count == NETCONF_NTP_MAX)
			return bad(r, "too many time servers", w);
		if (!netconf_host_ok(w))
			return bad(r, "not a host name", w);
		memcpy(host[*count], w, strlen(w) + 1);
		(*count)++;
	}
	return 0;
}

static int read_global(struct reader *r, const char *key, char *value)
{
	struct netconf *c = r->conf;

	if (strcmp(key, "ntp") == 0)
		return read_hosts(r, SAID_NTP, key, value, c->ntp, &c->ntp_count);
	if (strcmp(key, "ntp_default") == 0)
		return read_hosts(r, SAID_NTP_DEFAULT, key, value, c->ntp_default,
				  &c->ntp_default_count);
	if (strcmp(key, "dns") == 0)
		return read_dns(r, value, c->dns, &c->dns_count);
	return bad(r, "no such key before the first [interface]", key);
}

static int read_address(struct reader *r, const char *value)
{
	struct netconf_section *s = r->section;
	struct netaddr a;

	if (s->addresses == NETCONF_ADDRS_MAX)
		return bad(r, "too many addresses", value);
	if (!strchr(value, '/') || netaddr_parse(value, &a) || !netaddr_is_host(&a) ||
	    a.prefix == 0)
		return bad(r, "not an address with its prefix", value);
	s->address[s->addresses++] = a;
	return 0;
}

static int read_gateway(struct reader *r, const char *value)
{
	struct netaddr a, *slot;

	if (strchr(value, '/') || netaddr_parse(value, &a) || !netaddr_is_host(&a))
		return bad(r, "not an address", value);
	slot = a.family == 4 ? &r->section->gateway4 : &r->section->gateway6;
	if (slot->family)
		return bad(r, "said twice", "gateway");
	*slot = a;
	return 0;
}

static int read_route(struct reader *r, char *value)
{
	struct netconf_section *s = r->section;
	struct netconf_route route;
	char *dst = word(&value), *via_word = word(&value), *via = word(&value);

	if (s->routes == NETCONF_ROUTES_MAX)
		return bad(r, "too many routes", "route");
	if (!via || word(&value) || strcmp(via_word, "via") != 0)
		return bad(r, "wanted NET/PREFIX via ADDRESS", "route");
	if (!strchr(dst, '/') || netaddr_parse(dst, &route.dst))
		return bad(r, "not a network with its prefix", dst);
	if (strchr(via, '/') || netaddr_parse(via, &route.via) || !netaddr_is_host(&route.via) ||
	    route.via.family != route.dst.family)
		return bad(r, "not a gateway of that network's family", via);
	netaddr_mask(&route.dst);
	s->route[s->routes++] = route;
	return 0;
}

static int read_mode(struct reader *r, const char *key, const char *value, unsigned int bit,
		     const char *first, int *ret_mode)
{
	const char *names[3] = { first, "static", "off" };
	int i;

	if (once(r, bit, key))
		return -EINVAL;
	for (i = 0; i < 3; i++) {
		if (strcmp(value, names[i]) == 0) {
			*ret_mode = i;
			return 0;
		}
	}
	return bad(r, "no such way", value);
}

static int read_section_key(struct reader *r, const char *key, char *value)
{
	struct netconf_section *s = r->section;
	int mode = 0, rc;

	if (strcmp(key, "ipv4") == 0) {
		rc = read_mode(r, key, value, SAID_IPV4, "dhcp", &mode);
		s->ipv4 = (enum netconf_ipv4)mode;
		return rc;
	}
	if (strcmp(key, "ipv6") == 0) {
		rc = read_mode(r, key, value, SAID_IPV6, "auto", &mode);
		s->ipv6 = (enum netconf_ipv6)mode;
		return rc;
	}
	if (strcmp(key, "address") == 0)
		return read_address(r, value);
	if (strcmp(key, "gateway") == 0)
		return read_gateway(r, value);
	if (strcmp(key, "route") == 0)
		return read_route(r, value);
	if (strcmp(key, "dns") == 0)
		return read_dns(r, value, s->dns, &s->dns_count);
	if (strcmp(key, "metric") == 0) {
		if (once(r, SAID_METRIC, key))
			return -EINVAL;
		return number(value, 1, 9999, &s->metric) ? bad(r, "not 1 to 9999", value) : 0;
	}
	if (strcmp(key, "mtu") == 0) {
		if (once(r, SAID_MTU, key))
			return -EINVAL;
		return number(value, 576, 9216, &s->mtu) ? bad(r, "not 576 to 9216", value) : 0;
	}
	return bad(r, "no such key in [interface]", key);
}

/* end_section - what the lines of a section mean together. */
static int end_section(struct reader *r)
{
	struct netconf_section *s = r->section;
	size_t i, n4 = 0, n6 = 0;

	if (!s)
		return 0;
	for (i = 0; i < s->addresses; i++) {
		if (s->address[i].family == 4)
			n4++;
		else
			n6++;
	}
	if (!(r->said & SAID_IPV4) && n4)
		s->ipv4 = NETCONF_IPV4_STATIC;
	if (s->ipv4 == NETCONF_IPV4_STATIC && n4 == 0)
		return bad(r, "ipv4=static without an address", s->pattern);
	if (s->ipv6 == NETCONF_IPV6_STATIC && n6 == 0)
		return bad(r, "ipv6=static without an address", s->pattern);
	if ((s->ipv4 == NETCONF_IPV4_OFF && (n4 || s->gateway4.family)) ||
	    (s->ipv6 == NETCONF_IPV6_OFF && (n6 || s->gateway6.family)))
		return bad(r, "an address of a family that is off", s->pattern);
	for (i = 0; i < s->routes; i++)
		if ((s->route[i].dst.family == 4 && s->ipv4 == NETCONF_IPV4_OFF) ||
		    (s->route[i].dst.family == 6 && s->ipv6 == NETCONF_IPV6_OFF))
			return bad(r, "a route of a family that is off", s->pattern);
	return 0;
}

static int begin_section(struct reader *r, char *head)
{
	static const char word_interface[] = "[interface ";
	size_t len = strlen(head);
	struct netconf_section *s;
	size_t i;

	if (end_section(r))
		return -EINVAL;
	if (len < sizeof(word_interface) || head[len - 1] != ']' ||
	    strncmp(head, word_interface, sizeof(word_interface) - 1) != 0)
		return bad(r, "wanted [interface PATTERN]", head);
	head[len - 1] = '\0';
	head += sizeof(word_interface) - 1;
	len = strlen(head);
	if (len == 0 || len >= NETCONF_IFNAME_SIZE)
		return bad(r, "not an interface's name", head);
	for (i = 0; i < len; i++)
		if (!is_alnum(head[i]) && !strchr("*?._-@", head[i]))
			return bad(r, "not an interface's name", head);
	if (r->conf->sections == NETCONF_SECTIONS_MAX)
		return bad(r, "too many sections", head);
	s = &r->conf->section[r->conf->sections++];
	memcpy(s->pattern, head, len + 1);
	s->metric = (uint32_t)(100 * r->conf->sections);
	r->section = s;
	r->said = 0;
	return 0;
}

static int read_line(struct reader *r, char *line)
{
	char *equals, *end;

	line += strspn(line, " \t");
	end = line + strlen(line);
	while (end > line && strchr(" \t\r", end[-1]))
		*--end = '\0';
	if (*line == '\0' || *line == '#')
		return 0;
	if (*line == '[')
		return begin_section(r, line);
	equals = strchr(line, '=');
	if (!equals || equals == line)
		return bad(r, "wanted key=value", line);
	*equals++ = '\0';
	if (*equals == '\0')
		return bad(r, "no value", line);
	return r->section ? read_section_key(r, line, equals) : read_global(r, line, equals);
}

int netconf_parse(const uint8_t *buf, size_t len, struct netconf *ret_conf, struct err *err)
{
	struct reader r = { .conf = ret_conf, .err = err };
	size_t pos = 0;
	int rc;

	memset(ret_conf, 0, sizeof(*ret_conf));
	if (len > NETCONF_SIZE_MAX)
		return err_set(err, -EFBIG, "%zu bytes, at most %u are read", len,
			       NETCONF_SIZE_MAX);
	while (pos < len) {
		const uint8_t *nl = memchr(buf + pos, '\n', len - pos);
		size_t n = nl ? (size_t)(nl - (buf + pos)) : len - pos;
		char line[LINE_SIZE];
		size_t i;

		r.line++;
		if (n >= sizeof(line))
			return bad(&r, "too long", "line");
		for (i = 0; i < n; i++)
			if ((buf[pos + i] < ' ' && !strchr("\t\r", buf[pos + i])) ||
			    buf[pos + i] == '\0')
				return bad(&r, "a control character", "line");
		memcpy(line, buf + pos, n);
		line[n] = '\0';
		rc = read_line(&r, line);
		if (rc)
			return rc;
		pos += n + 1;
	}
	return end_section(&r);
}
