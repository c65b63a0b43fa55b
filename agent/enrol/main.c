// SPDX-License-Identifier: Apache-2.0
/*
 * enrol: a machine in UEFI Setup Mode takes the owner's Secure Boot keys, once, before anything is
 * kept on it, and restarts. lib/enrolplan.h has the rules; this looks and does. In the root only
 * where conf/cairn.conf says secureboot_enrol=yes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/core/privileges.h"
#include "agent/init/client.h"
#include "enrolplan.h"
#include "hex.h"
#include "installed.h"
#include "io.h"
#include "vars.h"

#define FOLDER "/etc/cairn/secureboot/"

/* What the release brings for each variable; len 0: nothing. */
struct prepared {
	uint8_t buf[EFIAUTH_MAX + 1];
	size_t len;
	struct efiauth auth;
};

static struct prepared prepared[EFIAUTH_VARS];
static uint8_t now[EFIAUTH_MAX];

static void say(const char *text, const char *why)
{
	char line[512], *p;

	(void)snprintf(line, sizeof(line), "%s", why ? why : "");
	for (p = line; *p; p++)
		if (*p == '"')
			*p = '\'';
	(void)printf(why ? "cairn: enrol %s why=\"%s\"\n" : "cairn: enrol %s\n", text, line);
	(void)fflush(stdout);
}

/* dbx may be missing; the others must be there. */
static int load(struct err *err)
{
	char path[64];
	size_t n;
	int var, rc;

	for (var = 0; var < EFIAUTH_VARS; var++) {
		struct prepared *p = &prepared[var];

		(void)snprintf(path, sizeof(path), FOLDER "%s.auth",
			       efiauth_name((enum efiauth_var)var));
		rc = io_read_file(path, p->buf, sizeof(p->buf), &p->len);
		if (rc == -ENOENT && var == EFIAUTH_DBX)
			continue;
		if (rc)
			return err_sys(err, rc, "%s", path);
		rc = efiauth_parse(p->buf, p->len, &p->auth, err);
		if (!rc && efiauth_check(p->auth.content, p->auth.content_len, &n))
			rc = err_set(err, -EBADMSG, "malformed");
		if (rc) {
			err_prefix(err, "%s", path);
			return rc;
		}
	}
	return 0;
}

static bool has(enum efiauth_var var)
{
	const struct efiauth *a = &prepared[var].auth;
	size_t len;

	if (!prepared[var].len)
		return true;
	if (vars_get(var, now, &len))
		return false;
	/* What a machine revoked already stays in its dbx. */
	if (var == EFIAUTH_DBX)
		return efiauth_has_all(now, len, a->content, a->content_len);
	return len == a->content_len && memcmp(now, a->content, len) == 0;
}

static void look(struct enrolplan_facts *f)
{
	int var;

	f->variables = vars_flag("SetupMode", &f->setup_mode) == 0;
	for (var = 0; f->variables && var < EFIAUTH_VARS; var++)
		f->has[var] = has((enum efiauth_var)var);
}

static enum enrolplan_check check(const struct installed *in, struct err *err)
{
	const struct efiauth *db = &prepared[EFIAUTH_DB].auth, *dbx = &prepared[EFIAUTH_DBX].auth;
	static const uint8_t none;
	struct authenticode_keys keys = { db->content, dbx->content ? dbx->content : &none,
					  db->content_len, dbx->content_len };
	uint8_t loader[SHA256_SIZE], kernel[SHA256_SIZE];
	char loader_text[2 * SHA256_SIZE + 1], kernel_text[2 * SHA256_SIZE + 1];
	size_t len;

	if (installed_check(in, &keys, loader, kernel, err))
		return ENROLPLAN_REFUSED;
	/* The dbx that is there stays, so it counts too. */
	if (vars_get(EFIAUTH_DBX, now, &len)) {
		(void)err_set(err, -EIO, "dbx cannot be read");
		return ENROLPLAN_REFUSED;
	}
	keys.dbx = now;
	keys.dbx_len = len;
	if (installed_check(in, &keys, loader, kernel, err))
		return ENROLPLAN_REFUSED;
	hex_encode(loader, sizeof(loader), loader_text);
	hex_encode(kernel, sizeof(kernel), kernel_text);
	(void)printf("cairn: enrol checked loader=%s kernel=%s\n", loader_text, kernel_text);
	(void)fflush(stdout);
	return ENROLPLAN_FITS;
}

/* A variable that did not take, or reads back otherwise, is broken. */
static void write_var(struct enrolplan_facts *f, enum efiauth_var var, struct err *err)
{
	char text[32];
	int rc = vars_set(var, prepared[var].buf, prepared[var].len);

	f->wrote = true;
	if (rc)
		(void)err_sys(err, rc, "the firmware does not take %s", efiauth_name(var));
	else if (!has(var))
		rc = err_set(err, -EIO, "%s does not read back", efiauth_name(var));
	f->broken = rc != 0;
	(void)snprintf(text, sizeof(text), "wrote %s", efiauth_name(var));
	if (!rc)
		say(text, NULL);
}

/* DATA waits for this service's end, so it is not made or sealed before the restart. */
static int restart(void)
{
	struct err err = { "" };

	say("done, restarting under Secure Boot", NULL);
	if (client_order(INIT_SOCKET, INIT_OP_REBOOT, NULL, &err)) {
		say("failed", err.msg);
		return 111;
	}
	for (;;)
		(void)pause();
}

static int run(struct enrolplan_facts *f, const struct installed *in)
{
	struct err err = { "" };
	bool on;

	for (;;) {
		enum efiauth_var var = EFIAUTH_VARS;
		enum enrolplan_step step;

		look(f);
		step = enrolplan_next(f, &var);
		if (step == ENROLPLAN_CHECK) {
			f->check = check(in, &err);
		} else if (step == ENROLPLAN_WRITE) {
			write_var(f, var, &err);
		} else if (step == ENROLPLAN_RESTART) {
			return restart();
		} else {
			if (step == ENROLPLAN_OURS && (vars_flag("SecureBoot", &on) || !on))
				say("off",
				    "the firmware has our keys, and Secure Boot switched off");
			else if (enrolplan_why(step))
				say("refused", err.msg[0] ? err.msg : enrolplan_why(step));
			return 0;
		}
	}
}

int main(void)
{
	struct enrolplan_facts f = { .prepared = true };
	struct installed in = { .esp = 1 };
	struct err err = { "" };

	if (sandbox_enter(privileges_of("enrol"), &err)) {
		(void)fprintf(stderr, "enrol: %s\n", err.msg);
		return 111;
	}
	if (load(&err) || installed_find(&in, &err)) {
		say("refused", err.msg);
		return 0;
	}
	f.last_try = in.last_try;
	return run(&f, &in);
}
