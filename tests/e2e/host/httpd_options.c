// SPDX-License-Identifier: Apache-2.0
#include "httpd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static int read_fault(struct httpd_fault *f, const char *text)
{
	size_t n = strcspn(text, "@%x");
	const char *p = text + n;

	memset(f, 0, sizeof(*f));
	f->at = HTTPD_NEVER;
	f->times = 1;
	if (n == 0 || n >= sizeof(f->name))
		return -EINVAL;
	memcpy(f->name, text, n);
	while (*p) {
		char kind = *p, *end;
		uint64_t v = strtoull(p + 1, &end, 10);

		if (end == p + 1)
			return -EINVAL;
		if (kind == '@')
			f->at = v;
		else if (kind == '%' && v)
			f->every = v;
		else if (kind == 'x')
			f->times = v ? v : HTTPD_NEVER;
		else
			return -EINVAL;
		p = end;
	}
	return 0;
}

/* with_value - an option that has one. */
static int with_value(struct httpd_conf *conf, const char *o, char *v)
{
	if (strcmp(o, "--port") == 0) {
		conf->port = (unsigned int)strtoul(v, NULL, 10);
	} else if (strcmp(o, "--down") == 0) {
		conf->down_ms = (unsigned int)strtoul(v, NULL, 10);
	} else if (strcmp(o, "--auth") == 0) {
		conf->auth = v;
	} else if (strcmp(o, "--only") == 0) {
		conf->only = v;
	} else if (strcmp(o, "--log") == 0) {
		conf->log_fd = open(v, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	} else if (strcmp(o, "--redirect") == 0 && strchr(v, '=') && conf->redirects < 8) {
		*strchr(v, '=') = '\0';
		conf->redirect[conf->redirects].from = v;
		conf->redirect[conf->redirects++].to = v + strlen(v) + 1;
	} else if (strcmp(o, "--fault") == 0 && conf->faults < HTTPD_FAULTS) {
		return read_fault(&conf->fault[conf->faults++], v);
	} else {
		return -EINVAL;
	}
	return 0;
}

int httpd_options(struct httpd_conf *conf, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *o = argv[i];

		if (strncmp(o, "--", 2) != 0 && i == argc - 1) {
			conf->root = o;
			return 0;
		}
		if (strcmp(o, "--any") == 0) {
			conf->any = true;
		} else if (strcmp(o, "--proxy") == 0) {
			conf->proxy = true;
		} else if (strcmp(o, "--no-etag") == 0) {
			conf->no_etag = true;
		} else if (strcmp(o, "--tls") == 0 && i + 2 < argc) {
			conf->cert = argv[++i];
			conf->key = argv[++i];
		} else if (++i >= argc || with_value(conf, o, argv[i])) {
			break;
		}
	}
	return -EINVAL;
}
