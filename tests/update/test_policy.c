// SPDX-License-Identifier: Apache-2.0
/*
 * The main part of service update between a writer, a fetch and a clock of our own: what it orders,
 * what it believes, what it remembers. Signatures are real (testkeys.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/core/parts.h"
#include "agent/update/main.h"
#include "agent/update/orders.h"
#include "agent/update/policy.h"
#include "io.h"
#include "tests/unit/testkeys.h"

#define BUILD INT64_C(1795478400)
#define DAY INT64_C(86400)

static struct update u;
static int writer, fetch; /* our ends */
static uint64_t clock_ms;
static int64_t wall_s;
static unsigned int reboots;
static char dir[] = "policy.XXXXXX", time_file[64];
static struct trust trust;

/* What main.c and orders.c are on a machine. */

uint64_t main_now_ms(void)
{
	return clock_ms;
}

int64_t main_wall_s(void)
{
	return wall_s;
}

int orders_reboot(void)
{
	reboots++;
	return 0;
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

static void begin(void)
{
	int w[2], f[2];
	struct err err;

	if (writer)
		(void)close(writer);
	if (fetch)
		(void)close(fetch);
	if (u.writer_fd)
		(void)close(u.writer_fd);
	if (u.source.fd)
		(void)close(u.source.fd);
	memset(&u, 0, sizeof(u));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, w), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, f), 0);
	u.writer_fd = w[0];
	writer = w[1];
	u.source.fd = f[0];
	fetch = f[1];
	u.run_dir = dir;
	u.time_file = time_file;
	u.stick_fd = u.job.fd = u.health.part_fd = -1;
	u.source.trust = &u.trust;
	u.source.keep_trust = keep_trust;
	u.source.owner = &u;
	initclient_init(&u.health.init);
	updateconf_defaults(&u.conf);
	(void)strcpy(u.conf.channel, "http://updates.example.org/stable");
	u.conf.jitter_pct = 0;
	u.own.release = 4;
	(void)strcpy(u.own.version, "0.4.0");
	(void)strcpy(u.own.compatible, "cairn-x86_64");
	u.own.has_root = true;
	memset(u.own.root, 0x44, sizeof(u.own.root));
	records_load(&u.rec, dir);
	u.trust = trust;
	updatetime_init(&u.time, BUILD, u.rec.floor_s, clock_ms);
	u.floor_saved_ms = clock_ms;
	assert_int_equal(policy_begin(&u, &err), 0);
}

static void forget_files(void)
{
	char cmd[128];

	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s/*", dir);
	assert_int_equal(system(cmd), 0); // NOLINT(cert-env33-c)
}

static void set_time(bool synced, int64_t s)
{
	const char *text = synced ? "state=synced\n" : "state=asking\n";

	wall_s = s;
	assert_int_equal(io_replace_file(time_file, text, strlen(text), 0644), 0);
}

static int setup(void **state)
{
	(void)state;
	forget_files();
	set_time(true, BUILD + DAY);
	reboots = 0;
	clock_ms += 1000;
	testkeys_simple(&trust);
	return 0;
}

/* The writer. */

static struct writer_order ordered(enum writer_op op)
{
	struct writer_order o;

	if (part_receive(writer, &o, sizeof(o)) != 1)
		fail_msg("no order, expected %d in state %s", op, updateplan_state_name(u.state));
	assert_int_equal(o.version, UPDATE_PROTO_VERSION);
	assert_int_equal(o.op, op);
	return o;
}

static void no_order(void)
{
	struct writer_order o;

	assert_int_equal(part_receive(writer, &o, sizeof(o)), 0);
}

static struct writer_bootstate boot_a = {
	.known = 1,
	.booted = WRITER_SLOT_A,
	.primary = WRITER_SLOT_A,
	.good = { 1, 1 },
	.tries = { 2, 3 },
};

static void report(enum writer_op op, int rc, enum writer_cause cause,
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
	if (rc)
		(void)strcpy(r.why, "as the test says");
	assert_int_equal(policy_report(&u, &r), 0);
}

static void state_is(enum updateplan_state s)
{
	if (u.state != s)
		fail_msg("state %s, expected %s (%s: %s)", updateplan_state_name(u.state),
			 updateplan_state_name(s), u.what, u.why);
}

/* healthy - the checks pass. */
static void healthy(void)
{
	u.health.step = HEALTH_PASSED;
	assert_int_equal(policy_turn(&u), 0);
}

/* sick - the window ends. */
static void sick(const char *what, const char *why)
{
	u.health.step = HEALTH_PROGRAMS;
	(void)snprintf(u.health.what, sizeof(u.health.what), "%s", what);
	(void)snprintf(u.health.why, sizeof(u.health.why), "%s", why);
	u.health.step = HEALTH_LOOK;
	u.health.next_ms = UINT64_MAX;
	clock_ms = u.health.until_ms;
	assert_int_equal(policy_turn(&u), 0);
}

/* up - a committed boot, marked good. */
static void up(void)
{
	begin();
	(void)ordered(WRITER_STATE);
	report(WRITER_STATE, 0, 0, &boot_a);
	state_is(UPDATEPLAN_SETTLE);
	no_order();
	healthy();
	(void)ordered(WRITER_MARK_GOOD);
	report(WRITER_MARK_GOOD, 0, 0, &boot_a);
	state_is(UPDATEPLAN_IDLE);
	assert_true(u.marked);
}

/* Fetch. */

static void take_result(void)
{
	enum source_result result;

	assert_int_equal(source_take(&u.source, &result, clock_ms), 0);
	assert_int_equal(policy_source(&u, result), 0);
}

static struct source_config config_wanted(void)
{
	struct source_data d = { .version = UPDATE_PROTO_VERSION, .op = SOURCE_CONFIG, .last = 1 };
	struct source_config c;

	assert_int_equal(part_receive(fetch, &c, sizeof(c)), 1);
	assert_int_equal(c.op, SOURCE_CONFIG);
	assert_int_equal(part_send(fetch, &d, sizeof(d)), 0);
	take_result();
	return c;
}

/* read_wanted - the request, answered with these bytes or with rc. */
static struct source_request read_wanted(enum source_object object, const void *buf, size_t len,
					 int rc)
{
	static struct source_data d;
	struct source_request q;

	if (part_receive(fetch, &q, sizeof(q)) != 1)
		fail_msg("nothing is read in state %s: %s", updateplan_state_name(u.state), u.why);
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
	assert_int_equal(part_send(fetch, &d, sizeof(d)), 0);
	take_result();
	return q;
}

static struct channel offer(uint64_t sequence, uint64_t release)
{
	struct channel c = {
		.name = "stable",
		.compatible = "cairn-x86_64",
		.sequence = sequence,
		.created = (uint64_t)BUILD,
		.expires = (uint64_t)(BUILD + 30 * DAY),
		.trust = 1,
		.release = release,
		.version = "0.5.0",
		.full = { .size_bytes = 1000 },
	};

	memset(c.full.manifest, 0xf0 + (int)release, SHA256_SIZE);
	return c;
}

static void with_delta(struct channel *c)
{
	c->deltas = 1;
	memset(c->delta[0].base, 0x44, SHA256_SIZE);
	memset(c->delta[0].manifest, 0xd0 + (int)c->release, SHA256_SIZE);
	c->delta[0].size_bytes = 100;
}

/* serve_by - the channel is read, signed by the keys of the mask. */
static void serve_by(const struct channel *c, unsigned int mask)
{
	uint8_t doc[CHANNEL_DOCUMENT_MAX], buf[SIGNED_MAX];
	size_t len;

	assert_int_equal(channel_format(c, doc, &len), 0);
	len = testkeys_sign(doc, len, mask, buf);
	(void)config_wanted();
	(void)read_wanted(SOURCE_TRUST, NULL, 0, -ENOENT);
	(void)read_wanted(SOURCE_CHANNEL, buf, len, 0);
}

/* look - by order, and this is what is there. */
static void look(const struct channel *c)
{
	const struct update_request q = { .version = 1, .op = UPDATE_OP_CHECK };
	char why[UPDATELOG_WHY_SIZE] = "";

	assert_int_equal(policy_order(&u, &q, -1, why), 0);
	serve_by(c, 4);
}

static void refused(const char *what, const char *why)
{
	state_is(UPDATEPLAN_BACKOFF);
	no_order();
	assert_string_equal(u.what, what);
	if (!strstr(u.why, why))
		fail_msg("`%s' does not say: %s", u.why, why);
}

static struct updatelog_attempt *last(void)
{
	return updatelog_last(&u.rec.log, 0);
}

/* The tests. */

static void test_full_update(void **state)
{
	const struct channel c = offer(1, 5);
	struct writer_order o;

	(void)state;
	up();
	/* The first poll comes by itself. */
	clock_ms += 3700000;
	assert_int_equal(policy_turn(&u), 0);
	state_is(UPDATEPLAN_CHECKING);
	serve_by(&c, 4);
	state_is(UPDATEPLAN_FULL);
	o = ordered(WRITER_INSTALL);
	assert_memory_equal(o.digest, c.full.manifest, SHA256_SIZE);
	assert_int_equal(o.release, 5);
	assert_int_equal(o.flags, 0);
	assert_int_equal(last()->outcome, UPDATELOG_RUNNING);
	report(WRITER_INSTALL, 0, 0, &boot_a);
	state_is(UPDATEPLAN_WRITTEN);
	assert_int_equal(last()->outcome, UPDATELOG_WRITTEN);
	assert_int_equal(policy_turn(&u), 0);
	(void)ordered(WRITER_ACTIVATE);
	/* In the history before the switch. */
	assert_int_equal(last()->outcome, UPDATELOG_TRIAL);
	assert_int_equal(reboots, 0);
	report(WRITER_ACTIVATE, 0, 0, &boot_a);
	assert_int_equal(reboots, 1);
	state_is(UPDATEPLAN_REBOOTING);
	/* init did not take it: again. */
	clock_ms += 31000;
	assert_int_equal(policy_turn(&u), 0);
	assert_int_equal(reboots, 2);
}

/* trial_of_5 - the machine after that restart. */
static void trial_of_5(unsigned int tries)
{
	const struct writer_bootstate trial = {
		.known = 1,
		.booted = WRITER_SLOT_B,
		.primary = WRITER_SLOT_B,
		.good = { 1, 0 },
		.tries = { 3, (uint8_t)tries },
	};
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/switching", dir);
	(void)unlink(path);
	begin();
	u.own.release = 5;
	memset(u.own.root, 0x55, sizeof(u.own.root));
	(void)ordered(WRITER_STATE);
	report(WRITER_STATE, 0, 0, &trial);
	state_is(UPDATEPLAN_TRIAL);
}

static void activated(void)
{
	const struct channel c = offer(1, 5);

	up();
	look(&c);
	(void)ordered(WRITER_INSTALL);
	report(WRITER_INSTALL, 0, 0, &boot_a);
	assert_int_equal(policy_turn(&u), 0);
	(void)ordered(WRITER_ACTIVATE);
	report(WRITER_ACTIVATE, 0, 0, &boot_a);
	assert_int_equal(reboots, 1);
	reboots = 0;
}

static void test_trial_good(void **state)
{
	struct writer_bootstate b = boot_a;

	(void)state;
	activated();
	trial_of_5(2);
	/* No poll, and nothing is written, while on trial. */
	clock_ms += 100000;
	assert_int_equal(policy_turn(&u), 0);
	state_is(UPDATEPLAN_TRIAL);
	u.own.floor = 3;
	healthy();
	(void)ordered(WRITER_MARK_GOOD);
	assert_int_equal(last()->outcome, UPDATELOG_TRIAL);
	b.booted = b.primary = WRITER_SLOT_B;
	report(WRITER_MARK_GOOD, 0, 0, &b);
	assert_int_equal(last()->outcome, UPDATELOG_GOOD);
	/* The floor rises with what is good, and survives. */
	begin();
	assert_int_equal(u.rec.version_floor, 3);
	assert_int_equal(last()->outcome, UPDATELOG_GOOD);
}

static void test_mark_good_not_durable(void **state)
{
	(void)state;
	activated();
	trial_of_5(2);
	healthy();
	(void)ordered(WRITER_MARK_GOOD);
	report(WRITER_MARK_GOOD, -EIO, WRITER_CAUSE_STATE, &boot_a);
	state_is(UPDATEPLAN_BLIND);
	assert_false(u.marked);
	assert_int_equal(last()->outcome, UPDATELOG_TRIAL);
	/* What the disk says decides again. */
	clock_ms += 61000;
	assert_int_equal(policy_turn(&u), 0);
	(void)ordered(WRITER_STATE);
}

static void test_trial_sick(void **state)
{
	const struct channel again = offer(2, 5), newer = offer(3, 6);

	(void)state;
	activated();
	trial_of_5(2);
	sick("pump", "has not answered");
	assert_int_equal(reboots, 1);
	state_is(UPDATEPLAN_REBOOTING);
	no_order();
	/* The last try: given up, durably, before the restart. */
	trial_of_5(0);
	sick("pump", "has not answered");
	assert_int_equal(ordered(WRITER_MARK_BAD).slot, WRITER_SLOT_B);
	assert_int_equal(reboots, 1);
	report(WRITER_MARK_BAD, 0, 0, &boot_a);
	assert_int_equal(reboots, 2);
	/* The old release again: it knows, and takes it no more. */
	{
		char path[64];

		(void)snprintf(path, sizeof(path), "%s/switching", dir);
		assert_int_equal(unlink(path), 0);
	}
	up();
	assert_int_equal(last()->outcome, UPDATELOG_FELL_BACK);
	assert_string_equal(last()->why, "pump: has not answered");
	look(&again);
	state_is(UPDATEPLAN_IDLE);
	no_order();
	assert_string_equal(u.what, "refused");
	/* A newer one is taken. */
	look(&newer);
	(void)ordered(WRITER_INSTALL);
}

static void test_trial_alone(void **state)
{
	struct writer_bootstate b = {
		.known = 1,
		.booted = WRITER_SLOT_A,
		.primary = WRITER_SLOT_A,
	};

	(void)state;
	begin();
	(void)ordered(WRITER_STATE);
	report(WRITER_STATE, 0, 0, &b);
	state_is(UPDATEPLAN_TRIAL);
	sick("data", "is full");
	/* There is nowhere to go: it stays, can be updated, and may become healthy. */
	state_is(UPDATEPLAN_IDLE);
	assert_int_equal(reboots, 0);
	clock_ms += 61000;
	healthy();
	(void)ordered(WRITER_MARK_GOOD);
}

static void fell_back(uint64_t running)
{
	struct writer_bootstate b = boot_a;

	b.primary = WRITER_SLOT_B;
	b.good[1] = b.tries[1] = 0;
	begin();
	u.own.release = running;
	(void)ordered(WRITER_STATE);
	report(WRITER_STATE, 0, 0, &b);
}

static void test_fallback(void **state)
{
	const struct channel c = offer(2, 5);
	char path[64];

	(void)state;
	activated();
	/* Killed before the restart: what was switched is not taken for left. */
	fell_back(4);
	state_is(UPDATEPLAN_REBOOTING);
	assert_int_equal(reboots, 1);
	assert_int_equal(last()->outcome, UPDATELOG_TRIAL);
	/* The next boot: GRUB left it. */
	(void)snprintf(path, sizeof(path), "%s/switching", dir);
	assert_int_equal(unlink(path), 0);
	fell_back(4);
	state_is(UPDATEPLAN_FALLBACK);
	(void)ordered(WRITER_PRIMARY);
	assert_int_equal(last()->outcome, UPDATELOG_FELL_BACK);
	assert_string_equal(last()->why, "did not become healthy in its tries");
	report(WRITER_PRIMARY, 0, 0, &boot_a);
	state_is(UPDATEPLAN_SETTLE);
	healthy();
	(void)ordered(WRITER_MARK_GOOD);
	report(WRITER_MARK_GOOD, 0, 0, &boot_a);
	look(&c);
	no_order();
	/* The operator says otherwise. */
	{
		const struct update_request q = { .op = UPDATE_OP_FORGET, .number = 5 };
		char why[UPDATELOG_WHY_SIZE] = "";

		assert_int_equal(policy_order(&u, &q, -1, why), 0);
		assert_int_equal(policy_order(&u, &q, -1, why), -ENOENT);
	}
	look(&c);
	(void)ordered(WRITER_INSTALL);
}

static void test_no_boot_state(void **state)
{
	const struct writer_bootstate none = { .known = 0 };

	(void)state;
	begin();
	(void)ordered(WRITER_STATE);
	report(WRITER_STATE, -EIO, WRITER_CAUSE_STATE, &none);
	state_is(UPDATEPLAN_BLIND);
	clock_ms += 61000;
	assert_int_equal(policy_turn(&u), 0);
	(void)ordered(WRITER_STATE);
	report(WRITER_STATE, 0, 0, &boot_a);
	state_is(UPDATEPLAN_SETTLE);
}

static void test_delta_and_fallback_to_full(void **state)
{
	struct channel c = offer(1, 5);
	struct writer_order o;

	(void)state;
	with_delta(&c);
	up();
	look(&c);
	state_is(UPDATEPLAN_DELTA);
	o = ordered(WRITER_INSTALL);
	assert_memory_equal(o.digest, c.delta[0].manifest, SHA256_SIZE);
	report(WRITER_INSTALL, -ESTALE, WRITER_CAUSE_DELTA, &boot_a);
	state_is(UPDATEPLAN_FULL);
	o = ordered(WRITER_INSTALL);
	assert_memory_equal(o.digest, c.full.manifest, SHA256_SIZE);
	report(WRITER_INSTALL, -ECONNRESET, WRITER_CAUSE_SOURCE, &boot_a);
	state_is(UPDATEPLAN_BACKOFF);
	assert_int_equal(u.failures, 1);
	/* Later, and without trying the delta again. */
	look(&c);
	state_is(UPDATEPLAN_FULL);
	o = ordered(WRITER_INSTALL);
	assert_memory_equal(o.digest, c.full.manifest, SHA256_SIZE);
	/* Twice the channel offers what the server does not have: the network's fault. */
	report(WRITER_INSTALL, -ENOENT, WRITER_CAUSE_SOURCE, &boot_a);
	state_is(UPDATEPLAN_BACKOFF);
	assert_int_equal(u.rec.log.refuseds, 0);
	/* Another root: no delta fits. */
	c.release = 6;
	c.sequence = 2;
	c.delta[0].base[0] ^= 1;
	look(&c);
	state_is(UPDATEPLAN_FULL);
	(void)ordered(WRITER_INSTALL);
}

static void test_delta_missing_or_damaged(void **state)
{
	static const struct {
		int rc;
		enum writer_cause cause;
	} ends[] = { { -ENOENT, WRITER_CAUSE_SOURCE }, { -EBADMSG, WRITER_CAUSE_BUNDLE } };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct channel c = offer(1 + i, 5 + i);

		with_delta(&c);
		up();
		look(&c);
		(void)ordered(WRITER_INSTALL);
		report(WRITER_INSTALL, ends[i].rc, ends[i].cause, &boot_a);
		state_is(UPDATEPLAN_FULL);
		(void)ordered(WRITER_INSTALL);
		report(WRITER_INSTALL, 0, 0, &boot_a);
		state_is(UPDATEPLAN_WRITTEN);
	}
}

static void test_bundle_refused(void **state)
{
	struct channel c = offer(1, 5);

	(void)state;
	up();
	look(&c);
	(void)ordered(WRITER_INSTALL);
	report(WRITER_INSTALL, -EKEYREJECTED, WRITER_CAUSE_BUNDLE, &boot_a);
	state_is(UPDATEPLAN_BACKOFF);
	assert_int_equal(last()->outcome, UPDATELOG_REFUSED_IT);
	look(&c);
	no_order();
	/* Made anew under the same number: another manifest, which is taken. */
	c.sequence = 2;
	c.full.manifest[0] ^= 1;
	look(&c);
	(void)ordered(WRITER_INSTALL);
}

static void test_channel_refused(void **state)
{
	struct channel c = offer(7, 5);
	uint8_t doc[CHANNEL_DOCUMENT_MAX], buf[SIGNED_MAX];
	size_t len;

	(void)state;
	up();
	u.own.release = 5; /* nothing to install: only the channel itself is looked at */
	look(&c);
	state_is(UPDATEPLAN_IDLE);
	assert_int_equal(u.rec.sequence, 7);
	/* The same again is no replay. */
	look(&c);
	state_is(UPDATEPLAN_IDLE);
	/* An older one, and another one of the same number, are. */
	c.sequence = 6;
	look(&c);
	refused("channel", "");
	c.sequence = 7;
	c.release = 9;
	look(&c);
	refused("channel", "");
	/* Kept over restarts. */
	up();
	c.sequence = 6;
	look(&c);
	refused("channel", "");
	c.sequence = 8;
	(void)strcpy(c.compatible, "cairn-aarch64");
	look(&c);
	refused("channel", "");
	(void)strcpy(c.compatible, "cairn-x86_64");
	(void)strcpy(u.conf.name, "beta");
	look(&c);
	refused("channel", "");
	u.conf.name[0] = '\0';
	c.trust = 2; /* the server withholds a trust that the channel tells of */
	look(&c);
	refused("channel", "");
	c.trust = 1;
	/* Signed by the key of another role, by none, and by a stranger. */
	assert_int_equal(channel_format(&c, doc, &len), 0);
	for (unsigned int mask = 0; mask < 16; mask++) {
		const struct update_request q = { .op = UPDATE_OP_CHECK };
		char why[UPDATELOG_WHY_SIZE] = "";
		size_t n = testkeys_sign(doc, len, mask, buf);

		if (mask & 4)
			continue;
		assert_int_equal(policy_order(&u, &q, -1, why), 0);
		(void)config_wanted();
		(void)read_wanted(SOURCE_TRUST, NULL, 0, -ENOENT);
		(void)read_wanted(SOURCE_CHANNEL, buf, n, 0);
		refused("channel", "");
	}
	assert_int_equal(u.rec.sequence, 7);
	look(&c);
	(void)ordered(WRITER_INSTALL);
}

static void test_time(void **state)
{
	struct channel c = offer(1, 5);

	(void)state;
	up();
	set_time(true, BUILD + 31 * DAY);
	look(&c);
	refused("channel", "");
	assert_int_equal(u.channel_time, UPDATETIME_EXPIRED);
	/* The clock says the same and is not set: it is not asked. */
	set_time(false, BUILD + 31 * DAY);
	look(&c);
	(void)ordered(WRITER_INSTALL);
	assert_int_equal(u.channel_time, UPDATETIME_UNPROVEN);
	report(WRITER_INSTALL, -ECONNRESET, WRITER_CAUSE_SOURCE, &boot_a);
	/* Lived that long: past for certain, over a restart too. */
	clock_ms += (uint64_t)(31 * DAY) * 1000;
	assert_int_equal(policy_turn(&u), 0);
	up();
	set_time(false, 0);
	look(&c);
	refused("channel", "");
	assert_int_equal(u.channel_time, UPDATETIME_EXPIRED);
	/* Set right, it is taken. */
	set_time(true, BUILD + DAY);
	look(&c);
	(void)ordered(WRITER_INSTALL);
	/* Made in the future. */
	up();
	c.sequence = 2;
	c.created = (uint64_t)(BUILD + 20 * DAY);
	look(&c);
	refused("channel", "future");
}

static void test_new_trust(void **state)
{
	const struct update_request q = { .op = UPDATE_OP_CHECK };
	uint8_t doc[TRUST_DOCUMENT_MAX], buf[SIGNED_MAX], channel[SIGNED_MAX];
	char why[UPDATELOG_WHY_SIZE] = "";
	struct channel c = offer(1, 5);
	struct trust next;
	size_t len, n;

	(void)state;
	/* Number 2: key 3 signs channels from now on. */
	testkeys_trust(&next, 2, 2000000000, 15);
	testkeys_role(&next, TRUST_ROOT, 1, 1);
	testkeys_role(&next, TRUST_RELEASE, 1, 2);
	testkeys_role(&next, TRUST_CHANNEL, 1, 8);
	assert_int_equal(trust_format(&next, doc, &len), 0);
	up();
	/* Not by root: refused, and nothing is kept. */
	assert_int_equal(policy_order(&u, &q, -1, why), 0);
	(void)config_wanted();
	n = testkeys_sign(doc, len, 2, buf);
	(void)read_wanted(SOURCE_TRUST, buf, n, 0);
	refused("channel", "");
	assert_int_equal(u.trust.number, 1);
	assert_int_equal(policy_order(&u, &q, -1, why), 0);
	(void)config_wanted();
	n = testkeys_sign(doc, len, 1, buf);
	assert_int_equal(read_wanted(SOURCE_TRUST, buf, n, 0).number, 2);
	assert_int_equal(u.trust.number, 2);
	/* It goes on until there is none. */
	assert_int_equal(read_wanted(SOURCE_TRUST, NULL, 0, -ENOENT).number, 3);
	assert_int_equal(channel_format(&c, doc, &len), 0);
	n = testkeys_sign(doc, len, 8, channel);
	(void)read_wanted(SOURCE_CHANNEL, channel, n, 0);
	assert_true(ordered(WRITER_INSTALL).flags & WRITER_WITH_TRUST);
}

/* The network: nothing that fetch says may end more than the look. */
static void test_network(void **state)
{
	const struct channel c = offer(1, 5);
	const struct update_request q = { .op = UPDATE_OP_CHECK };
	char why[UPDATELOG_WHY_SIZE] = "";
	uint64_t waits[4];
	unsigned int i;

	(void)state;
	up();
	u.conf.poll_s = 100;
	for (i = 0; i < 4; i++) {
		assert_int_equal(policy_order(&u, &q, -1, why), 0);
		(void)config_wanted();
		(void)read_wanted(SOURCE_TRUST, NULL, 0, i % 2 ? -ETIMEDOUT : -EPROTO);
		refused("channel", "");
		waits[i] = (u.timer_ms - clock_ms) / 1000;
	}
	assert_int_equal(waits[0], 30);
	assert_int_equal(waits[1], 60);
	assert_int_equal(waits[2], 100);
	assert_int_equal(waits[3], 100);
	/* The document never ends, or fetch says nothing. */
	assert_int_equal(policy_order(&u, &q, -1, why), 0);
	(void)config_wanted();
	clock_ms += 301000;
	assert_int_equal(policy_turn(&u), 0);
	refused("channel", "no answer for 300 s");
	/* An answer to what was given up is passed over. */
	{
		static struct source_data late = { .version = 1, .op = SOURCE_READ, .last = 1 };

		assert_int_equal(part_send(fetch, &late, sizeof(late)), 0);
		take_result();
		refused("channel", "no answer");
	}
	while (part_receive(fetch, &(struct source_request){ 0 }, sizeof(struct source_request)) ==
	       1)
		;
	look(&c);
	(void)ordered(WRITER_INSTALL);
	assert_int_equal(u.failures, 5);
	report(WRITER_INSTALL, 0, 0, &boot_a);
	assert_int_equal(u.failures, 0);
}

static void test_window_and_reboot_ordered(void **state)
{
	const struct channel c = offer(1, 5), newer = offer(2, 6);
	const struct update_request q = { .op = UPDATE_OP_ACTIVATE };
	char why[UPDATELOG_WHY_SIZE] = "";

	(void)state;
	up();
	u.conf.has_window = true;
	u.conf.window_from = 60;
	u.conf.window_to = 120;
	set_time(true, BUILD + DAY); /* midnight */
	look(&c);
	state_is(UPDATEPLAN_WAITING);
	assert_int_equal((u.timer_ms - clock_ms) / 1000, 3600);
	set_time(true, BUILD + DAY + 3600);
	clock_ms = u.timer_ms;
	assert_int_equal(policy_turn(&u), 0);
	serve_by(&c, 4);
	(void)ordered(WRITER_INSTALL);
	/* The window shuts meanwhile: the restart waits for the next one. */
	set_time(true, BUILD + DAY + 7200);
	report(WRITER_INSTALL, 0, 0, &boot_a);
	assert_int_equal(policy_turn(&u), 0);
	state_is(UPDATEPLAN_WRITTEN);
	no_order();
	set_time(true, BUILD + 2 * DAY + 3600);
	u.conf.reboot_auto = false;
	assert_int_equal(policy_turn(&u), 0);
	no_order();
	/* What is written stays while nothing newer comes, and whatever the network does. */
	look(&c);
	state_is(UPDATEPLAN_WRITTEN);
	{
		const struct update_request check = { .op = UPDATE_OP_CHECK };

		assert_int_equal(policy_order(&u, &check, -1, why), 0);
		(void)config_wanted();
		(void)read_wanted(SOURCE_TRUST, NULL, 0, -ECONNREFUSED);
		state_is(UPDATEPLAN_WRITTEN);
		assert_int_equal(u.job.release, 5);
	}
	look(&newer);
	assert_int_equal(ordered(WRITER_INSTALL).release, 6);
	report(WRITER_INSTALL, 0, 0, &boot_a);
	assert_int_equal(policy_order(&u, &q, -1, why), 0);
	(void)ordered(WRITER_ACTIVATE);
}

static void test_pause(void **state)
{
	const struct channel c = offer(1, 5);
	struct update_request q = { .op = UPDATE_OP_PAUSE };
	char why[UPDATELOG_WHY_SIZE] = "";

	(void)state;
	up();
	look(&c);
	(void)ordered(WRITER_INSTALL);
	assert_int_equal(policy_order(&u, &q, -1, why), 0);
	state_is(UPDATEPLAN_ABORTING);
	(void)ordered(WRITER_ABORT);
	report(WRITER_INSTALL, -ECANCELED, WRITER_CAUSE_ABORTED, &boot_a);
	state_is(UPDATEPLAN_IDLE);
	assert_int_equal(u.timer_ms, 0);
	/* Over a restart too, until it is taken back. */
	up();
	clock_ms += 10000000;
	assert_int_equal(policy_turn(&u), 0);
	state_is(UPDATEPLAN_IDLE);
	/* Not from a stick either. */
	policy_stick(&u, &(struct stick_found){ .version = STICK_VERSION,
						.kind = SOURCE_FOLDER,
						.url = "file:///run/cairn/media/stick/cairn" });
	assert_int_equal(policy_turn(&u), 0);
	state_is(UPDATEPLAN_IDLE);
	q.op = UPDATE_OP_RESUME;
	assert_int_equal(policy_order(&u, &q, -1, why), 0);
	assert_int_equal(policy_turn(&u), 0);
	state_is(UPDATEPLAN_CHECKING);
	assert_string_equal(u.job.config.url, "file:///run/cairn/media/stick/cairn");
	serve_by(&c, 4);
	assert_int_equal(last()->source, UPDATELOG_STICK);
	(void)ordered(WRITER_INSTALL);
}

static void test_rollback(void **state)
{
	const struct channel c = offer(2, 5);
	const struct update_request q = { .op = UPDATE_OP_ROLLBACK };
	struct writer_bootstate b = boot_a;
	char why[UPDATELOG_WHY_SIZE] = "";

	(void)state;
	b.booted = b.primary = WRITER_SLOT_B;
	activated();
	trial_of_5(2);
	healthy();
	(void)ordered(WRITER_MARK_GOOD);
	report(WRITER_MARK_GOOD, 0, 0, &b);
	assert_int_equal(policy_order(&u, &q, -1, why), 0);
	(void)ordered(WRITER_ROLLBACK);
	report(WRITER_ROLLBACK, 0, 0, &b);
	assert_int_equal(reboots, 1);
	/* The channel does not bring it back. */
	{
		char path[64];

		(void)snprintf(path, sizeof(path), "%s/switching", dir);
		assert_int_equal(unlink(path), 0);
	}
	up();
	assert_int_equal(last()->outcome, UPDATELOG_ROLLED_BACK);
	look(&c);
	no_order();
	/* Not where there is nothing to go to. */
	u.boot.good[1] = false;
	assert_int_equal(policy_order(&u, &q, -1, why), -ENOENT);
	assert_string_equal(why, "the other slot is not good");
}

static void test_orders_out_of_place(void **state)
{
	const struct channel c = offer(1, 5);
	char why[UPDATELOG_WHY_SIZE];
	unsigned int op;

	(void)state;
	up();
	look(&c);
	(void)ordered(WRITER_INSTALL);
	for (op = UPDATE_OP_CHECK; op < UPDATE_OPS; op++) {
		struct update_request q = { .op = op, .text = "http://a/b.cairn" };

		if (op == UPDATE_OP_PAUSE || op == UPDATE_OP_RESUME || op == UPDATE_OP_STOP)
			continue;
		why[0] = '\0';
		assert_true(policy_order(&u, &q, -1, why) < 0);
		assert_int_not_equal(why[0], '\0');
		state_is(UPDATEPLAN_FULL);
		no_order();
	}
	assert_int_equal(reboots, 0);
	report(WRITER_INSTALL, 0, 0, &boot_a);
	state_is(UPDATEPLAN_WRITTEN);
}

/* The parts are not trusted: what is not a message of ours ends the service. */
static void test_nonsense(void **state)
{
	static struct source_data d = { .version = 1, .op = SOURCE_CONFIG, .last = 1 };
	struct writer_report r = { .version = UPDATE_PROTO_VERSION, .final = 1 };
	enum source_result result;

	(void)state;
	up();
	memset(r.why, 'x', sizeof(r.why));
	assert_int_equal(policy_report(&u, &r), -EBADMSG);
	r.why[0] = '\0';
	r.version++;
	assert_int_equal(policy_report(&u, &r), -EBADMSG);
	d.len = SOURCE_SLICE_BYTES + 1;
	assert_int_equal(part_send(fetch, &d, sizeof(d)), 0);
	assert_int_equal(source_take(&u.source, &result, clock_ms), -EBADMSG);
	d.len = 0;
	memset(d.why, 'x', sizeof(d.why));
	assert_int_equal(part_send(fetch, &d, sizeof(d)), 0);
	assert_int_equal(source_take(&u.source, &result, clock_ms), -EBADMSG);
	assert_int_equal(part_send(fetch, &d, 16), 0);
	assert_int_equal(source_take(&u.source, &result, clock_ms), -EBADMSG);
}

static int make_dir(void **state)
{
	(void)state;
	clock_ms = 10000;
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(time_file, sizeof(time_file), "%s/time", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	forget_files();
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_full_update, setup),
		cmocka_unit_test_setup(test_trial_good, setup),
		cmocka_unit_test_setup(test_mark_good_not_durable, setup),
		cmocka_unit_test_setup(test_trial_sick, setup),
		cmocka_unit_test_setup(test_trial_alone, setup),
		cmocka_unit_test_setup(test_fallback, setup),
		cmocka_unit_test_setup(test_no_boot_state, setup),
		cmocka_unit_test_setup(test_delta_and_fallback_to_full, setup),
		cmocka_unit_test_setup(test_delta_missing_or_damaged, setup),
		cmocka_unit_test_setup(test_bundle_refused, setup),
		cmocka_unit_test_setup(test_channel_refused, setup),
		cmocka_unit_test_setup(test_time, setup),
		cmocka_unit_test_setup(test_new_trust, setup),
		cmocka_unit_test_setup(test_network, setup),
		cmocka_unit_test_setup(test_window_and_reboot_ordered, setup),
		cmocka_unit_test_setup(test_pause, setup),
		cmocka_unit_test_setup(test_rollback, setup),
		cmocka_unit_test_setup(test_orders_out_of_place, setup),
		cmocka_unit_test_setup(test_nonsense, setup),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
