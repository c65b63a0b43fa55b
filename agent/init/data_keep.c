// SPDX-License-Identifier: Apache-2.0
#include "data.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "lib/crypto.h"
#include "lib/io.h"

#define SEED_BYTES SHA256_SIZE

static void path_of(char ret[static PATH_MAX], const char *mount_point, const char *file)
{
	(void)snprintf(ret, PATH_MAX, "%s/%s", mount_point, file);
}

static void raise_clock(const char *mount_point)
{
	char path[PATH_MAX], text[32];
	int64_t saved_s;

	path_of(path, mount_point, "system/clock");
	if (io_read_file(path, text, sizeof(text), NULL) || clock_parse_time(text, &saved_s))
		return;
	if (clock_raise(saved_s) == 1)
		(void)fprintf(stderr,
			      "the clock was behind the last saved time and was set to it\n");
}

static int save_clock(const char *mount_point)
{
	char path[PATH_MAX], text[32];
	int n = snprintf(text, sizeof(text), "%lld\n", (long long)time(NULL));

	path_of(path, mount_point, "system/clock");
	return io_replace_file(path, text, (size_t)n, 0644);
}

/* The next seed depends on the last one and on what the kernel has: neither alone tells it. */
static int save_seed(const char *mount_point, const uint8_t *old, size_t old_len)
{
	uint8_t fresh[SEED_BYTES], next[SEED_BYTES];
	char path[PATH_MAX];
	struct sha256 h;

	if (getrandom(fresh, sizeof(fresh), GRND_NONBLOCK) != sizeof(fresh))
		memset(fresh, 0, sizeof(fresh));
	sha256_init(&h);
	sha256_update(&h, "cairn seed", 10);
	sha256_update(&h, old, old_len);
	sha256_update(&h, fresh, sizeof(fresh));
	sha256_final(&h, next);
	path_of(path, mount_point, "system/seed");
	return io_replace_file(path, next, sizeof(next), 0600);
}

/*
 * The seed counts as 256 bits, and only once: its successor is on the disk before it is used,
 * so that a power cut cannot make two boots begin from the same one.
 */
static void use_seed(const char *mount_point)
{
	struct {
		struct rand_pool_info info;
		uint8_t bytes[SEED_BYTES];
	} pool;
	_Static_assert(sizeof(pool) == sizeof(pool.info) + SEED_BYTES, "the bytes follow at once");
	uint8_t seed[SEED_BYTES + 1];
	char path[PATH_MAX];
	size_t len = 0;
	int fd _cleanup_close_ = -1;

	path_of(path, mount_point, "system/seed");
	if (io_read_file(path, seed, sizeof(seed), &len))
		len = 0;
	if (save_seed(mount_point, seed, len) || len != SEED_BYTES)
		return;
	pool.info.entropy_count = 8 * SEED_BYTES;
	pool.info.buf_size = SEED_BYTES;
	memcpy(pool.bytes, seed, SEED_BYTES);
	fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, RNDADDENTROPY, &pool))
		(void)fprintf(stderr, "cannot credit the saved seed: %s\n", strerror(errno));
	explicit_bzero(&pool, sizeof(pool));
	explicit_bzero(seed, sizeof(seed));
}

/* A name given by whoever manages the machine; RFC 1123, 2.1. */
static void set_hostname(const char *mount_point)
{
	char path[PATH_MAX], text[80];
	size_t len, i;

	path_of(path, mount_point, "config/hostname");
	if (io_read_file(path, text, sizeof(text), &len))
		return;
	while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
		len--;
	for (i = 0; i < len; i++)
		if (!(text[i] >= 'a' && text[i] <= 'z') && !(text[i] >= '0' && text[i] <= '9') &&
		    (text[i] != '-' || !i || i + 1 == len))
			break;
	if (!len || len > 63 || i < len)
		(void)fprintf(stderr, "config/hostname is no host name and is not used\n");
	else if (sethostname(text, len))
		(void)fprintf(stderr, "cannot set the host name: %s\n", strerror(errno));
}

void data_keep_open(const char *mount_point)
{
	static const struct {
		const char *name;
		unsigned int mode;
	} folders[] = { { "system", 0700 }, { "config", 0755 }, { "cairn", 0755 } };
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char path[PATH_MAX];

		path_of(path, mount_point, folders[i].name);
		if (mkdir(path, folders[i].mode) && errno != EEXIST)
			(void)fprintf(stderr, "cannot make %s: %s\n", path, strerror(errno));
	}
	raise_clock(mount_point);
	use_seed(mount_point);
	set_hostname(mount_point);
}

int data_keep_save(const char *mount_point, bool with_seed)
{
	int rc = save_clock(mount_point);

	if (with_seed) {
		int rc_seed = save_seed(mount_point, NULL, 0);

		rc = rc ? rc : rc_seed;
	}
	return rc;
}
