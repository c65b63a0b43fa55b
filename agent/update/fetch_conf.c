// SPDX-License-Identifier: Apache-2.0
/* The settings of a source on the network: its address, the proxy, whose certificates count. */
#include "agent/update/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "io.h"

bool fetch_is_https(const char *url)
{
	return strncasecmp(url, "https://", 8) == 0;
}

/* read_ca - the operator's certificates: the release's and those on DATA. */
static int read_ca(struct fetch *f, struct err *err)
{
	static const char *const paths[] = { FETCH_CA_RELEASE, FETCH_CA_DATA };
	size_t i, len;
	int rc;

	free(f->ca);
	f->ca_len = 0;
	f->ca = malloc(FETCH_CA_MAX);
	if (!f->ca)
		return err_set(err, -ENOMEM, "no memory");
	for (i = 0; i < 2; i++) {
		rc = io_read_file(paths[i], f->ca + f->ca_len, FETCH_CA_MAX - f->ca_len - 1, &len);
		if (rc && rc != -ENOENT)
			return err_sys(err, rc, "cannot read %s", paths[i]);
		if (rc == 0) {
			f->ca_len += len;
			f->ca[f->ca_len++] = '\n';
		}
	}
	if (f->ca_len == 0)
		return err_set(err, -ENOENT,
			       "neither " FETCH_CA_RELEASE " nor " FETCH_CA_DATA " is there");
	return 0;
}

/* check_url - http or https with a host, and nothing that a folder's address does not have. */
static int check_url(const char *text, struct err *err)
{
	static const CURLUPart never[] = { CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY,
					   CURLUPART_FRAGMENT };
	CURLU *url = curl_url();
	char *part = NULL;
	size_t i;
	int rc = 0;

	if (!url || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK)
		rc = err_set(err, -EINVAL, "%.100s: not a URL", text);
	if (rc == 0 && strncasecmp(text, "http://", 7) != 0 && !fetch_is_https(text))
		rc = err_set(err, -EINVAL, "%.100s: neither http nor https", text);
	for (i = 0; rc == 0 && i < sizeof(never) / sizeof(never[0]); i++) {
		if (curl_url_get(url, never[i], &part, 0) == CURLUE_OK)
			rc = err_set(err, -EINVAL,
				     "%.100s: no user, password, query or fragment may be in it",
				     text);
		curl_free(part);
		part = NULL;
	}
	curl_url_cleanup(url);
	return rc;
}

int fetch_http_config(struct fetch *f, struct err *err)
{
	const struct source_config *c = &f->config;
	int rc = check_url(c->url, err);

	if (rc)
		return rc;
	if (c->proxy[0] && strncasecmp(c->proxy, "http://", 7) != 0)
		return err_set(err, -EINVAL, "the proxy is not http://HOST:PORT");
	if (c->ca == SOURCE_CA_NONE && fetch_is_https(c->url))
		return err_set(err, -EINVAL, "%.100s: https, and no CA is set", c->url);
	if (c->ca == SOURCE_CA_PUBLIC && fetch_is_https(c->url) && access(FETCH_CA_PUBLIC, R_OK))
		return err_set(err, -ENOENT, "this release has no public roots (tls_roots)");
	rc = c->ca == SOURCE_CA_OPERATOR ? read_ca(f, err) : 0;
	if (rc && fetch_is_https(c->url))
		return rc;
	f->kind = FETCH_HTTP;
	return 0;
}

int fetch_http_init(struct fetch *f, struct err *err)
{
	int i;

	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return err_set(err, -EIO, "cannot start libcurl");
	f->multi = curl_multi_init();
	if (!f->multi)
		return err_set(err, -ENOMEM, "no memory");
	(void)curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, 2L);
	for (i = 0; i < 2; i++) {
		f->read[i].easy = curl_easy_init();
		if (!f->read[i].easy)
			return err_set(err, -ENOMEM, "no memory");
	}
	return 0;
}
