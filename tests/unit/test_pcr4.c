// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

#include "eventlog.h"
#include "io.h"
#include "pcr4.h"
#include "testlog.h"

enum { ACTION = 5, SEPARATOR = 4, IPL = 13 };
#define APPLICATION 0x80000003u

static struct testlog log_;
static struct err err;

static void separator(uint32_t pcr)
{
	static const uint8_t zeros[4];
	uint8_t digest[SHA256_SIZE];

	sha256(zeros, sizeof(zeros), digest);
	testlog_digest(&log_, pcr, SEPARATOR, digest, zeros, sizeof(zeros));
}

/* retries: boot entries that returned before the one that started. */
static void boot(const char *loader, const char *kernel, int retries)
{
	testlog_init(&log_);
	testlog_add(&log_, 0, 8, "firmware");
	testlog_add(&log_, 4, ACTION, "Calling EFI Application from Boot Option");
	separator(0);
	separator(4);
	for (; retries; retries--) {
		testlog_add(&log_, 4, APPLICATION, "another loader");
		testlog_add(&log_, 4, ACTION, "Returning from EFI Application from Boot Option");
		testlog_add(&log_, 4, ACTION, "Calling EFI Application from Boot Option");
	}
	testlog_add(&log_, 4, APPLICATION, loader);
	testlog_add(&log_, 8, IPL, "set check_signatures=enforce");
	testlog_add(&log_, 9, IPL, "a file");
	testlog_add(&log_, 4, APPLICATION, kernel);
	testlog_add(&log_, 9, 6, "options");
	testlog_add(&log_, 5, ACTION, "Exit Boot Services Invocation");
}

static void hash(const char *text, uint8_t ret[static SHA256_SIZE])
{
	sha256(text, strlen(text), ret);
}

static void replayed(uint8_t ret[static SHA256_SIZE])
{
	struct eventlog_pcrs pcrs;

	assert_int_equal(eventlog_replay(log_.buf, log_.len, &pcrs, &err), 0);
	memcpy(ret, pcrs.pcr[4], SHA256_SIZE);
}

/* What is predicted for another loader and kernel is what a log with them replays to. */
static void test_another(void **state)
{
	uint8_t loader[SHA256_SIZE], kernel[SHA256_SIZE];
	uint8_t want[4][SHA256_SIZE], got[SHA256_SIZE];
	int retries;

	(void)state;
	hash("grub 2", loader);
	hash("kernel 2", kernel);
	for (retries = 0; retries < 3; retries++) {
		boot("grub 1", "kernel 2", retries);
		replayed(want[1]);
		boot("grub 2", "kernel 1", retries);
		replayed(want[2]);
		boot("grub 2", "kernel 2", retries);
		replayed(want[3]);
		boot("grub 1", "kernel 1", retries);
		replayed(want[0]);
		assert_int_equal(pcr4_on_machine(log_.buf, log_.len, NULL, NULL, got, &err), 0);
		assert_memory_equal(got, want[0], SHA256_SIZE);
		assert_int_equal(pcr4_on_machine(log_.buf, log_.len, NULL, kernel, got, &err), 0);
		assert_memory_equal(got, want[1], SHA256_SIZE);
		assert_int_equal(pcr4_on_machine(log_.buf, log_.len, loader, NULL, got, &err), 0);
		assert_memory_equal(got, want[2], SHA256_SIZE);
		assert_int_equal(pcr4_on_machine(log_.buf, log_.len, loader, kernel, got, &err), 0);
		assert_memory_equal(got, want[3], SHA256_SIZE);
		assert_memory_not_equal(want[0], want[3], SHA256_SIZE);
	}
}

static void test_plain(void **state)
{
	uint8_t loader[SHA256_SIZE], kernel[SHA256_SIZE], want[SHA256_SIZE], got[SHA256_SIZE];

	(void)state;
	hash("grub", loader);
	hash("kernel", kernel);
	boot("grub", "kernel", 0);
	replayed(want);
	pcr4_plain(loader, kernel, got);
	assert_memory_equal(got, want, SHA256_SIZE);
}

static void test_split(void **state)
{
	uint8_t want[SHA256_SIZE];
	struct pcr4_split split;

	(void)state;
	boot("grub", "kernel", 1);
	assert_int_equal(pcr4_split(log_.buf, log_.len, &split, &err), 0);
	assert_int_equal(split.firmware_events, 5);
	hash("grub", want);
	assert_memory_equal(split.loader, want, SHA256_SIZE);
	hash("kernel", want);
	assert_memory_equal(split.kernel, want, SHA256_SIZE);
}

/* A real start, after a boot entry that came to nothing. */
static void test_real(void **state)
{
	uint8_t want[SHA256_SIZE], got[SHA256_SIZE];
	struct pcr4_split split;

	(void)state;
	assert_int_equal(
		io_read_file("tests/data/eventlog/grub.bin", log_.buf, sizeof(log_.buf), &log_.len),
		0);
	assert_int_equal(pcr4_split(log_.buf, log_.len, &split, &err), 0);
	assert_int_equal(split.firmware_events, 4);
	replayed(want);
	assert_int_equal(pcr4_on_machine(log_.buf, log_.len, split.loader, split.kernel, got, &err),
			 0);
	assert_memory_equal(got, want, SHA256_SIZE);
	pcr4_plain(split.loader, split.kernel, got);
	assert_memory_not_equal(got, want, SHA256_SIZE);
}

static void refused(int rc)
{
	uint8_t pcr[SHA256_SIZE];

	assert_int_equal(pcr4_on_machine(log_.buf, log_.len, NULL, NULL, pcr, &err), rc);
}

static void test_refused(void **state)
{
	uint8_t buf[8192];
	size_t len;

	(void)state;
	/* Two kernels: GRUB went on to the other slot. */
	boot("grub", "kernel of slot a", 0);
	testlog_add(&log_, 4, APPLICATION, "kernel of slot b");
	refused(-ENOTSUP);
	/* An event that only looks like none is not counted. */
	boot("grub", "kernel", 0);
	testlog_add(&log_, 4, 3, "a kernel marked as no action");
	refused(0);
	/* No kernel. */
	testlog_init(&log_);
	testlog_add(&log_, 4, ACTION, "Calling EFI Application from Boot Option");
	testlog_add(&log_, 4, APPLICATION, "grub");
	testlog_add(&log_, 8, IPL, "set a=b");
	refused(-ENOTSUP);
	/* No firmware. */
	testlog_init(&log_);
	testlog_add(&log_, 4, APPLICATION, "grub");
	testlog_add(&log_, 8, IPL, "set a=b");
	testlog_add(&log_, 4, APPLICATION, "kernel");
	refused(-ENOTSUP);
	/* Cut short. */
	boot("grub", "kernel", 0);
	log_.len--;
	refused(-EBADMSG);
	/* A kernel started without GRUB. */
	assert_int_equal(io_read_file("tests/data/eventlog/sha256.bin", buf, sizeof(buf), &len), 0);
	memcpy(log_.buf, buf, len);
	log_.len = len;
	refused(-ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_another), cmocka_unit_test(test_plain),
		cmocka_unit_test(test_split),	cmocka_unit_test(test_real),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
