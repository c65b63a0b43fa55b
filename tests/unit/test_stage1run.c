// SPDX-License-Identifier: Apache-2.0
/*
 * Whole replacements of stage-1 GRUB under firmwares that forget or ignore things, with a new GRUB
 * that works or not, cut at every write and every variable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "stage1run.h"

enum { ESP_BYTES = STAGE1_COPY_BYTES + 4096, VARS = 12, CUT = -ECANCELED };

struct var {
	char name[16];
	uint8_t data[EFIBOOT_OPTION_MAX];
	size_t len;
};

struct machine {
	uint8_t esp[2][ESP_BYTES], state[STAGE1_RECORD_OFFSET + 4096];
	struct var vars[VARS];
	/* The firmware. */
	bool has_vars, read_only, forgets, forgets_entries, no_next, own_order;
	bool new_is_broken;
	/* Power: the operation that is cut, counted over all that changes something. */
	unsigned int ops, cut_at;
	bool off;
	uint8_t started, boot_nr;
};

static struct machine m;

static bool cut(void)
{
	if (!m.off && ++m.ops == m.cut_at)
		m.off = true;
	return m.off;
}

/* ctx: which; 0, 1 the ESPs, 2 STATE. */
static uint8_t *medium(void *ctx, size_t *ret_size)
{
	uintptr_t which = (uintptr_t)ctx;

	*ret_size = which == 2 ? sizeof(m.state) : ESP_BYTES;
	return which == 2 ? m.state : m.esp[which];
}

static int io_read(void *ctx, void *buf, size_t len, uint64_t at)
{
	size_t size;
	const uint8_t *p = medium(ctx, &size);

	assert_true(at + len <= size);
	memcpy(buf, p + at, len);
	return m.off ? CUT : 0;
}

static int io_write(void *ctx, const void *buf, size_t len, uint64_t at)
{
	size_t size;
	uint8_t *p = medium(ctx, &size);

	assert_true(at + len <= size);
	if (m.off)
		return CUT;
	/* The ESP that the machine runs from is never written. */
	if ((uintptr_t)ctx < 2)
		assert_int_not_equal((uintptr_t)ctx, m.started - 1);
	if (cut()) {
		/* Whole sectors of it come down. */
		memcpy(p + at, buf, len / 1024 * 512);
		return CUT;
	}
	memcpy(p + at, buf, len);
	return 0;
}

static int io_flush(void *ctx)
{
	(void)ctx;
	return m.off ? CUT : 0;
}

#define DEVICE(n, bytes)                                                                           \
	{                                                                                          \
		.ctx = (void *)(uintptr_t)(n), .size_bytes = (bytes), .sector_bytes = 512,         \
		.read = io_read, .write = io_write, .flush = io_flush                              \
	}
static const struct blockio devices[3] = { DEVICE(0, ESP_BYTES), DEVICE(1, ESP_BYTES),
					   DEVICE(2, STAGE1_RECORD_OFFSET + 4096) };

static struct var *find_var(const char *name)
{
	int i;

	for (i = 0; i < VARS; i++)
		if (strcmp(m.vars[i].name, name) == 0)
			return &m.vars[i];
	return NULL;
}

static int put_var(const char *name, const uint8_t *buf, size_t len)
{
	struct var *v = find_var(name);

	if (!v && !len)
		return -ENOENT;
	if (!v)
		v = find_var("");
	assert_non_null(v);
	memset(v, 0, sizeof(*v));
	if (!len)
		return 0;
	(void)strcpy(v->name, name);
	memcpy(v->data, buf, len);
	v->len = len;
	return 0;
}

static int var_get(void *ctx, const char *name, uint8_t *buf, size_t max, size_t *ret_len)
{
	const struct var *v = find_var(name);

	(void)ctx;
	if (m.off)
		return CUT;
	if (!m.has_vars)
		return -EOPNOTSUPP;
	if (!v)
		return -ENOENT;
	if (v->len > max)
		return -E2BIG;
	memcpy(buf, v->data, v->len);
	*ret_len = v->len;
	return 0;
}

static int var_set(void *ctx, const char *name, const uint8_t *buf, size_t len)
{
	(void)ctx;
	if (cut())
		return CUT;
	if (m.read_only)
		return -EROFS;
	return put_var(name, buf, len);
}

static const struct stage1_vars vars = { NULL, var_get, var_set };

static const struct efiboot_esp places[2] = {
	{ 1, 8192, 131072, { 1 }, "\\EFI\\BOOT\\BOOTX64.EFI" },
	{ 8, 139264, 131072, { 8 }, "\\EFI\\BOOT\\BOOTX64.EFI" },
};

static void fill_esp(uint8_t *esp, uint32_t generation)
{
	memset(esp, (int)(0x10 + generation), ESP_BYTES);
	le32_store(esp + 67, 0x43410000 | generation);
	le16_store(esp + 510, 0xaa55);
}

/* The generation of an ESP that would start; it is then whole. */
static uint32_t whole(int n)
{
	static uint8_t want[ESP_BYTES];
	uint32_t generation = stage1_generation(m.esp[n], 512);

	if (generation) {
		fill_esp(want, generation);
		assert_memory_equal(m.esp[n], want, ESP_BYTES);
	}
	return generation;
}

static void machine_new(void)
{
	static const uint8_t order[2] = { 0, 0 };

	memset(&m, 0, sizeof(m));
	m.has_vars = true;
	fill_esp(m.esp[0], 1);
	fill_esp(m.esp[1], 1);
	/* What firmware makes by itself: the disk, by the removable path. */
	(void)put_var("Boot0000", (const uint8_t *)"firmware's own", 14);
	(void)put_var("BootOrder", order, sizeof(order));
}

/* The ESP, 1 or 2, that an entry starts; 0 for none. */
static uint8_t entry_starts(uint16_t number)
{
	const struct var *v;
	char name[9];
	int n;

	efiboot_name(number, name);
	v = find_var(name);
	if (!v)
		return 0;
	/* Its own: the first ESP that has a loader. */
	if (number == 0)
		return whole(0) ? 1 : whole(1) ? 2 : 0;
	for (n = 0; n < 2; n++)
		if (efiboot_starts(v->data, v->len, &places[n]))
			return whole(n) ? (uint8_t)(n + 1) : 0;
	return 0;
}

static void forget(void)
{
	static const uint8_t own[2] = { 0, 0 };
	char name[9];
	uint16_t n;

	for (n = 1; (m.forgets || m.forgets_entries) && n < VARS; n++) {
		efiboot_name(n, name);
		(void)put_var(name, NULL, 0);
	}
	if (m.forgets)
		(void)put_var("BootNext", NULL, 0);
	if (m.forgets || m.own_order)
		(void)put_var("BootOrder", own, sizeof(own));
}

static uint8_t firmware_picks(void)
{
	const struct var *next, *order;
	uint16_t number;
	uint8_t esp;
	size_t i;

	forget();
	next = find_var("BootNext");
	if (next) {
		number = le16_load(next->data);
		(void)put_var("BootNext", NULL, 0);
		esp = m.no_next ? 0 : entry_starts(number);
		if (esp)
			return esp;
	}
	order = find_var("BootOrder");
	for (i = 0; order && i < order->len; i += 2) {
		esp = entry_starts(le16_load(order->data + i));
		if (esp)
			return esp;
	}
	return entry_starts(0);
}

/* One start that comes up; a new GRUB that hangs costs one more, and never two in a row. */
static void start(void)
{
	int hung;

	m.off = false;
	for (hung = 0;; hung++) {
		m.started = firmware_picks();
		assert_int_not_equal(m.started, 0);
		m.boot_nr++;
		if (!m.new_is_broken || whole(m.started - 1) == 1)
			break;
		assert_int_equal(hung, 0);
	}
}

static uint8_t *work_buffer(void)
{
	static uint8_t buf[2 * STAGE1_COPY_BYTES];

	return buf;
}

static struct stage1_machine view(void)
{
	struct stage1_machine v = { { &devices[0], &devices[1] },
				    &devices[2],
				    { places[0], places[1] },
				    m.has_vars ? &vars : NULL,
				    m.started,
				    { m.boot_nr },
				    work_buffer() };

	return v;
}

/* As the writer does it with a bundle that brings generation 2. */
static int bring(void)
{
	static uint8_t image[ESP_BYTES];
	struct stage1_machine v = view();
	struct stage1_hold h;
	struct stage1_facts f;
	size_t at, n;
	int rc;

	stage1run_facts(&v, &f);
	if (m.off || !stage1_takes(&f, 2))
		return 0;
	fill_esp(image, 2);
	rc = stage1_hold_init(&h, &devices[1], NULL);
	for (at = 0; !rc && at < ESP_BYTES; at += n) {
		n = ESP_BYTES - at < 100000 ? ESP_BYTES - at : 100000;
		rc = h.io.write(h.io.ctx, image + at, n, at);
	}
	/* What was written reads as written, and the medium has no file system yet. */
	if (!rc) {
		uint8_t first[1024];

		assert_int_equal(h.io.read(h.io.ctx, first, sizeof(first), 0), 0);
		assert_memory_equal(first, image, sizeof(first));
		assert_int_equal(whole(1), 0);
	}
	return rc ? rc : stage1_hold_release(&h, NULL);
}

/* Starts, each healthy; the bundle is there from the second on. */
static void live(int starts)
{
	struct err said;
	int n;

	for (n = 0; n < starts; n++) {
		enum stage1_action did;
		struct stage1_machine v;

		start();
		v = view();
		/* Before it is healthy nothing but looking is done. */
		(void)stage1run_waits(&v);
		if (stage1run_go(&v, &did, &said) == 0 && n > 0 && bring() == 0)
			(void)stage1run_go(&v, &did, &said);
		(void)whole(0);
		(void)whole(1);
	}
}

static const struct {
	const char *name;
	bool no_vars, read_only, forgets, forgets_entries, no_next, own_order, broken;
	uint32_t end; /* generation in both ESPs */
} worlds[] = {
	{ .name = "all works", .end = 2 },
	{ .name = "the new GRUB hangs", .broken = true, .end = 1 },
	{ .name = "no variables", .no_vars = true, .end = 1 },
	{ .name = "variables cannot be written", .read_only = true, .end = 1 },
	{ .name = "all is forgotten", .forgets = true, .end = 1 },
	{ .name = "entries are forgotten", .forgets_entries = true, .end = 1 },
	{ .name = "BootNext is ignored", .no_next = true, .end = 1 },
	{ .name = "BootOrder is the firmware's own", .own_order = true, .end = 1 },
	{ .name = "BootOrder is the firmware's own and the new GRUB hangs",
	  .own_order = true,
	  .broken = true,
	  .end = 1 },
};

static void new_world(size_t i)
{
	machine_new();
	m.has_vars = !worlds[i].no_vars;
	m.read_only = worlds[i].read_only;
	m.forgets = worlds[i].forgets;
	m.forgets_entries = worlds[i].forgets_entries;
	m.no_next = worlds[i].no_next;
	m.own_order = worlds[i].own_order;
	m.new_is_broken = worlds[i].broken;
}

static void assert_end(size_t i)
{
	struct stage1_machine v = view();

	if (whole(0) != worlds[i].end || whole(1) != worlds[i].end || m.started != 1)
		fail_msg("%s, cut at %u: it ends with %u and %u, started by ESP %u", worlds[i].name,
			 m.cut_at, whole(0), whole(1), m.started);
	assert_false(stage1run_waits(&v));
}

static void test_worlds(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++) {
		new_world(i);
		live(12);
		assert_end(i);
	}
}

/* The same, each operation cut in turn: it always starts, and comes to the same end. */
static void test_cuts(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++) {
		unsigned int at, total;

		new_world(i);
		live(12);
		total = m.ops;
		for (at = 1; at <= total; at++) {
			new_world(i);
			m.cut_at = at;
			live(16);
			assert_end(i);
		}
	}
}

/* Cut, and the firmware's variables are gone at once too: the removable path still starts it. */
static void test_cuts_with_lost_variables(void **state)
{
	unsigned int at, total;
	int broken;

	(void)state;
	for (broken = 0; broken < 2; broken++) {
		new_world((size_t)broken);
		live(12);
		total = m.ops;
		for (at = 1; at <= total; at++) {
			int n;

			new_world((size_t)broken);
			m.cut_at = at;
			for (n = 0; n < 16; n++) {
				if (m.off) {
					m.forgets = true;
					start();
					m.forgets = false;
				}
				live(2);
			}
			/* What was lost may look like a firmware that does not keep to it. */
			assert_int_equal(whole(0), whole(1));
			assert_in_range(whole(0), 1, broken ? 1 : 2);
			assert_int_equal(m.started, 1);
		}
	}
}

/* A bundle relies only on what both ESPs have. */
static void test_least(void **state)
{
	struct stage1_machine v;
	struct stage1_facts f;

	(void)state;
	machine_new();
	start();
	v = view();
	stage1run_facts(&v, &f);
	assert_int_equal(stage1_least(&f), 1);
	fill_esp(m.esp[1], 2);
	stage1run_facts(&v, &f);
	assert_int_equal(stage1_least(&f), 1);
	fill_esp(m.esp[0], 2);
	stage1run_facts(&v, &f);
	assert_int_equal(stage1_least(&f), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worlds),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_cuts_with_lost_variables),
		cmocka_unit_test(test_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
