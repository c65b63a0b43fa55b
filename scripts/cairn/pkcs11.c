// SPDX-License-Identifier: Apache-2.0
/* Engines are deprecated in OpenSSL 3, and what Debian 12 has for tokens is one. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "pkcs11.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ui.h>

enum { URI_MAX = 1024 };

static const char *first_line(const char *text)
{
	while (*text == '#' || *text == '\n') {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return text;
}

int pkcs11_is_uri(const char *text)
{
	return strncmp(first_line(text), "pkcs11:", 7) == 0;
}

/* The URI without its query, and module-path of that; the engine knows pin-* as attributes. */
static int split(const char *text, char uri[static URI_MAX], char module[static URI_MAX],
		 struct err *err)
{
	const char *line = first_line(text);
	size_t len = strcspn(line, "\r\n"), used = strcspn(line, "?\r\n");
	char query[URI_MAX], *save = NULL, *word;

	module[0] = '\0';
	if (len >= URI_MAX / 2)
		return err_set(err, -EINVAL, "the URI is too long");
	memcpy(uri, line, used);
	uri[used] = '\0';
	if (used == len)
		return 0;
	memcpy(query, line + used + 1, len - used - 1);
	query[len - used - 1] = '\0';
	for (word = strtok_r(query, "&", &save); word; word = strtok_r(NULL, "&", &save)) {
		if (strncmp(word, "module-path=", 12) == 0) {
			(void)strcpy(module, word + 12);
		} else if (strncmp(word, "pin-source=", 11) == 0 ||
			   strncmp(word, "pin-value=", 10) == 0) {
			(void)strcat(strcat(uri, ";"), word);
		} else {
			return err_set(err, -EINVAL,
				       "`%s`: only module-path, pin-source and pin-value are known",
				       word);
		}
	}
	return 0;
}

static ENGINE *open_engine(const char *module, struct err *err)
{
	const char *pin = getenv("CAIRN_PIN");
	ENGINE *e;

	ENGINE_load_dynamic();
	e = ENGINE_by_id("pkcs11");
	if (!e) {
		(void)err_set(err, -ENODEV,
			      "OpenSSL has no engine for PKCS #11 (Debian: "
			      "libengine-pkcs11-openssl)");
		return NULL;
	}
	if ((*module && !ENGINE_ctrl_cmd_string(e, "MODULE_PATH", module, 0)) || !ENGINE_init(e)) {
		(void)err_set(err, -ENODEV, "the token's module %s cannot be loaded",
			      *module ? module : "(the engine's default)");
		ENGINE_free(e);
		return NULL;
	}
	if (pin && *pin && !ENGINE_ctrl_cmd_string(e, "PIN", pin, 0)) {
		(void)err_set(err, -EINVAL, "the engine does not take CAIRN_PIN");
		(void)ENGINE_finish(e);
		ENGINE_free(e);
		return NULL;
	}
	return e;
}

int pkcs11_open(const char *text, int private_too, EVP_PKEY **ret, struct err *err)
{
	/* One token a run; it stays open until the program ends. */
	static ENGINE *engine;
	static char loaded[URI_MAX];
	char uri[URI_MAX], module[URI_MAX];
	UI_METHOD *ask;
	EVP_PKEY *key;
	int rc = split(text, uri, module, err);

	if (rc)
		return rc;
	if (engine && strcmp(loaded, module) != 0)
		return err_set(err, -EINVAL, "two modules in one run: %s and %s", loaded, module);
	if (!engine) {
		engine = open_engine(module, err);
		if (!engine)
			return -ENODEV;
		(void)strcpy(loaded, module);
	}
	/* A method that has no answer: a missing PIN is an error, not a question. */
	(void)ENGINE_ctrl_cmd(engine, "QUIET", 0, NULL, NULL, 0);
	ask = UI_create_method("none");
	key = private_too ? ENGINE_load_private_key(engine, uri, ask, NULL)
			  : ENGINE_load_public_key(engine, uri, ask, NULL);
	UI_destroy_method(ask);
	ERR_clear_error();
	if (!key)
		return err_set(err, -ENOKEY,
			       "the token has no such key, or the PIN (CAIRN_PIN) is wrong");
	*ret = key;
	return 0;
}
