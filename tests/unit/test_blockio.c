// SPDX-License-Identifier: Apache-2.0
/* blockio_copy onto a device in memory that fails, cuts, forgets or lies at any point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "blockio.h"

enum {
	CHUNK = BLOCKIO_CHUNK_BYTES,
	IMAGE = 5 * CHUNK + 512,
	DEVICE = 7 * CHUNK,
};

struct device {
	uint8_t *medium;
	uint8_t *cache; /* what reads see until drop_cache */
	uint64_t size;
	int calls;   /* writing calls so far */
	int fail_at; /* the writing call that fails; 0 none */
	int error;
	uint64_t lie_from; /* bytes from here on never reach the medium */
	bool zero_works;
	unsigned int zeros;
	bool dropped;
};

static int dev_read(void *ctx, void *ret_buf, size_t len, uint64_t offset_bytes)
{
	struct device *d = ctx;

	assert_true(offset_bytes + len <= d->size);
	memcpy(ret_buf, (d->dropped ? d->medium : d->cache) + offset_bytes, len);
	return 0;
}

static int put(struct device *d, const void *buf, size_t len, uint64_t offset_bytes)
{
	assert_true(offset_bytes + len <= d->size);
	if (++d->calls == d->fail_at)
		return d->error;
	d->dropped = false;
	memcpy(d->cache + offset_bytes, buf, len);
	if (offset_bytes + len > d->lie_from)
		len = offset_bytes >= d->lie_from ? 0 : (size_t)(d->lie_from - offset_bytes);
	memcpy(d->medium + offset_bytes, buf, len);
	return 0;
}

static int dev_write(void *ctx, const void *buf, size_t len, uint64_t offset_bytes)
{
	return put(ctx, buf, len, offset_bytes);
}

static int dev_zero(void *ctx, uint64_t len, uint64_t offset_bytes)
{
	static const uint8_t zeros[CHUNK];
	struct device *d = ctx;

	if (!d->zero_works)
		return -EOPNOTSUPP;
	d->zeros++;
	return put(d, zeros, (size_t)len, offset_bytes);
}

static int dev_flush(void *ctx)
{
	struct device *d = ctx;

	return ++d->calls == d->fail_at ? d->error : 0;
}

static int dev_drop_cache(void *ctx)
{
	struct device *d = ctx;

	d->dropped = true;
	return 0;
}

static void device_new(struct device *d, uint64_t size, uint8_t fill)
{
	memset(d, 0, sizeof(*d));
	d->medium = malloc(size);
	d->cache = malloc(size);
	assert_true(d->medium && d->cache);
	memset(d->medium, fill, size);
	memset(d->cache, fill, size);
	d->size = size;
	d->lie_from = UINT64_MAX;
	d->error = -EIO;
}

static void device_free(struct device *d)
{
	free(d->medium);
	free(d->cache);
}

static struct blockio device_io(struct device *d)
{
	return (struct blockio){
		.ctx = d,
		.size_bytes = d->size,
		.sector_bytes = 512,
		.read = dev_read,
		.write = dev_write,
		.flush = dev_flush,
		.zero = dev_zero,
		.drop_cache = dev_drop_cache,
	};
}

static uint8_t *work;

static void make_image(struct device *image)
{
	uint64_t i;

	device_new(image, IMAGE, 0);
	for (i = 0; i < IMAGE; i++)
		image->medium[i] = (uint8_t)(i / CHUNK == 2 ? 0 : i * 31 + i / 512);
	memcpy(image->cache, image->medium, IMAGE);
}

static int copy(struct device *image, struct device *d, blockio_progress_fn *progress, void *ctx,
		struct err *err)
{
	struct blockio src = device_io(image), dst = device_io(d);

	return blockio_copy(&src, &dst, work, progress, ctx, err);
}

struct told {
	uint64_t written, checked;
};

static void progress(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
	struct told *told = ctx;
	uint64_t *at = strcmp(phase, "write") == 0 ? &told->written : &told->checked;

	assert_int_equal(total, IMAGE);
	assert_true(done <= total);
	if (done > *at)
		*at = done;
}

static void test_copy(void **state)
{
	struct device image, d;
	struct told told = { 0 };
	int zero_works;

	(void)state;
	make_image(&image);
	for (zero_works = 0; zero_works < 2; zero_works++) {
		device_new(&d, DEVICE, 0xff);
		d.zero_works = zero_works;
		assert_int_equal(copy(&image, &d, progress, &told, NULL), 0);
		assert_memory_equal(d.medium, image.medium, IMAGE);
		/* The first chunk, the device's last one, and the image's third. */
		assert_int_equal(d.zeros, zero_works ? 3 : 0);
		assert_int_equal(told.written, IMAGE);
		assert_int_equal(told.checked, IMAGE);
		device_free(&d);
	}
	/* Exactly as large as the image. */
	device_new(&d, IMAGE, 0xff);
	assert_int_equal(copy(&image, &d, NULL, NULL, NULL), 0);
	assert_memory_equal(d.medium, image.medium, IMAGE);
	device_free(&d);
	device_free(&image);
}

static void test_short_device(void **state)
{
	struct device image, d;
	struct err err = { "" };

	(void)state;
	make_image(&image);
	device_new(&d, IMAGE - 512, 0xff);
	assert_int_equal(copy(&image, &d, NULL, NULL, &err), -ENOSPC);
	assert_int_equal(d.calls, 0);
	assert_non_null(strstr(err.msg, "5243392"));
	device_free(&d);
	device_free(&image);
}

/*
 * Whatever call fails, its error comes back, and the first chunk - the partition table - is the
 * old one (nothing was done yet), empty, or complete with everything behind it.
 */
static void test_fails_everywhere(void **state)
{
	static const uint8_t zeros[CHUNK], old[CHUNK] = { 0xff, 0xff };
	struct device image, d;
	int n, rc = -EIO;

	(void)state;
	make_image(&image);
	for (n = 1; rc; n++) {
		struct err err = { "" };

		device_new(&d, DEVICE, 0xff);
		d.fail_at = n;
		d.error = n % 2 ? -EIO : -ENOSPC;
		rc = copy(&image, &d, NULL, NULL, &err);
		if (rc) {
			assert_int_equal(rc, d.error);
			assert_non_null(strstr(err.msg, "write the device"));
		}
		if (memcmp(d.medium, image.medium, CHUNK) == 0)
			assert_memory_equal(d.medium, image.medium, IMAGE);
		else if (d.medium[0] == old[0])
			assert_int_equal(n, 1);
		else
			assert_memory_equal(d.medium, zeros, CHUNK);
		device_free(&d);
	}
	assert_true(n > 10);
	device_free(&image);
}

/* A device that is smaller than it says, or loses a byte: found when read back. */
static void test_lies(void **state)
{
	static const uint64_t from[] = { CHUNK, 3 * CHUNK + 7, IMAGE - 1 };
	struct device image, d;
	size_t i;

	(void)state;
	make_image(&image);
	for (i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		struct err err = { "" };

		device_new(&d, DEVICE, 0xff);
		d.lie_from = from[i];
		assert_int_equal(copy(&image, &d, NULL, NULL, &err), -EILSEQ);
		assert_non_null(strstr(err.msg, "something else at byte"));
		/* No table was written. */
		assert_int_equal(d.medium[0], 0);
		device_free(&d);
	}
	device_free(&image);
}

static int set_up(void **state)
{
	(void)state;
	work = malloc(2 * (size_t)CHUNK);
	return work ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	free(work);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_short_device),
		cmocka_unit_test(test_fails_everywhere),
		cmocka_unit_test(test_lies),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
