// SPDX-License-Identifier: Apache-2.0
/*
 * The key of DATA over the life of a machine: updates, trials, fallbacks, mark-good, withdrawn
 * releases, and a cut at every command to the TPM and every write and flush of the disk between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "tests/unit/testkeys.h"

static struct trustd_key key;

/* first_boot - release 1 with a DATA of its own. */
static void first_boot(void)
{
	const struct machine_boot b = { .release = 1, .loader = 1 };
	struct err err = { "" };

	machine_start(&b);
	machine_mark(DATAHEAD_MAKING_ENCRYPTED);
	if (volume_new(&machine.t.volume, KEYHEAD_XTS, &key, &err))
		fail_msg("%s", err.msg);
	machine_mark(DATAHEAD_ENCRYPTED);
}

/* manifest - of a release, signed; with the loaders 1 to `loaders`, the last one in it if esp. */
static size_t manifest(unsigned int release, unsigned int floor, unsigned int loaders, bool esp,
		       unsigned int keys, uint8_t ret[static SIGNED_MAX])
{
	static struct bundle b;
	uint8_t document[SIGNED_DOCUMENT_MAX];
	size_t len;
	uint32_t i;

	memset(&b, 0, sizeof(b));
	(void)strcpy(b.compatible, "cairn-test");
	(void)strcpy(b.architecture, "test");
	(void)snprintf(b.version, sizeof(b.version), "%u.0", release);
	b.release = release;
	b.floor = floor;
	b.stage1 = 1;
	machine_kernel(release, b.pcrs.kernel);
	b.pcrs.events = 2;
	for (i = 0; i < 2; i++) {
		(void)strcpy(b.pcrs.event[i].what, "file");
		machine_pcr9_event(release, i, b.pcrs.event[i].digest);
	}
	b.pcrs.loaders = loaders;
	for (i = 0; i < loaders; i++) {
		b.pcrs.loader[i].generation = i + 1;
		machine_loader(i + 1, b.pcrs.loader[i].hash);
	}
	pcrrelease_finish(&b.pcrs);
	b.tables_bytes = 0;
	for (i = 0; i < BUNDLE_IMAGES; i++) {
		struct bundle_image *image = &b.image[i];

		if (i == BUNDLE_ESP && !esp)
			continue;
		image->present = true;
		image->size_bytes = 8192;
		image->payload_bytes = 8192;
		image->frame_bytes = 4096;
	}
	b.image[BUNDLE_ROOT].salt_len = 1;
	machine_root(release, b.image[BUNDLE_ROOT].roothash);
	b.image[BUNDLE_ESP].generation = esp ? loaders : 0;
	b.tables_bytes = (uint32_t)bundle_tables_bytes(&b);
	if (bundle_format(&b, document, &len))
		fail_msg("no manifest");
	return testkeys_sign(document, len, keys, ret);
}

static int seal(unsigned int release, unsigned int floor, unsigned int loaders, struct err *err)
{
	uint8_t buf[SIGNED_MAX];
	size_t len = manifest(release, floor, loaders, loaders > 1, 2, buf);

	return volume_seal(&machine.t.volume, buf, len, NULL, 0, err);
}

static void must(int rc, const struct err *err)
{
	if (rc)
		fail_msg("%s", err->msg);
}

static int try_boot(unsigned int release, unsigned int floor, unsigned int loader, struct err *err)
{
	const struct machine_boot b = { .release = release, .floor = floor, .loader = loader };
	struct trustd_key got;
	int rc;

	machine_start(&b);
	rc = volume_key(&machine.t.volume, &got, err);
	if (!rc)
		assert_memory_equal(&got, &key, sizeof(got));
	return rc;
}

static void boots(unsigned int release, unsigned int floor, unsigned int loader)
{
	struct err err = { "" };

	must(try_boot(release, floor, loader, &err), &err);
}

static void boots_shut(unsigned int release, unsigned int floor, unsigned int loader,
		       const char *why)
{
	struct err err = { "" };

	if (try_boot(release, floor, loader, &err) == 0)
		fail_msg("release %u opens", release);
	if (!strstr(err.msg, why))
		fail_msg("\"%s\" is not in: %s", why, err.msg);
}

static uint64_t counter(void)
{
	uint64_t value = 0;
	struct err err = { "" };

	must(tpm_counter_read(&machine.t.tpm, 0x0180ca10, &value, &err), &err);
	return value;
}

static void good(void)
{
	struct err err = { "" };

	must(volume_good(&machine.t.volume, &err), &err);
}

/* update, trial, fallback, update, mark-good, rollback */
static void test_life(void **state)
{
	struct err err = { "" };
	uint64_t before;

	(void)state;
	first_boot();
	before = counter();
	good();
	assert_int_equal(counter(), before);
	must(seal(2, 0, 1, &err), &err);
	/* A trial raises nothing, however often it is tried. */
	boots(2, 0, 1);
	boots(2, 0, 1);
	assert_int_equal(counter(), before);
	/* It was not good: the old one opens, and the next update is sealed for. */
	boots(1, 0, 1);
	good();
	must(seal(3, 0, 1, &err), &err);
	boots(3, 0, 1);
	good();
	assert_int_equal(counter(), before + 1);
	/* In each boot anew, and nothing is left to do. */
	boots(3, 0, 1);
	good();
	assert_int_equal(counter(), before + 1);
	/* By order back to what was before. */
	boots(1, 0, 1);
	good();
	must(seal(4, 0, 1, &err), &err);
	boots(4, 0, 1);
	/* 2 was given up, and is not sealed for any more. */
	boots_shut(2, 0, 1, "nothing is sealed for this system: PCR 4");
}

/* Below the floor: by hand it may boot, its data stay shut, from an old copy of the disk too. */
static void test_withdrawn(void **state)
{
	struct err err = { "" };

	(void)state;
	first_boot();
	must(seal(2, 2, 1, &err), &err);
	machine_save("old");
	boots(2, 2, 1);
	/* Until it is good, there is the way back. */
	boots(1, 0, 1);
	boots(2, 2, 1);
	good();
	boots_shut(1, 0, 1, "PCR 4");
	machine_restore("old", true, false);
	boots_shut(1, 0, 1, "withdrawn: the TPM's counter");
	/* A copy of the whole machine, TPM and all, is that machine: docs/sealing.md. */
	machine_restore("old", true, true);
	boots(1, 0, 1);
}

static void test_refused_manifests(void **state)
{
	uint8_t buf[SIGNED_MAX];
	struct keyhead before, after;
	struct err err = { "" };
	size_t len;

	(void)state;
	first_boot();
	must(seal(2, 2, 1, &err), &err);
	boots(2, 2, 1);
	good();
	must(keyhead_read(&machine.t.volume.io, &before, NULL, &err), &err);
	assert_int_equal(seal(1, 0, 1, &err), -ESTALE);
	/* Signed by another key; changed after it was signed; cut. */
	len = manifest(3, 2, 1, false, 4, buf);
	assert_int_equal(volume_seal(&machine.t.volume, buf, len, NULL, 0, &err), -EKEYREJECTED);
	len = manifest(3, 2, 1, false, 2, buf);
	*(uint8_t *)strstr((char *)buf, "pcr9=") ^= 1;
	assert_int_equal(volume_seal(&machine.t.volume, buf, len, NULL, 0, &err), -EKEYREJECTED);
	assert_true(volume_seal(&machine.t.volume, buf, 40, NULL, 0, &err) < 0);
	must(keyhead_read(&machine.t.volume.io, &after, NULL, &err), &err);
	assert_memory_equal(&before, &after, sizeof(after));
}

/* A bundle that brings a stage 1: either loader starts either release, before and after. */
static void test_new_loader(void **state)
{
	struct err err = { "" };
	struct keyhead h;
	unsigned int loader;

	(void)state;
	first_boot();
	must(seal(2, 0, 2, &err), &err);
	must(keyhead_read(&machine.t.volume.io, &h, NULL, &err), &err);
	assert_int_equal(h.blobs, 4);
	for (loader = 1; loader <= 2; loader++) {
		boots(2, 0, loader);
		boots(1, 0, loader);
	}
	boots(2, 0, 2);
	good();
	for (loader = 1; loader <= 2; loader++) {
		boots(1, 0, loader);
		boots(2, 0, loader);
	}
	boots_shut(2, 0, 3, "PCR 4");
}

/* An unencrypted DATA opens for everything: nothing to be sealed, and no error. */
static void test_unencrypted(void **state)
{
	const struct machine_boot b = { .release = 1, .loader = 1 };
	struct err err = { "" };

	(void)state;
	machine_mark(DATAHEAD_MADE);
	machine_start(&b);
	must(seal(2, 0, 1, &err), &err);
	must(volume_good(&machine.t.volume, &err), &err);
}

/* --- cuts --- */

enum cut_what { CUT_TPM_BEFORE, CUT_TPM_AFTER, CUT_DISK, CUTS };

/* cut - the nth step of this kind is the last one. */
static void cut(enum cut_what what, int n)
{
	if (what == CUT_DISK) {
		machine.disk_steps = 0;
		machine.disk_fail_at = n;
		return;
	}
	swtpm_count();
	swtpm.at = n;
	swtpm.fault = what == CUT_TPM_BEFORE ? SWTPM_LOST : SWTPM_UNHEARD;
}

/* steps_of - how many steps of a kind the last order took. */
static int steps_of(enum cut_what what)
{
	return what == CUT_DISK ? machine.disk_steps : swtpm.commands;
}

/* Counted by a cut that never comes. */
static int count_steps(enum cut_what what, int (*order)(struct err *err))
{
	struct err err = { "" };

	cut(what, 1000000);
	must(order(&err), &err);
	return steps_of(what);
}

static int order_seal(struct err *err)
{
	return seal(2, 2, 2, err);
}

static int order_good(struct err *err)
{
	return volume_good(&machine.t.volume, err);
}

/* Every fifth in the everyday run, all with LONG=1: the offset differs by kind. */
static int stride(void)
{
	return getenv("LONG") ? 1 : 5;
}

/* Before a trial: the old release opens in any case, and the order can be given again. */
static void test_cut_before_trial(void **state)
{
	int what, n, all;

	(void)state;
	first_boot();
	machine_save("start");
	for (what = 0; what < CUTS; what++) {
		machine_restore("start", true, true);
		boots(1, 0, 1);
		all = count_steps((enum cut_what)what, order_seal);
		assert_true(all >= 2);
		for (n = 1 + what; n <= all; n += what == CUT_DISK ? 1 : stride()) {
			struct err err = { "" };

			machine_restore("start", true, true);
			boots(1, 0, 1);
			cut((enum cut_what)what, n);
			(void)order_seal(&err);
			boots(1, 0, 1);
			must(order_seal(&err), &err);
			boots(2, 2, 2);
		}
	}
}

/* At mark-good: the new release opens in any case; once it is through, the old one does not. */
static void test_cut_at_good(void **state)
{
	struct err err = { "" };
	int what, n, all;

	(void)state;
	first_boot();
	must(order_seal(&err), &err);
	machine_save("start");
	for (what = 0; what < CUTS; what++) {
		machine_restore("start", true, true);
		boots(2, 2, 1);
		all = count_steps((enum cut_what)what, order_good);
		assert_true(all >= 2);
		for (n = 1 + what; n <= all; n += what == CUT_DISK ? 1 : stride()) {
			machine_restore("start", true, true);
			boots(2, 2, 1);
			cut((enum cut_what)what, n);
			(void)order_good(&err);
			boots(2, 2, 1);
			must(order_good(&err), &err);
			boots_shut(1, 0, 1, "PCR 4");
			machine_restore("start", true, false);
			boots_shut(1, 0, 1, "withdrawn");
		}
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)
	const struct CMUnitTest tests[] = {
		T(test_life),	     T(test_withdrawn),	  T(test_refused_manifests),
		T(test_new_loader),  T(test_unencrypted), T(test_cut_before_trial),
		T(test_cut_at_good),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
