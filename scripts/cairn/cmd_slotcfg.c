// SPDX-License-Identifier: Apache-2.0
/* slot.cfg: the one GRUB command of a slot, signed and measured. bootloader/slot.cfg.in has its
 * words; this fills them in and lets nothing through that two readers would read differently. */
#include "cmd.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "crypto.h"
#include "hex.h"
#include "io.h"
#include "verity.h"

enum {
	KERNEL_ARGS_MAX = 2047, /* COMMAND_LINE_SIZE of x86, without its NUL */
	TEMPLATE_MAX = 4096,
};

static const char start[] = "chainloader ($root)/vmlinuz ";

struct line {
	char text[KERNEL_ARGS_MAX + 1];
	size_t used;
	bool overflow;
};

static void add(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->used, sizeof(l->text) - l->used, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(l->text) - l->used)
		l->overflow = true;
	else
		l->used += (size_t)n;
}

/*
 * Characters that mean themselves to GRUB's script, to chainloader's joining of its arguments
 * and to the kernel's parser. Quotes, $, \, {, ;, #, * and blanks do not.
 */
static bool plain(const char *word, const char *extra)
{
	const char *p;

	for (p = word; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9') || strchr(extra, *p)))
			return false;
	return *word != '\0';
}

static int check_word(const char *word, struct err *err)
{
	if (plain(word, "._,:=/+@%-"))
		return 0;
	return err_set(err, CMD_REFUSED,
		       "`%s`: only letters, digits and . _ , : = / + @ %% - mean the same to GRUB "
		       "and to the kernel",
		       word);
}

/* What stands for @NAME@ in the template. */
struct field {
	const char *name, *value;
	int seen;
};

/* Copies one word of the template, each field replaced by its value. */
static int fill_word(struct line *l, const char *word, struct field *fields, size_t n,
		     struct err *err)
{
	size_t i;

	while (*word) {
		for (i = 0; i < n; i++) {
			size_t len = strlen(fields[i].name);

			if (strncmp(word, fields[i].name, len) == 0) {
				fields[i].seen++;
				add(l, "%s", fields[i].value);
				word += len;
				break;
			}
		}
		if (i < n)
			continue;
		if (*word == '@')
			return err_set(err, CMD_REFUSED, "the template has an unknown field: %s",
				       word);
		add(l, "%c", *word++);
	}
	return 0;
}

/* template is one line; single blanks between its words. */
static int fill(struct line *l, char *template, struct field *fields, size_t n, struct err *err)
{
	char *save = NULL, *word;
	size_t i;
	int rc;

	template[strcspn(template, "\n")] = '\0';
	if (strncmp(template, start, strlen(start)) != 0)
		return err_set(err, CMD_REFUSED, "the template does not begin with `%s`", start);
	for (word = strtok_r(template + strlen(start), " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		/* The fields' values were checked when they came. */
		rc = check_word(word, err);
		if (rc)
			return rc;
		if (l->used)
			add(l, " ");
		rc = fill_word(l, word, fields, n, err);
		if (rc)
			return rc;
	}
	if (l->overflow)
		return err_set(err, CMD_REFUSED, "the kernel reads at most %d characters",
			       KERNEL_ARGS_MAX);
	for (i = 0; i < n; i++)
		if (fields[i].seen != 1)
			return err_set(err, CMD_REFUSED, "the template has %s %d times, not once",
				       fields[i].name, fields[i].seen);
	return 0;
}

struct job {
	const char *template, *version;
	char kernel[2 * SHA256_SIZE + 1], root[2 * SHA256_SIZE + 1], salt[2 * VERITY_SALT_MAX + 1],
		blocks[24];
	struct line extra; /* a blank and the word, for each word */
};

static int parse_options(struct job *job, int argc, char **argv, struct err *err)
{
	enum { TEMPLATE = 1, KERNEL, ROOTHASH, BLOCKS, SALT, VERSION };
	static const struct option options[] = {
		{ "template", required_argument, NULL, TEMPLATE },
		{ "kernel", required_argument, NULL, KERNEL },
		{ "roothash", required_argument, NULL, ROOTHASH },
		{ "blocks", required_argument, NULL, BLOCKS },
		{ "salt", required_argument, NULL, SALT },
		{ "version", required_argument, NULL, VERSION },
		{ NULL, 0, NULL, 0 },
	};
	uint8_t raw[VERITY_SALT_MAX];
	uint64_t blocks = 0;
	size_t size;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case TEMPLATE:
			job->template = optarg;
			break;
		case KERNEL:
			if (hex_decode(optarg, raw, SHA256_SIZE))
				return cmd_usage(err, "--kernel %s: 64 hex digits", optarg);
			hex_encode(raw, SHA256_SIZE, job->kernel);
			break;
		case ROOTHASH:
			if (hex_decode(optarg, raw, SHA256_SIZE))
				return cmd_usage(err, "--roothash %s: 64 hex digits", optarg);
			hex_encode(raw, SHA256_SIZE, job->root);
			break;
		case BLOCKS:
			if (cmd_number(optarg, VERITY_DATA_BLOCKS_MAX, &blocks) || blocks < 2)
				return cmd_usage(err, "--blocks %s: a number from 2", optarg);
			(void)snprintf(job->blocks, sizeof(job->blocks), "%" PRIu64, blocks);
			break;
		case SALT:
			size = strlen(optarg) / 2;
			if (!size || size > sizeof(raw) || hex_decode(optarg, raw, size))
				return cmd_usage(err, "--salt %s: 1 to %d bytes in hex", optarg,
						 VERITY_SALT_MAX);
			hex_encode(raw, size, job->salt);
			break;
		case VERSION:
			if (!plain(optarg, "._+-") || strlen(optarg) > 64)
				return err_set(err, CMD_REFUSED,
					       "version `%s`: 1 to 64 letters, digits and . _ + -",
					       optarg);
			job->version = optarg;
			break;
		default:
			return CMD_USAGE;
		}
	}
	if (!job->template || !job->kernel[0] || !job->root[0] || !job->salt[0] ||
	    !job->blocks[0] || !job->version)
		return cmd_usage(err, "--template, --kernel, --roothash, --blocks, --salt and "
				      "--version are needed");
	return 0;
}

int cmd_slotcfg(int argc, char **argv, struct err *err)
{
	struct job job = { .template = NULL };
	struct line line = { .used = 0 };
	uint8_t *template _cleanup_free_ = NULL;
	size_t len;
	int rc = parse_options(&job, argc, argv, err);

	for (; !rc && optind < argc; optind++) {
		rc = check_word(argv[optind], err);
		if (!rc)
			add(&job.extra, " %s", argv[optind]);
	}
	if (!rc && job.extra.overflow)
		rc = err_set(err, CMD_REFUSED, "the kernel reads at most %d characters",
			     KERNEL_ARGS_MAX);
	if (!rc)
		rc = cmd_load(job.template, TEMPLATE_MAX, 0, &template, &len, err);
	if (!rc) {
		struct field fields[] = {
			{ "@KERNEL@", job.kernel, 0 },	   { "@ROOTHASH@", job.root, 0 },
			{ "@ROOTBLOCKS@", job.blocks, 0 }, { "@SALT@", job.salt, 0 },
			{ "@VERSION@", job.version, 0 },   { "@EXTRA@", job.extra.text, 0 },
		};

		rc = fill(&line, (char *)template, fields, sizeof(fields) / sizeof(fields[0]), err);
	}
	if (!rc)
		(void)printf("%s%s\n", start, line.text);
	return rc;
}
