// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fat.h"
#include "hex.h"
#include "bytes.h"
#include "io.h"

struct job {
	const char *out;
	bool map;
	struct fat_spec spec;
	struct fat_file files[FAT_FILES_MAX];
	const char *sources[FAT_FILES_MAX];
	size_t n;
	struct fat_plan plan;
};

static int parse_options(struct job *job, int argc, char **argv, struct err *err)
{
	enum { SIZE = 1, TYPE, LABEL, ID, CLUSTER, ALIGN, MAP };
	static const struct option options[] = {
		{ "size", required_argument, NULL, SIZE },
		{ "type", required_argument, NULL, TYPE },
		{ "label", required_argument, NULL, LABEL },
		{ "id", required_argument, NULL, ID },
		{ "cluster", required_argument, NULL, CLUSTER },
		{ "align", required_argument, NULL, ALIGN },
		{ "map", no_argument, NULL, MAP },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t v = 0;
	uint8_t id[4];
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		int bad = 0;

		switch (c) {
		case SIZE:
			bad = cmd_bytes(optarg, &job->spec.size_bytes);
			break;
		case TYPE:
			bad = cmd_number(optarg, 32, &v);
			job->spec.bits = (unsigned int)v;
			break;
		case LABEL:
			job->spec.label = optarg;
			break;
		case ID:
			bad = hex_decode(optarg, id, sizeof(id));
			job->spec.volume_id = be32_load(id);
			break;
		case CLUSTER:
			bad = cmd_bytes(optarg, &v) || v > UINT32_MAX;
			job->spec.cluster_bytes = (uint32_t)v;
			break;
		case ALIGN:
			bad = cmd_bytes(optarg, &v) || v > UINT32_MAX;
			job->spec.align_bytes = (uint32_t)v;
			break;
		case MAP:
			job->map = true;
			break;
		default:
			return CMD_USAGE;
		}
		if (bad)
			return cmd_usage(err, "`%s` is not a value of --%s", optarg,
					 options[c - 1].name);
	}
	if (optind == argc || !job->spec.size_bytes || !job->spec.bits || !job->spec.label)
		return cmd_usage(err, "OUT, --size, --type and --label are needed");
	job->out = argv[optind++];
	return 0;
}

static int parse_files(struct job *job, int argc, char **argv, struct err *err)
{
	for (; optind < argc; optind++, job->n++) {
		char *equals = strchr(argv[optind], '=');
		int rc;

		if (!equals)
			return cmd_usage(err, "`%s`: PATH=FILE", argv[optind]);
		if (job->n == FAT_FILES_MAX)
			return cmd_usage(err, "more than %d files", FAT_FILES_MAX);
		*equals = '\0';
		job->files[job->n].path = argv[optind];
		job->sources[job->n] = equals + 1;
		rc = cmd_file_size(equals + 1, &job->files[job->n].size_bytes, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int write_image(const struct job *job, int fd, struct err *err)
{
	uint8_t *metadata _cleanup_free_ = NULL;
	size_t i;
	int rc;

	assert(job->plan.metadata_bytes > 0);
	metadata = malloc(job->plan.metadata_bytes);
	if (!metadata)
		return err_set(err, -ENOMEM, "%s: no memory", job->out);
	if (ftruncate(fd, (off_t)job->spec.size_bytes))
		return err_sys(err, -errno, "make %s %llu bytes long", job->out,
			       (unsigned long long)job->spec.size_bytes);
	fat_format(&job->plan, metadata);
	rc = io_pwrite(fd, metadata, job->plan.metadata_bytes, 0);
	if (rc)
		return err_sys(err, rc, "write %s", job->out);
	for (i = 0; i < job->n; i++) {
		rc = cmd_copy_into(fd, job->files[i].ret_offset_bytes, job->sources[i],
				   job->files[i].size_bytes, err);
		if (rc)
			return rc;
	}
	return 0;
}

int cmd_fat(int argc, char **argv, struct err *err)
{
	struct job *job _cleanup_free_ = calloc(1, sizeof(*job));
	int fd _cleanup_close_ = -1;
	size_t i;
	int rc;

	if (!job)
		return err_set(err, -ENOMEM, "no memory");
	job->out = "";
	job->spec.cluster_bytes = job->spec.align_bytes = FAT_SECTOR_BYTES;
	rc = parse_options(job, argc, argv, err);
	if (!rc)
		rc = parse_files(job, argc, argv, err);
	if (rc)
		return rc;
	rc = fat_plan_make(&job->spec, job->files, job->n, &job->plan, err);
	if (rc)
		return rc == -ENOSPC ? CMD_REFUSED : CMD_USAGE;
	fd = open(job->out, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(err, -errno, "create %s", job->out);
	rc = write_image(job, fd, err);
	if (rc) {
		(void)unlink(job->out);
		return rc;
	}
	for (i = 0; job->map && i < job->n; i++)
		(void)printf("%llu %llu %s\n", (unsigned long long)job->files[i].ret_offset_bytes,
			     (unsigned long long)job->files[i].size_bytes, job->files[i].path);
	return CMD_OK;
}
