// SPDX-License-Identifier: Apache-2.0
/*
 * The key of DATA with a TPM (swtpm) and a file for the partition: when it opens, when it does
 * not, and what is said then. Whatever is done to disk and TPM, it is never another key.
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
#include <unistd.h>

#include "bytes.h"
#include "io.h"
#include "machine.h"
#include "recovery.h"
#include "sealpolicy.h"
#include "tests/unit/testkeys.h"

static const struct machine_boot one = { .release = 1, .loader = 1 };

/* new_key - a first boot, as service data goes through it. */
static struct trustd_key new_key(void)
{
	struct trustd_data d;
	struct trustd_key key;
	struct err err = { "" };

	machine_start(&one);
	volume_data(&machine.t.volume, &d);
	assert_int_equal(d.what, TRUSTD_DATA_MAKE);
	machine_mark(DATAHEAD_MAKING_ENCRYPTED);
	if (volume_new(&machine.t.volume, d.cipher, &key, &err))
		fail_msg("%s", err.msg);
	machine_mark(DATAHEAD_ENCRYPTED);
	return key;
}

static void opens(const struct trustd_key *want)
{
	struct trustd_data d;
	struct trustd_key key;
	struct err err = { "" };

	volume_data(&machine.t.volume, &d);
	assert_int_equal(d.what, TRUSTD_DATA_OPEN);
	if (volume_key(&machine.t.volume, &key, &err))
		fail_msg("%s", err.msg);
	assert_memory_equal(&key, want, sizeof(key));
}

static void stays_shut(int rc, const char *why)
{
	struct trustd_key key;
	struct err err = { "" };

	assert_int_equal(volume_key(&machine.t.volume, &key, &err), rc);
	if (!strstr(err.msg, why))
		fail_msg("\"%s\" is not in: %s", why, err.msg);
}

static void test_opens_again(void **state)
{
	struct trustd_key key = new_key(), zero = { 0 };
	struct keyhead h;
	struct err err;

	(void)state;
	assert_int_equal(key.key_bytes, 64);
	assert_memory_not_equal(key.key, zero.key, 32);
	assert_memory_not_equal(key.key + 32, zero.key, 32);
	opens(&key);
	machine_start(&one);
	opens(&key);
	assert_int_equal(keyhead_read(&machine.t.volume.io, &h, NULL, &err), 0);
	assert_int_equal(h.blobs, 1);
	assert_int_equal(h.nv_index, SEALPOLICY_NV_INDEX);
}

/* Changed stage 1, Secure Boot settings, slot: each stays shut and is named. */
static void test_changed_system(void **state)
{
	static const struct {
		unsigned int pcr;
		const char *why;
	} cases[] = { { 4, "PCR 4 (stage-1" },
		      { 7, "PCR 7 (Secure Boot" },
		      { 9, "PCR 9 (command" } };
	struct trustd_key key = new_key();
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct machine_boot evil = one;

		evil.evil_pcr = cases[i].pcr;
		machine_start(&evil);
		stays_shut(-EPERM, cases[i].why);
	}
	machine_start(&one);
	opens(&key);
}

/* The TPM itself refuses, whatever the header claims about itself. */
static void test_header_that_lies(void **state)
{
	struct machine_boot evil = { .release = 1, .loader = 1, .evil_pcr = 9 };
	struct sealset_pair now;
	struct keyhead h;
	struct err err;
	uint8_t auth[SHA256_SIZE] = { 0 };

	(void)state;
	(void)new_key();
	machine_start(&evil);
	assert_int_equal(measured_pair(&machine.t.measured, &now, &err), 0);
	assert_int_equal(keyhead_read(&machine.t.volume.io, &h, NULL, &err), 0);
	memcpy(h.blob[0].pcr, now.pcr, sizeof(now.pcr));
	assert_int_equal(keyhead_write(&machine.t.volume.io, &h, auth, &err), 0);
	stays_shut(-EPERM, "cannot unseal");
	/* And where the system is right, a header that others wrote is not believed. */
	machine_start(&one);
	assert_int_equal(measured_pair(&machine.t.measured, &now, &err), 0);
	memcpy(h.blob[0].pcr, now.pcr, sizeof(now.pcr));
	h.floor = 0;
	h.good_release = 99;
	assert_int_equal(keyhead_write(&machine.t.volume.io, &h, auth, &err), 0);
	stays_shut(-EKEYREJECTED, "changed by another hand");
}

static void test_other_machine(void **state)
{
	struct trustd_data d;
	struct trustd_key key;
	struct err err;

	(void)state;
	/* This disk in another machine, which has a DATA and a counter of its own. */
	(void)new_key();
	machine_save("first");
	machine_stop();
	machine_restore("first", true, false);
	{
		char command[160];

		(void)snprintf(command, sizeof(command), "rm -rf '%s'; mkdir '%s'", machine.tpm,
			       machine.tpm);
		assert_int_equal(system(command), 0);
	}
	machine_start(&one);
	stays_shut(-ENOENT, "counter is gone");
	/* The same on that machine once it has a counter: the object is not its TPM's. */
	machine_mark(DATAHEAD_MAKING_ENCRYPTED);
	assert_int_equal(volume_new(&machine.t.volume, KEYHEAD_XTS, &key, &err), 0);
	machine_restore("first", true, false);
	machine_start(&one);
	volume_data(&machine.t.volume, &d);
	assert_int_equal(d.what, TRUSTD_DATA_OPEN);
	assert_true(volume_key(&machine.t.volume, &key, &err) < 0);
}

/* --- the counter --- */

static ESYS_TR counter_index(void)
{
	ESYS_TR nv;

	assert_int_equal(Esys_TR_FromTPMPublic(machine.t.tpm.esys, SEALPOLICY_NV_INDEX,
					       ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &nv),
			 0);
	return nv;
}

/* A counter starts where the TPM's history has it, above every one that was deleted. */
static void test_counter_starts_anywhere(void **state)
{
	uint8_t auth[SHA256_SIZE] = { 7 };
	struct trustd_key key;
	uint64_t first, second;
	struct err err;
	int i;

	(void)state;
	machine_start(&one);
	assert_int_equal(tpm_counter_new(&machine.t.tpm, 0x01800001, auth, &first, &err), 0);
	for (i = 0; i < 5; i++)
		assert_int_equal(tpm_counter_raise(&machine.t.tpm, 0x01800001, auth, &err), 0);
	assert_int_equal(tpm_counter_remove(&machine.t.tpm, 0x01800001, &err), 0);
	key = new_key();
	assert_int_equal(tpm_counter_read(&machine.t.tpm, SEALPOLICY_NV_INDEX, &second, &err), 0);
	assert_true(second > first + 5);
	opens(&key);
}

/* Only who has the key raises it. */
static void test_counter_is_guarded(void **state)
{
	uint8_t wrong[SHA256_SIZE] = { 1 };
	struct trustd_key key = new_key();
	uint64_t before, after;
	struct err err;

	(void)state;
	assert_int_equal(tpm_counter_read(&machine.t.tpm, SEALPOLICY_NV_INDEX, &before, &err), 0);
	assert_int_equal(tpm_counter_raise(&machine.t.tpm, SEALPOLICY_NV_INDEX, wrong, &err),
			 -EACCES);
	/* The owner may not either. */
	assert_int_not_equal(Esys_NV_Increment(machine.t.tpm.esys, ESYS_TR_RH_OWNER,
					       counter_index(), ESYS_TR_PASSWORD, ESYS_TR_NONE,
					       ESYS_TR_NONE),
			     0);
	assert_int_equal(tpm_counter_read(&machine.t.tpm, SEALPOLICY_NV_INDEX, &after, &err), 0);
	assert_int_equal(before, after);
	opens(&key);
}

static void undefine(void)
{
	struct err err;

	assert_int_equal(tpm_counter_remove(&machine.t.tpm, SEALPOLICY_NV_INDEX, &err), 0);
}

/*
 * The owner may delete an ordinary index. What comes of it: a new counter is above every one that
 * was, an index of another kind has another Name; so the data stay shut.
 */
static void test_counter_deleted(void **state)
{
	uint8_t auth[SHA256_SIZE] = { 7 };
	const TPM2B_AUTH no_auth = { 0 };
	TPM2B_NV_PUBLIC ordinary = { .nvPublic = { .nvIndex = SEALPOLICY_NV_INDEX,
						   .nameAlg = TPM2_ALG_SHA256,
						   .attributes = TPMA_NV_OWNERWRITE |
								 TPMA_NV_OWNERREAD | TPMA_NV_NO_DA,
						   .dataSize = 8 } };
	TPM2B_MAX_NV_BUFFER value = { .size = 8 };
	uint64_t before, after;
	ESYS_TR nv;
	struct err err;

	(void)state;
	(void)new_key();
	assert_int_equal(tpm_counter_read(&machine.t.tpm, SEALPOLICY_NV_INDEX, &before, &err), 0);
	undefine();
	stays_shut(-ENOENT, "counter is gone");
	assert_int_equal(tpm_counter_new(&machine.t.tpm, SEALPOLICY_NV_INDEX, auth, &after, &err),
			 0);
	assert_true(after > before);
	stays_shut(-EPERM, "withdrawn");
	/* The right value in an index that anybody may write. */
	undefine();
	assert_int_equal(Esys_NV_DefineSpace(machine.t.tpm.esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
					     ESYS_TR_NONE, ESYS_TR_NONE, &no_auth, &ordinary, &nv),
			 0);
	be64_store(value.buffer, before);
	assert_int_equal(Esys_NV_Write(machine.t.tpm.esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD,
				       ESYS_TR_NONE, ESYS_TR_NONE, &value, 0),
			 0);
	stays_shut(-EPERM, "cannot unseal");
}

/* --- the TPM in trouble --- */

static void clear_tpm(void)
{
	assert_int_equal(Esys_Clear(machine.t.tpm.esys, ESYS_TR_RH_LOCKOUT, ESYS_TR_PASSWORD,
				    ESYS_TR_NONE, ESYS_TR_NONE),
			 0);
}

static void test_cleared(void **state)
{
	struct trustd_key key;
	struct err err;

	(void)state;
	(void)new_key();
	clear_tpm();
	machine_start(&one);
	stays_shut(-ENOENT, "counter is gone");
	/* A factory reset makes it a machine again; the disk of before stays shut. */
	machine_save("before");
	machine_mark(DATAHEAD_MAKING_ENCRYPTED);
	assert_int_equal(volume_wipe(&machine.t.volume, &err), 0);
	assert_int_equal(volume_new(&machine.t.volume, KEYHEAD_XTS, &key, &err), 0);
	machine_mark(DATAHEAD_ENCRYPTED);
	machine_start(&one);
	opens(&key);
	machine_restore("before", true, false);
	machine_start(&one);
	assert_true(volume_key(&machine.t.volume, &key, &err) < 0);
}

/* lock_out - wrong tries at an object that counts them, until it is locked. */
static void lock_out(void)
{
	TPM2B_NV_PUBLIC public = { .nvPublic = { .nvIndex = 0x01800002,
						 .nameAlg = TPM2_ALG_SHA256,
						 .attributes = TPMA_NV_AUTHWRITE | TPMA_NV_AUTHREAD,
						 .dataSize = 8 } };
	const TPM2B_AUTH right = { .size = 4, .buffer = "word" },
			 wrong = { .size = 1, .buffer = "x" };
	TPM2B_MAX_NV_BUFFER value = { .size = 8 };
	ESYS_TR nv;
	int i;

	assert_int_equal(Esys_NV_DefineSpace(machine.t.tpm.esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
					     ESYS_TR_NONE, ESYS_TR_NONE, &right, &public, &nv),
			 0);
	assert_int_equal(Esys_TR_SetAuth(machine.t.tpm.esys, nv, &wrong), 0);
	for (i = 0; i < 64; i++)
		if (Esys_NV_Write(machine.t.tpm.esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE,
				  ESYS_TR_NONE, &value, 0) == TPM2_RC_LOCKOUT)
			return;
	fail_msg("the TPM never locks");
}

/* A TPM that others locked opens, seals and counts: nothing of ours is under its dictionary. */
static void test_locked_out(void **state)
{
	struct trustd_key key = new_key();
	struct err err = { "" };

	(void)state;
	lock_out();
	opens(&key);
	machine_start(&one);
	opens(&key);
	assert_int_equal(volume_good(&machine.t.volume, &err), 0);
	machine_mark(DATAHEAD_MAKING_ENCRYPTED);
	assert_int_equal(volume_wipe(&machine.t.volume, &err), 0);
	assert_int_equal(volume_new(&machine.t.volume, KEYHEAD_XTS, &key, &err), 0);
}

/* Lost at any command: an error in words, the same key later, and never an unencrypted DATA. */
static void test_fails_at_every_command(void **state)
{
	struct trustd_key key = new_key(), got;
	struct trustd_data d;
	int i, all;

	(void)state;
	machine_start(&one);
	opens(&key);
	all = swtpm.commands;
	assert_true(all > 5);
	for (i = 1; i <= all; i++) {
		struct err err = { "" };

		machine_start(&one);
		swtpm.fault = i % 2 ? SWTPM_LOST : SWTPM_UNHEARD;
		swtpm.at = i;
		/* The last ones only give back what it holds. */
		if (volume_key(&machine.t.volume, &got, &err) == 0) {
			assert_memory_equal(&got, &key, sizeof(got));
			assert_true(i > all - 3);
		} else {
			assert_true(err.msg[0]);
		}
	}
	machine_start(&one);
	opens(&key);
	/* One that fails from the start. */
	machine.t.measured.found.tpm = STATUS_TPM_FAILED;
	volume_data(&machine.t.volume, &d);
	assert_int_equal(d.what, TRUSTD_DATA_CLOSED);
	machine_mark(DATAHEAD_MAKING_ENCRYPTED);
	volume_data(&machine.t.volume, &d);
	assert_int_equal(d.what, TRUSTD_DATA_CLOSED);
	assert_non_null(strstr(d.why, "the TPM fails"));
}

static void test_none(void **state)
{
	static const struct {
		const char *seal;
		uint32_t what;
		const char *why;
	} cases[] = {
		{ "prefer", TRUSTD_DATA_PLAIN, "no TPM" },
		{ "require", TRUSTD_DATA_CLOSED, "requires one" },
		{ "none", TRUSTD_DATA_PLAIN, "as the release says" },
	};
	struct machine_boot b = one;
	struct trustd_data d;
	size_t i;

	(void)state;
	swtpm.absent = true;
	for (i = 0; i < 3; i++) {
		struct trustd_key key;
		struct err err;

		b.seal = cases[i].seal;
		machine_start(&b);
		volume_data(&machine.t.volume, &d);
		assert_int_equal(d.what, cases[i].what);
		assert_non_null(strstr(d.why, cases[i].why));
		assert_true(volume_new(&machine.t.volume, KEYHEAD_XTS, &key, &err) < 0);
	}
}

/* An encrypted DATA whose machine lost its TPM. */
static void test_none_any_more(void **state)
{
	struct trustd_data d;

	(void)state;
	(void)new_key();
	machine_stop();
	swtpm.absent = true;
	machine_start(&one);
	volume_data(&machine.t.volume, &d);
	assert_int_equal(d.what, TRUSTD_DATA_CLOSED);
	assert_non_null(strstr(d.why, "has no TPM"));
	stays_shut(-ENODEV, "no TPM");
}

/* --- reset, recovery, the wire --- */

/* Content is never given up: only a head that says "being made" leads to a new key. */
static void test_new_needs_the_mark(void **state)
{
	struct trustd_key key = new_key(), other;
	struct err err;

	(void)state;
	assert_int_equal(volume_new(&machine.t.volume, KEYHEAD_XTS, &other, &err), -EEXIST);
	assert_int_equal(volume_wipe(&machine.t.volume, &err), -EEXIST);
	opens(&key);
}

/* After a reset no copy of the disk of before opens, on this machine either. */
static void test_reset(void **state)
{
	struct trustd_key key = new_key(), second;
	struct keyhead h;
	struct err err;

	(void)state;
	machine_save("before");
	machine_mark(DATAHEAD_MAKING_ENCRYPTED);
	assert_int_equal(volume_wipe(&machine.t.volume, &err), 0);
	assert_int_equal(keyhead_read(&machine.t.volume.io, &h, NULL, &err), -ENOENT);
	assert_int_equal(volume_new(&machine.t.volume, KEYHEAD_XTS, &second, &err), 0);
	assert_memory_not_equal(key.key, second.key, 64);
	machine_mark(DATAHEAD_ENCRYPTED);
	machine_start(&one);
	opens(&second);
	machine_restore("before", true, false);
	machine_start(&one);
	stays_shut(-EPERM, "withdrawn");
}

static void test_recovery(void **state)
{
	struct trustd_key key = new_key();
	uint8_t secret[P256_SECRET_SIZE], got[KEYHEAD_KEY_MAX];
	struct keyhead h;
	struct err err;

	(void)state;
	assert_int_equal(keyhead_read(&machine.t.volume.io, &h, NULL, &err), 0);
	testkeys_secret(9, secret);
	assert_int_equal(recovery_open(secret, &h, got, &err), 0);
	assert_memory_equal(got, key.key, key.key_bytes);
}

static bool on_wire(const uint8_t *what, size_t len)
{
	return memmem(swtpm.wire, swtpm.wire_len, what, len) != NULL;
}

/* Who listens on the bus sees neither the key nor a half of it, nor what raises the counter. */
static void test_wire(void **state)
{
	struct trustd_key key;
	struct err err = { "" };
	uint8_t index[4];
	size_t at;

	(void)state;
	swtpm.keep_wire = true;
	swtpm.wire_len = 0;
	key = new_key();
	opens(&key);
	assert_int_equal(volume_good(&machine.t.volume, &err), 0);
	/* That the wire was heard at all. */
	be32_store(index, SEALPOLICY_NV_INDEX);
	assert_true(on_wire(index, sizeof(index)));
	for (at = 0; at + 8 <= key.key_bytes; at++)
		assert_false(on_wire(key.key + at, 8));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)
	const struct CMUnitTest tests[] = {
		T(test_opens_again),
		T(test_changed_system),
		T(test_header_that_lies),
		T(test_other_machine),
		T(test_counter_starts_anywhere),
		T(test_counter_is_guarded),
		T(test_counter_deleted),
		T(test_cleared),
		T(test_locked_out),
		T(test_fails_at_every_command),
		T(test_none),
		T(test_none_any_more),
		T(test_new_needs_the_mark),
		T(test_reset),
		T(test_recovery),
		T(test_wire),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
