// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "blockdev.h"
#include "blockio.h"
#include "bytes.h"
#include "gpt.h"
#include "io.h"

#define MB 1000000.0

static int refuse_device(const struct blockdev *dev, uint64_t image_bytes, const char *allow_fixed,
			 struct err *err)
{
	if (dev->used_by[0])
		return err_set(err, CMD_REFUSED, "%s is in use: %s", dev->path, dev->used_by);
	if (dev->read_only)
		return err_set(err, CMD_REFUSED,
			       "%s is read-only; look for a write-protect switch on the medium",
			       dev->path);
	if (dev->size_bytes == 0)
		return err_set(err, CMD_REFUSED, "%s has no medium in it", dev->path);
	if (dev->sector_bytes != GPT_SECTOR_BYTES)
		return err_set(err, CMD_REFUSED,
			       "%s has sectors of %u bytes; Cairn images are made for 512",
			       dev->path, dev->sector_bytes);
	if (dev->size_bytes < image_bytes)
		return err_set(err, CMD_REFUSED,
			       "%s is too small: it has %" PRIu64
			       " bytes, the image needs %" PRIu64,
			       dev->path, dev->size_bytes, image_bytes);
	if (!dev->removable && (!allow_fixed || strcmp(allow_fixed, dev->name) != 0))
		return err_set(
			err, CMD_REFUSED,
			"%s (%s, %s) is no removable disk; if it really is the one, say so by "
			"name: --allow-fixed %s",
			dev->path, dev->model, dev->transport, dev->name);
	return 0;
}

static void show(const struct blockdev *dev, const char *image, uint64_t image_bytes)
{
	(void)fprintf(stderr,
		      "image   %s, %.1f MB\n"
		      "device  %s (%s), %.1f GB, %s, %u partition%s\n",
		      image, (double)image_bytes / MB, dev->path, dev->model,
		      (double)dev->size_bytes / (1000 * MB), dev->transport, dev->partitions,
		      dev->partitions == 1 ? "" : "s");
}

/* Asks a person; scripts name the device a second time instead. */
static int confirm(const struct blockdev *dev, const char *yes, struct err *err)
{
	char answer[16] = "";

	if (yes && yes[0]) {
		if (strcmp(yes, dev->path) == 0)
			return 0;
		return err_set(err, CMD_REFUSED, "confirmed is %s, not %s; nothing was written",
			       yes, dev->path);
	}
	if (!isatty(STDIN_FILENO))
		return err_set(err, CMD_REFUSED,
			       "nobody to ask; set CONFIRM=%s to erase it; nothing was written",
			       dev->path);
	(void)fprintf(stderr,
		      "Everything on %s will be lost. Type y and Enter to go on: ", dev->path);
	if (!fgets(answer, sizeof(answer), stdin) || strcmp(answer, "y\n") != 0)
		return err_set(err, CMD_REFUSED, "not confirmed; nothing was written");
	return 0;
}

struct bar {
	bool tty;
	const char *phase;
	double started; /* seconds, of this phase */
	double shown;
	uint64_t first; /* bytes done when the phase began */
	int tenth;
};

static double now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A line that is drawn again on a terminal, one line each tenth elsewhere. */
static void show_progress(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
	static const char full[] = "##############################";
	struct bar *bar = ctx;
	double t = now(), speed, share = (double)done / (double)total;
	int width = (int)sizeof(full) - 1, filled = (int)(share * width);
	int tenth = (int)(share * 10);

	/* The first chunk is written and checked last: it says nothing about the time left. */
	if (done <= BLOCKIO_CHUNK_BYTES && bar->phase)
		return;
	if (!bar->phase || strcmp(bar->phase, phase) != 0) {
		bar->phase = phase;
		bar->started = t;
		bar->shown = 0;
		bar->first = done;
		bar->tenth = -1;
	}
	if (bar->tty ? t - bar->shown < 0.1 && done < total : tenth == bar->tenth)
		return;
	speed = t > bar->started ? (double)(done - bar->first) / (t - bar->started) : 0;
	bar->shown = t;
	bar->tenth = tenth;
	(void)fprintf(stderr, "%s%-6s[%.*s%*s] %3d %%  %6.1f MB/s  %3.0f s left%s",
		      bar->tty ? "\r" : "", phase, filled, full, width - filled, "",
		      (int)(share * 100), speed / MB,
		      speed > 0 ? (double)(total - done) / speed : 0.0,
		      bar->tty && done < total ? "" : "\n");
}

/* The image is a whole disk with a valid table, not a packed one or some other file. */
static int check_image(const struct blockio *image, const char *path, struct err *err)
{
	struct gpt *g _cleanup_free_ = malloc(sizeof(*g));
	uint8_t magic[4] = { 0 };
	int rc;

	if (!g)
		return err_set(err, -ENOMEM, "no memory");
	(void)image->read(image->ctx, magic, sizeof(magic), 0);
	if (le32_load(magic) == 0xfd2fb528)
		return err_set(err, CMD_REFUSED, "%s is packed; unpack it first: zstd -d %s", path,
			       path);
	rc = gpt_read(image, g, err);
	if (!rc && (!g->primary_ok || !g->backup_ok))
		rc = err_set(err, -EBADMSG, "one copy of its GPT is damaged");
	if (rc) {
		err_prefix(err, "%s is no disk image", path);
		return CMD_REFUSED;
	}
	return image->size_bytes % GPT_SECTOR_BYTES
		       ? err_set(err, CMD_REFUSED, "%s ends in the middle of a sector", path)
		       : 0;
}

static int write_device(const struct blockio *image, const struct blockdev *dev, int fd,
			struct err *err)
{
	uint8_t *buf _cleanup_free_ = malloc(2 * (size_t)BLOCKIO_CHUNK_BYTES);
	struct bar bar = { .tty = isatty(STDERR_FILENO) == 1 };
	struct blockio device;
	double started = now();
	int rc;

	if (!buf)
		return err_set(err, -ENOMEM, "no memory");
	rc = blockio_open_fd(&fd, &device, err);
	if (!rc)
		rc = blockio_copy(image, &device, buf, show_progress, &bar, err);
	if (!rc)
		rc = gpt_fix_backup(&device, err);
	if (rc) {
		if (bar.tty && bar.phase)
			(void)fputc('\n', stderr);
		err_prefix(err, "%s", dev->path);
		return rc == -EILSEQ ? CMD_REFUSED : rc;
	}
	/* The kernel's view of the partitions; who needs it can plug the disk in again. */
	(void)ioctl(fd, BLKRRPART);
	(void)fprintf(stderr, "%s: %.1f MB written and compared in %.0f s\n", dev->path,
		      (double)image->size_bytes / MB, now() - started);
	return 0;
}

int cmd_flash(int argc, char **argv, struct err *err)
{
	enum { YES = 1, ALLOW_FIXED };
	static const struct option options[] = {
		{ "yes", required_argument, NULL, YES },
		{ "allow-fixed", required_argument, NULL, ALLOW_FIXED },
		{ NULL, 0, NULL, 0 },
	};
	const char *yes = getenv("CONFIRM"), *allow_fixed = NULL, *path;
	int image_fd _cleanup_close_ = -1, fd _cleanup_close_ = -1;
	struct blockio image;
	struct blockdev dev;
	int c, rc;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case YES:
			yes = optarg;
			break;
		case ALLOW_FIXED:
			allow_fixed = optarg;
			break;
		default:
			return CMD_USAGE;
		}
	}
	if (argc - optind != 2)
		return cmd_usage(err, "IMAGE and DEVICE");
	path = argv[optind];
	image_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (image_fd < 0)
		return err_sys(err, -errno, "open %s", path);
	rc = blockio_open_fd(&image_fd, &image, err);
	if (!rc)
		rc = check_image(&image, path, err);
	if (rc)
		return rc;
	rc = blockdev_look(argv[optind + 1], &dev, err);
	if (rc)
		return rc == -ENOTBLK || rc == -EINVAL ? CMD_REFUSED : rc;
	rc = refuse_device(&dev, image.size_bytes, allow_fixed, err);
	if (rc)
		return rc;
	show(&dev, path, image.size_bytes);
	rc = confirm(&dev, yes, err);
	if (rc)
		return rc;
	/* Exclusive: fails where the kernel or another program has claimed the disk since. */
	fd = open(dev.path, O_RDWR | O_EXCL | O_CLOEXEC);
	if (fd < 0 && errno == EBUSY)
		return err_set(err, CMD_REFUSED, "%s is in use by the kernel or another program",
			       dev.path);
	if (fd < 0)
		return err_sys(err, -errno, "open %s for writing", dev.path);
	return write_device(&image, &dev, fd, err);
}
