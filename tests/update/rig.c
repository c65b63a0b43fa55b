// SPDX-License-Identifier: Apache-2.0
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/core/parts.h"
#include "agent/update/orders.h"
#include "io.h"
#include "tests/unit/testkeys.h"

struct rig rig = { .dir = "policy.XXXXXX" };

static const char rig_manifest[] = "what the writer checked";

/* What main.c and orders.c are on a machine. */

uint64_t main_now_ms(void)
{
	return rig.clock_ms;
}

int64_t main_wall_s(void)
{
	return rig.wall_s;
}

int orders_reboot(void)
{
	rig.reboots++;
	return 0;
}

int orders_seal(const uint8_t *manifest, size_t len, int trust_fd, void (*feed)(void),
		struct err *err)
{
	(void)trust_fd;
	feed();
	/* What the writer checked, nothing else. */
	assert_int_equal(len, sizeof(rig_manifest) - 1);
	assert_memory_equal(manifest, rig_manifest, len);
	rig.seals++;
	return rig.seal_rc ? err_set(err, rig.seal_rc, "the TPM is away") : 0;
}

int orders_good(void (*feed)(void), struct err *err)
{
	feed();
	rig.goods++;
	return rig.seal_rc ? err_set(err, rig.seal_rc, "the TPM is away") : 0;
}

bool orders_data_in_use(void)
{
	return !rig.data_shut;
}

int orders_reset(bool keep_identity)
{
	(void)keep_identity;
	return 0;
}

static int keep_trust(void *owner, const uint8_t *buf, size_t len, struct err *err)
{
	struct update *x = owner;

	return records_add_trust(&x->rec, buf, len, err);
}

/* A life of the service. */

void rig_begin(void)
{
	int w[2], f[2];
	struct err err;

	if (rig.writer)
		(void)close(rig.writer);
	if (rig.fetch)
		(void)close(rig.fetch);
	if (rig.u.writer_fd)
		(void)close(rig.u.writer_fd);
	if (rig.u.source.fd)
		(void)close(rig.u.source.fd);
	memset(&rig.u, 0, sizeof(rig.u));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, w), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, f), 0);
	rig.u.writer_fd = w[0];
	rig.writer = w[1];
	rig.u.source.fd = f[0];
	rig.fetch = f[1];
	rig.u.run_dir = rig.dir;
	rig.u.time_file = rig.time_file;
	rig.u.stick_fd = rig.u.job.fd = rig.u.health.part_fd = -1;
	rig.u.source.trust = &rig.u.trust;
	rig.u.source.keep_trust = keep_trust;
	rig.u.source.owner = &rig.u;
	initclient_init(&rig.u.health.init);
	updateconf_defaults(&rig.u.conf);
	(void)strcpy(rig.u.conf.channel, "http://updates.example.org/stable");
	rig.u.conf.jitter_pct = 0;
	rig.u.own.release = 4;
	(void)strcpy(rig.u.own.version, "0.4.0");
	(void)strcpy(rig.u.own.compatible, "cairn-x86_64");
	rig.u.own.has_root = true;
	memset(rig.u.own.root, 0x44, sizeof(rig.u.own.root));
	records_load(&rig.u.rec, rig.dir);
	rig.u.trust = rig.trust;
	updatetime_init(&rig.u.time, RIG_BUILD, rig.u.rec.floor_s, rig.clock_ms);
	rig.u.floor_saved_ms = rig.clock_ms;
	assert_int_equal(policy_begin(&rig.u, &err), 0);
}

static void forget_files(void)
{
	char cmd[128];

	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s/*", rig.dir);
	assert_int_equal(system(cmd), 0); // NOLINT(cert-env33-c)
}

void rig_set_time(bool synced, int64_t s)
{
	const char *text = synced ? "state=synced\n" : "state=asking\n";

	rig.wall_s = s;
	assert_int_equal(io_replace_file(rig.time_file, text, strlen(text), 0644), 0);
}

int rig_setup(void **state)
{
	(void)state;
	forget_files();
	rig_set_time(true, RIG_BUILD + RIG_DAY);
	rig.reboots = rig.seals = rig.goods = 0;
	rig.seal_rc = 0;
	rig.data_shut = false;
	rig.clock_ms += 1000;
	testkeys_simple(&rig.trust);
	return 0;
}

int rig_forget_switch(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/switching", rig.dir);
	return unlink(path);
}

/* The writer. */

struct writer_order rig_ordered(enum writer_op op)
{
	struct writer_order o;

	if (part_receive(rig.writer, &o, sizeof(o)) != 1)
		fail_msg("no order, expected %d in state %s", op,
			 updateplan_state_name(rig.u.state));
	assert_int_equal(o.version, UPDATE_PROTO_VERSION);
	assert_int_equal(o.op, op);
	return o;
}

void rig_no_order(void)
{
	struct writer_order o;

	assert_int_equal(part_receive(rig.writer, &o, sizeof(o)), 0);
}

const struct writer_bootstate rig_boot_a = {
	.known = 1,
	.booted = WRITER_SLOT_A,
	.primary = WRITER_SLOT_A,
	.good = { 1, 1 },
	.tries = { 2, 3 },
};

void rig_report(enum writer_op op, int rc, enum writer_cause cause,
		const struct writer_bootstate *boot)
{
	struct writer_report r = {
		.version = UPDATE_PROTO_VERSION,
		.op = op,
		.final = 1,
		.rc = rc,
		.cause = cause,
		.fetched = 12345,
		.boot = *boot,
	};

	memset(r.root_hash, 0x55, sizeof(r.root_hash));
	if (op == WRITER_INSTALL && !rc) {
		r.manifest_len = sizeof(rig_manifest) - 1;
		memcpy(r.manifest, rig_manifest, r.manifest_len);
	}
	if (rc)
		(void)strcpy(r.why, "as the test says");
	assert_int_equal(policy_report(&rig.u, &r), 0);
}

void rig_state_is(enum updateplan_state s)
{
	if (rig.u.state != s)
		fail_msg("state %s, expected %s (%s: %s)", updateplan_state_name(rig.u.state),
			 updateplan_state_name(s), rig.u.what, rig.u.why);
}

void rig_healthy(void)
{
	rig.u.health.step = HEALTH_PASSED;
	assert_int_equal(policy_turn(&rig.u), 0);
}

void rig_sick(const char *what, const char *why)
{
	rig.u.health.step = HEALTH_PROGRAMS;
	(void)snprintf(rig.u.health.what, sizeof(rig.u.health.what), "%s", what);
	(void)snprintf(rig.u.health.why, sizeof(rig.u.health.why), "%s", why);
	rig.u.health.step = HEALTH_LOOK;
	rig.u.health.next_ms = UINT64_MAX;
	rig.clock_ms = rig.u.health.until_ms;
	assert_int_equal(policy_turn(&rig.u), 0);
}

void rig_up(void)
{
	rig_begin();
	(void)rig_ordered(WRITER_STATE);
	rig_report(WRITER_STATE, 0, 0, &rig_boot_a);
	rig_state_is(UPDATEPLAN_SETTLE);
	rig_no_order();
	rig_healthy();
	(void)rig_ordered(WRITER_MARK_GOOD);
	rig_report(WRITER_MARK_GOOD, 0, 0, &rig_boot_a);
	rig_state_is(UPDATEPLAN_IDLE);
	assert_true(rig.u.marked);
}

void rig_activated(void)
{
	const struct channel c = rig_offer(1, 5);

	rig_up();
	rig_look(&c);
	(void)rig_ordered(WRITER_INSTALL);
	rig_report(WRITER_INSTALL, 0, 0, &rig_boot_a);
	assert_int_equal(policy_turn(&rig.u), 0);
	(void)rig_ordered(WRITER_ACTIVATE);
	rig_report(WRITER_ACTIVATE, 0, 0, &rig_boot_a);
	assert_int_equal(rig.reboots, 1);
	rig.reboots = 0;
}

void rig_trial_of_5(unsigned int tries)
{
	const struct writer_bootstate trial = {
		.known = 1,
		.booted = WRITER_SLOT_B,
		.primary = WRITER_SLOT_B,
		.good = { 1, 0 },
		.tries = { 3, (uint8_t)tries },
	};

	(void)rig_forget_switch();
	rig_begin();
	rig.u.own.release = 5;
	memset(rig.u.own.root, 0x55, sizeof(rig.u.own.root));
	(void)rig_ordered(WRITER_STATE);
	rig_report(WRITER_STATE, 0, 0, &trial);
	rig_state_is(UPDATEPLAN_TRIAL);
}

/* Fetch. */

void rig_take_result(void)
{
	enum source_result result;

	assert_int_equal(source_take(&rig.u.source, &result, rig.clock_ms), 0);
	assert_int_equal(policy_source(&rig.u, result), 0);
}

struct source_config rig_config_wanted(void)
{
	struct source_data d = { .version = UPDATE_PROTO_VERSION, .op = SOURCE_CONFIG, .last = 1 };
	struct source_config c;

	assert_int_equal(part_receive(rig.fetch, &c, sizeof(c)), 1);
	assert_int_equal(c.op, SOURCE_CONFIG);
	assert_int_equal(part_send(rig.fetch, &d, sizeof(d)), 0);
	rig_take_result();
	return c;
}

struct source_request rig_read_wanted(enum source_object object, const void *buf, size_t len,
				      int rc)
{
	static struct source_data d;
	struct source_request q;

	if (part_receive(rig.fetch, &q, sizeof(q)) != 1)
		fail_msg("nothing is read in state %s: %s", updateplan_state_name(rig.u.state),
			 rig.u.why);
	assert_int_equal(q.op, SOURCE_READ);
	assert_int_equal(q.object, object);
	memset(&d, 0, sizeof(d));
	d.version = UPDATE_PROTO_VERSION;
	d.op = SOURCE_READ;
	d.id = q.id;
	d.rc = rc;
	d.last = 1;
	d.len = (uint32_t)len;
	d.total = len;
	if (len)
		memcpy(d.bytes, buf, len);
	assert_int_equal(part_send(rig.fetch, &d, sizeof(d)), 0);
	rig_take_result();
	return q;
}

struct channel rig_offer(uint64_t sequence, uint64_t release)
{
	struct channel c = {
		.name = "stable",
		.compatible = "cairn-x86_64",
		.sequence = sequence,
		.created = (uint64_t)RIG_BUILD,
		.expires = (uint64_t)(RIG_BUILD + 30 * RIG_DAY),
		.trust = 1,
		.release = release,
		.version = "0.5.0",
		.full = { .size_bytes = 1000 },
	};

	memset(c.full.manifest, 0xf0 + (int)release, SHA256_SIZE);
	return c;
}

void rig_with_delta(struct channel *c)
{
	c->deltas = 1;
	memset(c->delta[0].base, 0x44, SHA256_SIZE);
	memset(c->delta[0].manifest, 0xd0 + (int)c->release, SHA256_SIZE);
	c->delta[0].size_bytes = 100;
}

void rig_serve_by(const struct channel *c, unsigned int mask)
{
	uint8_t doc[CHANNEL_DOCUMENT_MAX], buf[SIGNED_MAX];
	size_t len;

	assert_int_equal(channel_format(c, doc, &len), 0);
	len = testkeys_sign(doc, len, mask, buf);
	(void)rig_config_wanted();
	(void)rig_read_wanted(SOURCE_TRUST, NULL, 0, -ENOENT);
	(void)rig_read_wanted(SOURCE_CHANNEL, buf, len, 0);
}

void rig_look(const struct channel *c)
{
	const struct update_request q = { .version = 1, .op = UPDATE_OP_CHECK };
	char why[UPDATELOG_WHY_SIZE] = "";

	assert_int_equal(policy_order(&rig.u, &q, -1, why), 0);
	rig_serve_by(c, 4);
}

void rig_refused(const char *what, const char *why)
{
	rig_state_is(UPDATEPLAN_BACKOFF);
	rig_no_order();
	assert_string_equal(rig.u.what, what);
	if (!strstr(rig.u.why, why))
		fail_msg("`%s' does not say: %s", rig.u.why, why);
}

struct updatelog_attempt *rig_last(void)
{
	return updatelog_last(&rig.u.rec.log, 0);
}

int rig_make(void **state)
{
	(void)state;
	rig.clock_ms = 10000;
	if (!mkdtemp(rig.dir))
		return -1;
	(void)snprintf(rig.time_file, sizeof(rig.time_file), "%s/time", rig.dir);
	return 0;
}

int rig_remove(void **state)
{
	(void)state;
	forget_files();
	return rmdir(rig.dir);
}
