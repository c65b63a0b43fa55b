// SPDX-License-Identifier: Apache-2.0
/* What the main part of service update believes of a channel, of the time and of its parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "agent/core/parts.h"
#include "rig.h"
#include "tests/unit/testkeys.h"

static void test_channel_refused(void **state)
{
	struct channel c = rig_offer(7, 5);
	uint8_t doc[CHANNEL_DOCUMENT_MAX], buf[SIGNED_MAX];
	size_t len;

	(void)state;
	rig_up();
	rig.u.own.release = 5; /* nothing to install: only the channel itself is looked at */
	rig_look(&c);
	rig_state_is(UPDATEPLAN_IDLE);
	assert_int_equal(rig.u.rec.sequence, 7);
	/* The same again is no replay. */
	rig_look(&c);
	rig_state_is(UPDATEPLAN_IDLE);
	/* An older one, and another one of the same number, are. */
	c.sequence = 6;
	rig_look(&c);
	rig_refused("channel", "");
	c.sequence = 7;
	c.release = 9;
	rig_look(&c);
	rig_refused("channel", "");
	/* Kept over restarts. */
	rig_up();
	c.sequence = 6;
	rig_look(&c);
	rig_refused("channel", "");
	c.sequence = 8;
	(void)strcpy(c.compatible, "cairn-aarch64");
	rig_look(&c);
	rig_refused("channel", "");
	(void)strcpy(c.compatible, "cairn-x86_64");
	(void)strcpy(rig.u.conf.name, "beta");
	rig_look(&c);
	rig_refused("channel", "");
	rig.u.conf.name[0] = '\0';
	c.trust = 2; /* the server withholds a trust that the channel tells of */
	rig_look(&c);
	rig_refused("channel", "");
	c.trust = 1;
	/* Signed by the key of another role, by none, and by a stranger. */
	assert_int_equal(channel_format(&c, doc, &len), 0);
	for (unsigned int mask = 0; mask < 16; mask++) {
		const struct update_request q = { .op = UPDATE_OP_CHECK };
		char why[UPDATELOG_WHY_SIZE] = "";
		size_t n = testkeys_sign(doc, len, mask, buf);

		if (mask & 4)
			continue;
		assert_int_equal(policy_order(&rig.u, &q, -1, why), 0);
		(void)rig_config_wanted();
		(void)rig_read_wanted(SOURCE_TRUST, NULL, 0, -ENOENT);
		(void)rig_read_wanted(SOURCE_CHANNEL, buf, n, 0);
		rig_refused("channel", "");
	}
	assert_int_equal(rig.u.rec.sequence, 7);
	rig_look(&c);
	(void)rig_ordered(WRITER_INSTALL);
}

static void test_time(void **state)
{
	struct channel c = rig_offer(1, 5);

	(void)state;
	rig_up();
	rig_set_time(true, RIG_BUILD + 31 * RIG_DAY);
	rig_look(&c);
	rig_refused("channel", "");
	assert_int_equal(rig.u.channel_time, UPDATETIME_EXPIRED);
	/* The clock says the same and is not set: it is not asked. */
	rig_set_time(false, RIG_BUILD + 31 * RIG_DAY);
	rig_look(&c);
	(void)rig_ordered(WRITER_INSTALL);
	assert_int_equal(rig.u.channel_time, UPDATETIME_UNPROVEN);
	rig_report(WRITER_INSTALL, -ECONNRESET, WRITER_CAUSE_SOURCE, &rig_boot_a);
	/* Lived that long: past for certain, over a restart too. */
	rig.clock_ms += (uint64_t)(31 * RIG_DAY) * 1000;
	assert_int_equal(policy_turn(&rig.u), 0);
	rig_up();
	rig_set_time(false, 0);
	rig_look(&c);
	rig_refused("channel", "");
	assert_int_equal(rig.u.channel_time, UPDATETIME_EXPIRED);
	/* Set right, it is taken. */
	rig_set_time(true, RIG_BUILD + RIG_DAY);
	rig_look(&c);
	(void)rig_ordered(WRITER_INSTALL);
	/* Made in the future. */
	rig_up();
	c.sequence = 2;
	c.created = (uint64_t)(RIG_BUILD + 20 * RIG_DAY);
	rig_look(&c);
	rig_refused("channel", "future");
}

static void test_new_trust(void **state)
{
	const struct update_request q = { .op = UPDATE_OP_CHECK };
	uint8_t doc[TRUST_DOCUMENT_MAX], buf[SIGNED_MAX], channel[SIGNED_MAX];
	char why[UPDATELOG_WHY_SIZE] = "";
	struct channel c = rig_offer(1, 5);
	struct trust next;
	size_t len, n;

	(void)state;
	/* Number 2: key 3 signs channels from now on. */
	testkeys_trust(&next, 2, 2000000000, 15);
	testkeys_role(&next, TRUST_ROOT, 1, 1);
	testkeys_role(&next, TRUST_RELEASE, 1, 2);
	testkeys_role(&next, TRUST_CHANNEL, 1, 8);
	assert_int_equal(trust_format(&next, doc, &len), 0);
	rig_up();
	/* Not by root: refused, and nothing is kept. */
	assert_int_equal(policy_order(&rig.u, &q, -1, why), 0);
	(void)rig_config_wanted();
	n = testkeys_sign(doc, len, 2, buf);
	(void)rig_read_wanted(SOURCE_TRUST, buf, n, 0);
	rig_refused("channel", "");
	assert_int_equal(rig.u.trust.number, 1);
	assert_int_equal(policy_order(&rig.u, &q, -1, why), 0);
	(void)rig_config_wanted();
	n = testkeys_sign(doc, len, 1, buf);
	assert_int_equal(rig_read_wanted(SOURCE_TRUST, buf, n, 0).number, 2);
	assert_int_equal(rig.u.trust.number, 2);
	/* It goes on until there is none. */
	assert_int_equal(rig_read_wanted(SOURCE_TRUST, NULL, 0, -ENOENT).number, 3);
	assert_int_equal(channel_format(&c, doc, &len), 0);
	n = testkeys_sign(doc, len, 8, channel);
	(void)rig_read_wanted(SOURCE_CHANNEL, channel, n, 0);
	assert_true(rig_ordered(WRITER_INSTALL).flags & WRITER_WITH_TRUST);
}

/* The network: nothing that fetch says may end more than the look. */
static void test_network(void **state)
{
	const struct channel c = rig_offer(1, 5);
	const struct update_request q = { .op = UPDATE_OP_CHECK };
	char why[UPDATELOG_WHY_SIZE] = "";
	uint64_t waits[4];
	unsigned int i;

	(void)state;
	rig_up();
	rig.u.conf.poll_s = 100;
	for (i = 0; i < 4; i++) {
		assert_int_equal(policy_order(&rig.u, &q, -1, why), 0);
		(void)rig_config_wanted();
		(void)rig_read_wanted(SOURCE_TRUST, NULL, 0, i % 2 ? -ETIMEDOUT : -EPROTO);
		rig_refused("channel", "");
		waits[i] = (rig.u.timer_ms - rig.clock_ms) / 1000;
	}
	assert_int_equal(waits[0], 30);
	assert_int_equal(waits[1], 60);
	assert_int_equal(waits[2], 100);
	assert_int_equal(waits[3], 100);
	/* The document never ends, or fetch says nothing. */
	assert_int_equal(policy_order(&rig.u, &q, -1, why), 0);
	(void)rig_config_wanted();
	rig.clock_ms += 301000;
	assert_int_equal(policy_turn(&rig.u), 0);
	rig_refused("channel", "no answer for 300 s");
	/* An answer to what was given up is passed over. */
	{
		static struct source_data late = { .version = 1, .op = SOURCE_READ, .last = 1 };

		assert_int_equal(part_send(rig.fetch, &late, sizeof(late)), 0);
		rig_take_result();
		rig_refused("channel", "no answer");
	}
	while (part_receive(rig.fetch, &(struct source_request){ 0 },
			    sizeof(struct source_request)) == 1)
		;
	rig_look(&c);
	(void)rig_ordered(WRITER_INSTALL);
	assert_int_equal(rig.u.failures, 5);
	rig_report(WRITER_INSTALL, 0, 0, &rig_boot_a);
	assert_int_equal(rig.u.failures, 0);
}

/* The parts are not trusted: what is not a message of ours ends the service. */
static void test_nonsense(void **state)
{
	static struct source_data d = { .version = 1, .op = SOURCE_CONFIG, .last = 1 };
	struct writer_report r = { .version = UPDATE_PROTO_VERSION, .final = 1 };
	enum source_result result;

	(void)state;
	rig_up();
	memset(r.why, 'x', sizeof(r.why));
	assert_int_equal(policy_report(&rig.u, &r), -EBADMSG);
	r.why[0] = '\0';
	r.version++;
	assert_int_equal(policy_report(&rig.u, &r), -EBADMSG);
	d.len = SOURCE_SLICE_BYTES + 1;
	assert_int_equal(part_send(rig.fetch, &d, sizeof(d)), 0);
	assert_int_equal(source_take(&rig.u.source, &result, rig.clock_ms), -EBADMSG);
	d.len = 0;
	memset(d.why, 'x', sizeof(d.why));
	assert_int_equal(part_send(rig.fetch, &d, sizeof(d)), 0);
	assert_int_equal(source_take(&rig.u.source, &result, rig.clock_ms), -EBADMSG);
	assert_int_equal(part_send(rig.fetch, &d, 16), 0);
	assert_int_equal(source_take(&rig.u.source, &result, rig.clock_ms), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_channel_refused, rig_setup),
		cmocka_unit_test_setup(test_time, rig_setup),
		cmocka_unit_test_setup(test_new_trust, rig_setup),
		cmocka_unit_test_setup(test_network, rig_setup),
		cmocka_unit_test_setup(test_nonsense, rig_setup),
	};

	return cmocka_run_group_tests(tests, rig_make, rig_remove);
}
