// SPDX-License-Identifier: Apache-2.0
/*
 * The model runs the shipped scripts of bootloader/. What it does with the boot state is held
 * against lib/bootstate.c; what it measures against real logs is for tests/e2e/33-pcr.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "efiauth.h"
#include "gpt.h"
#include "hex.h"
#include "io.h"
#include "pcrmodel.h"

static char early[512], config[16384];
static uint8_t kernel[8192];
static size_t early_len, config_len, kernel_len;
static const char slot_config[] =
	"chainloader ($root)/vmlinuz console=ttyS0 quiet cairn.roothash=00ff\n";
static struct pcrmodel_start start;
static struct err err;

struct got {
	struct {
		uint32_t pcr;
		uint8_t digest[SHA256_SIZE];
		char what[512];
	} event[1024];
	size_t n;
};
static struct got got, other;

static int note(void *ctx, uint32_t pcr, const uint8_t digest[static SHA256_SIZE], const char *what)
{
	struct got *g = ctx;

	assert_true(g->n < 1024);
	g->event[g->n].pcr = pcr;
	memcpy(g->event[g->n].digest, digest, SHA256_SIZE);
	(void)snprintf(g->event[g->n].what, sizeof(g->event[0].what), "%s", what);
	g->n++;
	return 0;
}

static int ignore(void *ctx, uint32_t pcr, const uint8_t digest[static SHA256_SIZE],
		  const char *what)
{
	(void)ctx;
	(void)pcr;
	(void)digest;
	(void)what;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	assert_int_equal(io_read_file("bootloader/early.cfg", early, sizeof(early), &early_len), 0);
	assert_int_equal(io_read_file("bootloader/grub.cfg", config, sizeof(config), &config_len),
			 0);
	assert_int_equal(
		io_read_file("tests/data/pe/tiny.signed.efi", kernel, sizeof(kernel), &kernel_len),
		0);
	return 0;
}

/* A new disk: both slots good, a primary. */
static void fresh(void)
{
	struct bootstate s = bootstate_factory(BOOTSTATE_A);
	int i;

	memset(&start, 0, sizeof(start));
	memset(&got, 0, sizeof(got));
	start.grub = (struct grubimage){ early, early_len, config, config_len };
	memset(start.loader, 0x10, SHA256_SIZE);
	for (i = 0; i < 2; i++) {
		assert_int_equal(pcrmodel_slot_init(&start.slot[i], (const uint8_t *)slot_config,
						    sizeof(slot_config) - 1, kernel, kernel_len,
						    &err),
				 0);
		bootstate_format(&s, (unsigned int)i, start.state[i]);
		start.takes[i] = true;
	}
	start.esp_part = 1;
	start.path = "/EFI/BOOT";
}

static struct pcrmodel_end run(struct got *g)
{
	struct pcrmodel_end end;

	g->n = 0;
	if (pcrmodel_run(&start, note, g, &end, &err))
		fail_msg("%s", err.msg);
	return end;
}

static void check_next(const struct bootstate_machine *m)
{
	struct bootstate_boot want = bootstate_next(m);
	struct pcrmodel_end end;
	struct bootstate_copy copy;
	int i;

	if (pcrmodel_run(&start, ignore, NULL, &end, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(end.started, want.started);
	for (i = 0; i < 2; i++) {
		(void)bootstate_parse(end.state[i], BOOTSTATE_SIZE, &copy);
		assert_int_equal(copy.valid, want.copy[i].valid);
		if (!copy.valid)
			continue;
		assert_int_equal(copy.sequence, want.copy[i].sequence);
		assert_true(bootstate_equal(&copy.state, &want.copy[i].state));
	}
}

/* Every state, loadable or not, writable or not: the script does what bootstate_next says. */
static void test_states(void **state)
{
	struct bootstate_machine m;
	unsigned int n;

	(void)state;
	fresh();
	for (n = 0; n < 256 * 16; n++) {
		unsigned int bits = n;
		struct bootstate s = { .esp = 1 };
		unsigned int sequence = n % 3, kind = n / 7 % 3, i;

		s.primary = bits & 1 ? BOOTSTATE_B : BOOTSTATE_A;
		s.a.good = bits >> 1 & 1;
		s.a.tries = bits >> 2 & 3;
		s.b.good = bits >> 4 & 1;
		s.b.tries = bits >> 5 & 3;
		s.booted = bits >> 7 & 1 ? BOOTSTATE_B : BOOTSTATE_A;
		memset(&m, 0, sizeof(m));
		m.takes[0] = start.takes[0] = bits >> 8 & 1;
		m.takes[1] = start.takes[1] = bits >> 9 & 1;
		m.loads_a = start.slot[0].kernel_taken = bits >> 10 & 1;
		m.loads_b = start.slot[1].kernel_taken = bits >> 11 & 1;
		m.esp = n % 5 ? 1 : 2;
		start.esp_part = m.esp == 1 ? 1 : 8;
		/* The other copy: the one before, none, or none of both. */
		bootstate_format(&s, sequence, start.state[0]);
		bootstate_format(&s, sequence + 2, start.state[1]);
		if (kind)
			start.state[1][30] ^= 0x40;
		if (kind == 2 && n % 11 == 0)
			memset(start.state[0], 0, BOOTSTATE_SIZE), m.takes[0] = false;
		for (i = 0; i < 2; i++)
			(void)bootstate_parse(start.state[i], BOOTSTATE_SIZE, &m.copy[i]);
		check_next(&m);
	}
}

static bool has(const struct got *g, uint32_t pcr, const char *what)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		if (g->event[i].pcr == pcr && strcmp(g->event[i].what, what) == 0)
			return true;
	return false;
}

static void pcr_of(const struct got *g, uint32_t pcr, uint8_t ret[static SHA256_SIZE])
{
	size_t i;

	memset(ret, 0, SHA256_SIZE);
	for (i = 0; i < g->n; i++)
		if (g->event[i].pcr == pcr)
			eventlog_extend(ret, g->event[i].digest);
}

/* The events of a start of a new disk, those that matter by their words. */
static void test_events(void **state)
{
	static const char *const commands[] = {
		"set check_signatures=enforce",
		"set superusers=nobody",
		"set disk=",
		"[ a = a ]",
		"[ 1 = 8 ]",
		"read_copy 0",
		"set copy=0:a:1:3:1:3:a:1:0",
		"set copy=1:a:1:3:1:3:a:1:1",
		"[ 0 = 0 ]",
		"return 0",
		"save_to 0 2",
		"echo cairn: boot slot=a tries=2",
		"source (hd0,gpt3)/slot.cfg",
		"chainloader (hd0,gpt3)/vmlinuz console=ttyS0 quiet cairn.roothash=00ff",
		"boot",
	};
	uint8_t digest[SHA256_SIZE], options[128];
	static const char arguments[] = "console=ttyS0 quiet cairn.roothash=00ff";
	struct pcrmodel_end end;
	size_t i;

	(void)state;
	fresh();
	end = run(&got);
	assert_int_equal(end.started, BOOTSTATE_A);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!has(&got, 8, commands[i]))
			fail_msg("no `%s`", commands[i]);
	}
	assert_true(has(&got, 8,
			"regexp --set=1:disk --set=2:esp_part ^\\((hd[0-9]+),gpt([0-9]+) "
			"(hd0,gpt1)/EFI/BOOT"));
	assert_true(has(&got, 8,
			"load_env --skip-sig -f (hd0,gpt2)/S0.ENV open primary a_good a_tries "
			"b_good b_tries booted esp close"));
	/* early.cfg is measured by nobody. */
	assert_false(has(&got, 8, "set check_signatures=no"));
	assert_false(has(&got, 8, "source (memdisk)/grub.cfg"));
	assert_true(has(&got, 9, "(hd0,gpt3)/slot.cfg"));
	assert_true(has(&got, 9, "(hd0,gpt3)/vmlinuz"));
	/* The last event: UTF-16, with its NUL. */
	for (i = 0; i < sizeof(arguments); i++)
		le16_store(options + 2 * i, (uint8_t)arguments[i]);
	sha256(options, 2 * sizeof(arguments), digest);
	assert_int_equal(got.event[got.n - 1].pcr, 9);
	assert_memory_equal(got.event[got.n - 1].digest, digest, SHA256_SIZE);
	pcr4_plain(start.loader, start.slot[0].kernel, digest);
	pcr_of(&got, 4, options);
	assert_memory_equal(options, digest, SHA256_SIZE);
}

/* PCR 4 and 9 are one value in both slots, on each disk, in each state; PCR 8 is not. */
static void test_same_everywhere(void **state)
{
	struct bootstate s = bootstate_factory(BOOTSTATE_B);
	struct pcrrelease release;
	uint8_t a[SHA256_SIZE], b[SHA256_SIZE];

	(void)state;
	fresh();
	(void)run(&got);
	s.a = (struct bootstate_mark){ false, 0 };
	bootstate_format(&s, 1, start.state[1]);
	start.disk = 3;
	start.esp_part = 8;
	assert_int_equal(run(&other).started, BOOTSTATE_B);
	pcr_of(&got, 4, a);
	pcr_of(&other, 4, b);
	assert_memory_equal(a, b, SHA256_SIZE);
	pcr_of(&got, 8, a);
	pcr_of(&other, 8, b);
	assert_memory_not_equal(a, b, SHA256_SIZE);
	pcr_of(&got, 9, a);
	pcr_of(&other, 9, b);
	assert_memory_equal(a, b, SHA256_SIZE);

	assert_int_equal(pcrmodel_release(&start.slot[1], &release, &err), 0);
	assert_int_equal(release.events, 3);
	assert_string_equal(release.event[0].what, "slot.cfg");
	assert_string_equal(release.event[1].what, "vmlinuz");
	assert_string_equal(release.event[2].what, "LoadOptions");
	release.loaders = 1;
	release.loader[0].generation = 1;
	memcpy(release.loader[0].hash, start.loader, SHA256_SIZE);
	pcrrelease_finish(&release);
	assert_memory_equal(release.pcr9, a, SHA256_SIZE);
	assert_memory_equal(release.kernel, start.slot[0].kernel, SHA256_SIZE);
	pcr_of(&got, 4, a);
	assert_memory_equal(release.loader[0].pcr4, a, SHA256_SIZE);
	assert_int_equal(pcrrelease_check(&release, &err), 0);
}

static void test_release_refused(void **state)
{
	struct pcrrelease good, r;

	(void)state;
	fresh();
	assert_int_equal(pcrmodel_release(&start.slot[0], &good, &err), 0);
	good.loaders = 2;
	good.loader[0].generation = 2;
	good.loader[1].generation = 5;
	pcrrelease_finish(&good);
	assert_int_equal(pcrrelease_check(&good, &err), 0);
#define REFUSED(change)                                                                            \
	do {                                                                                       \
		r = good;                                                                          \
		change;                                                                            \
		assert_int_equal(pcrrelease_check(&r, &err), -EBADMSG);                            \
	} while (0)
	REFUSED(r.events = 0);
	REFUSED(r.events = PCRRELEASE_EVENTS_MAX + 1);
	REFUSED(r.events = 2);
	REFUSED(r.loaders = 0);
	REFUSED(r.loaders = PCRRELEASE_LOADERS_MAX + 1);
	REFUSED(r.loader[1].generation = 2);
	REFUSED(r.loader[0].generation = 0);
	REFUSED(r.kernel[0] ^= 1);
	REFUSED(r.pcr9[31] ^= 1);
	REFUSED(r.event[1].digest[0] ^= 1);
	REFUSED(r.loader[1].hash[3] ^= 1);
	REFUSED(r.loader[1].pcr4[3] ^= 1);
#undef REFUSED
	/* A slot.cfg that starts nothing, or does what GRUB's words do not say alone. */
	start.slot[0].config = (const uint8_t *)"set a=b\n";
	start.slot[0].config_len = 8;
	assert_int_equal(pcrmodel_release(&start.slot[0], &r, &err), -ENOTSUP);
	start.slot[0].config = (const uint8_t *)"insmod x\n";
	start.slot[0].config_len = 9;
	assert_int_equal(pcrmodel_release(&start.slot[0], &r, &err), -ENOTSUP);
}

/* A slot that is not signed, or that the firmware does not take: what is measured of it. */
static void test_not_loadable(void **state)
{
	(void)state;
	fresh();
	start.slot[0].config_signed = false;
	assert_int_equal(run(&got).started, BOOTSTATE_NONE);
	assert_false(has(&got, 9, "(hd0,gpt3)/slot.cfg"));
	assert_true(has(&got, 8, "echo cairn: failed what=slot slot=a why=\"cannot be loaded\""));
	assert_true(has(&got, 8, "reboot"));

	fresh();
	start.slot[0].kernel_taken = false;
	start.takes[0] = start.takes[1] = false;
	assert_int_equal(run(&got).started, BOOTSTATE_B);
	assert_true(has(&got, 9, "(hd0,gpt3)/vmlinuz"));
	assert_true(has(&got, 9, "(hd0,gpt5)/vmlinuz"));
	assert_true(has(&got, 8, "echo cairn: failed what=state why=\"cannot be written\""));
}

/* What OVMF measured in tests/data/eventlog/sha256.bin: no keys, no Secure Boot. */
static void test_keys_off(void **state)
{
	static uint8_t log[8192];
	struct pcrmodel_keyset keys = { .secureboot = PCRMODEL_SB_OFF };
	struct eventlog_event e = { 0 };
	struct eventlog walk;
	size_t len, i = 0;

	(void)state;
	got.n = 0;
	assert_int_equal(pcrmodel_keys(&keys, note, &got, &err), 0);
	assert_int_equal(io_read_file("tests/data/eventlog/sha256.bin", log, sizeof(log), &len), 0);
	assert_int_equal(eventlog_init(&walk, log, len, &err), 0);
	while (eventlog_next(&walk, &e, &err) > 0) {
		if (e.pcr != 7)
			continue;
		assert_true(i < got.n);
		assert_memory_equal(got.event[i].digest, e.digest, SHA256_SIZE);
		i++;
	}
	assert_int_equal(i, got.n);
}

static void test_keys_on(void **state)
{
	static const uint8_t owner[EFIAUTH_GUID_BYTES] = { 1, 2, 3 };
	static uint8_t db[EFIAUTH_MAX], image[8192];
	struct pcrmodel_keyset keys = { .secureboot = PCRMODEL_SB_ON };
	uint8_t der[2048];
	size_t len = 0, der_len, image_len;

	(void)state;
	assert_int_equal(io_read_file("tests/data/authenticode/db.der", der, sizeof(der), &der_len),
			 0);
	assert_int_equal(io_read_file("tests/data/authenticode/tiny.cairn.efi", image,
				      sizeof(image), &image_len),
			 0);
	assert_int_equal(efiauth_add(db, sizeof(db), &len, EFIAUTH_X509, owner, der, der_len), 0);
	keys.db = keys.kek = keys.pk = (struct pcrmodel_blob){ db, len };
	keys.image[0] = keys.image[1] = (struct pcrmodel_blob){ image, image_len };
	got.n = 0;
	assert_int_equal(pcrmodel_keys(&keys, note, &got, &err), 0);
	/* Five variables, the separator, one authority for both images. */
	assert_int_equal(got.n, 7);
	assert_string_equal(got.event[0].what, "variable SecureBoot");
	assert_string_equal(got.event[5].what, "separator");
	assert_string_equal(got.event[6].what, "authority db");
	/* Not in db. */
	image[image_len - 100] ^= 1;
	assert_int_equal(pcrmodel_keys(&keys, note, &got, &err), -EKEYREJECTED);
	image[image_len - 100] ^= 1;
	keys.db = (struct pcrmodel_blob){ NULL, 0 };
	assert_int_equal(pcrmodel_keys(&keys, note, &got, &err), -EKEYREJECTED);
}

static void test_gpt(void **state)
{
	static uint8_t entries[GPT_ENTRIES_BYTES], data[92 + 8 + 2 * GPT_ENTRY_BYTES];
	uint8_t header[512] = "EFI PART", digest[SHA256_SIZE];

	(void)state;
	memset(entries, 0xaa, GPT_ENTRY_BYTES);
	memset(entries + 7 * GPT_ENTRY_BYTES, 0xbb, GPT_ENTRY_BYTES);
	header[91] = 7;
	got.n = 0;
	assert_int_equal(pcrmodel_gpt(header, 512, entries, sizeof(entries), note, &got, &err), 0);
	memcpy(data, header, 92);
	data[92] = 2;
	memset(data + 100, 0xaa, GPT_ENTRY_BYTES);
	memset(data + 100 + GPT_ENTRY_BYTES, 0xbb, GPT_ENTRY_BYTES);
	sha256(data, sizeof(data), digest);
	assert_int_equal(got.n, 4);
	assert_memory_equal(got.event[1].digest, digest, SHA256_SIZE);
	header[0] = 'X';
	assert_int_equal(pcrmodel_gpt(header, 512, entries, sizeof(entries), note, &got, &err),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),		cmocka_unit_test(test_states),
		cmocka_unit_test(test_same_everywhere), cmocka_unit_test(test_release_refused),
		cmocka_unit_test(test_not_loadable),	cmocka_unit_test(test_keys_off),
		cmocka_unit_test(test_keys_on),		cmocka_unit_test(test_gpt),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
