// SPDX-License-Identifier: Apache-2.0
#include "publish.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io.h"

#define RESOLV_MAX 3 /* name servers that libc asks (resolv.conf(5), MAXNS) */

struct text {
	char buf[PUBLISH_TEXT_SIZE];
	size_t used;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->used, sizeof(t->buf) - t->used, fmt, ap);
	va_end(ap);
	if (n > 0 && t->used + (size_t)n < sizeof(t->buf))
		t->used += (size_t)n;
	else
		t->buf[t->used] = '\0';
}

/* add_quoted - key="text" with nothing in it that would end it. */
static void add_quoted(struct text *t, const char *key, const char *text)
{
	add(t, "%s=\"", key);
	for (; *text; text++)
		add(t, "%c", *text == '"' ? '\'' : *text);
	add(t, "\"\n");
}

static void replace(const struct publish *p, const char *name, char *old, const struct text *new)
{
	char path[256];
	int rc;

	if (strcmp(old, new->buf) == 0)
		return;
	if (snprintf(path, sizeof(path), "%s/%s", p->dir, name) >= (int)sizeof(path))
		return;
	rc = io_replace_file(path, new->buf, new->used, 0644);
	if (rc)
		(void)dprintf(2, "cannot write %s: %s\n", path, strerror(-rc));
	else
		memcpy(old, new->buf, sizeof(new->buf));
}

/* best_first - indices of the used interfaces: smaller metric first, then the older. */
static size_t best_first(const struct iface *ifaces, size_t count, size_t *order)
{
	size_t n = 0, i, j;

	for (i = 0; i < count; i++) {
		if (ifaces[i].ifindex == 0)
			continue;
		for (j = n; j > 0; j--) {
			const struct iface *a = &ifaces[order[j - 1]], *b = &ifaces[i];

			if (a->conf->metric < b->conf->metric ||
			    (a->conf->metric == b->conf->metric && a->ifindex < b->ifindex))
				break;
			order[j] = order[j - 1];
		}
		order[j] = i;
		n++;
	}
	return n;
}

/* The name servers in use, in order, without repetition. */
struct servers {
	struct {
		struct netaddr addr;
		const char *ifname; /* of a link-local address; NULL */
	} at[RESOLV_MAX];
	size_t count;
};

static void add_servers(struct servers *s, const struct netaddr *dns, size_t count,
			const char *ifname)
{
	size_t i, j;

	for (i = 0; i < count; i++) {
		bool local = dns[i].family == 6 && dns[i].addr[0] == 0xfe &&
			     (dns[i].addr[1] & 0xc0) == 0x80;

		for (j = 0; j < s->count; j++)
			if (netaddr_equal(&s->at[j].addr, &dns[i]))
				break;
		if (j < s->count || s->count == RESOLV_MAX)
			continue;
		s->at[s->count].addr = dns[i];
		s->at[s->count++].ifname = local ? ifname : NULL;
	}
}

static void write_servers(struct text *t, const struct servers *s, const char *before,
			  const char *between)
{
	size_t i;

	for (i = 0; i < s->count; i++) {
		char text[NETADDR_TEXT_SIZE];

		netaddr_format(&s->at[i].addr, false, text);
		add(t, "%s%s%s%s%s", i ? between : "", before, text, s->at[i].ifname ? "%" : "",
		    s->at[i].ifname ? s->at[i].ifname : "");
	}
}

static void write_net(struct publish *p, const struct iface *ifaces, const size_t *order, size_t n,
		      const struct servers *s)
{
	const struct iface *best = NULL;
	const char *state = n ? "offline" : "none";
	struct text t = { .used = 0 };
	size_t i;

	for (i = 0; i < n && !(best && iface_online(best)); i++) {
		const struct iface *f = &ifaces[order[i]];

		if (iface_online(f) || (f->carrier && !best))
			best = f;
	}
	if (best)
		state = iface_online(best) ? "online" : "configuring";
	add(&t, "state=%s\n", state);
	if (best) {
		const struct netaddr *a4 = iface_addr(best, 4), *a6 = iface_addr(best, 6);
		char text4[NETADDR_TEXT_SIZE] = "", text6[NETADDR_TEXT_SIZE] = "";

		if (a4)
			netaddr_format(a4, true, text4);
		if (a6)
			netaddr_format(a6, true, text6);
		add(&t, "if=%s\naddr4=%s\naddr6=%s\n", best->name, text4, text6);
	}
	add(&t, "dns=\"");
	write_servers(&t, s, "", " ");
	add(&t, "\"\nconfig=%s\n", p->config);
	if (*p->problem)
		add_quoted(&t, "problem", p->problem);
	replace(p, "net", p->net, &t);
}

static void write_ntp(struct publish *p, const struct netconf *conf, const struct iface *ifaces,
		      const size_t *order, size_t n)
{
	struct text t = { .used = 0 };
	const char *from = conf->ntp_count ? "config" : "dhcp";
	size_t i, j, found = 0;

	add(&t, "servers=\"");
	for (i = 0; i < conf->ntp_count; i++)
		add(&t, "%s%s", i ? " " : "", conf->ntp[i]);
	for (i = 0; conf->ntp_count == 0 && i < n; i++) {
		const struct lease *l = &ifaces[order[i]].lease4;

		for (j = 0; l->event == LEASE_BOUND && j < l->ntp_count && found < 4; j++) {
			char text[NETADDR_TEXT_SIZE];

			netaddr_format(&l->ntp[j], false, text);
			add(&t, "%s%s", found++ ? " " : "", text);
		}
	}
	if (conf->ntp_count == 0 && found == 0) {
		from = "default";
		for (i = 0; i < conf->ntp_default_count; i++)
			add(&t, "%s%s", i ? " " : "", conf->ntp_default[i]);
	}
	add(&t, "\"\nfrom=%s\n", from);
	replace(p, "ntp", p->ntp, &t);
}

void publish_write(struct publish *p, const struct netconf *conf, const struct iface *ifaces,
		   size_t count)
{
	size_t order[32], n, i;
	struct servers s = { .count = 0 };
	struct text t = { .used = 0 };

	n = best_first(ifaces, count < 32 ? count : 32, order);
	add_servers(&s, conf->dns, conf->dns_count, NULL);
	for (i = 0; i < n; i++) {
		const struct iface *f = &ifaces[order[i]];

		if (!f->carrier)
			continue;
		add_servers(&s, f->conf->dns, f->conf->dns_count, f->name);
		if (f->lease4.event == LEASE_BOUND)
			add_servers(&s, f->lease4.dns, f->lease4.dns_count, f->name);
		if (f->lease6.event == LEASE_BOUND)
			add_servers(&s, f->lease6.dns, f->lease6.dns_count, f->name);
		add_servers(&s, f->rdnss.dns, f->rdnss.count, f->name);
	}
	write_servers(&t, &s, "nameserver ", "\n");
	add(&t, "%soptions timeout:2 attempts:2\n", s.count ? "\n" : "");
	replace(p, "resolv.conf", p->resolv, &t);
	write_net(p, ifaces, order, n, &s);
	write_ntp(p, conf, ifaces, order, n);
}
