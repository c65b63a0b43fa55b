// SPDX-License-Identifier: Apache-2.0
/* slot.cfg: the one GRUB command of a slot. It is signed and measured, so its bytes are decided
 * here and nowhere else; bootloader/ describes who reads it. */
#include "cmd.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "crypto.h"
#include "hex.h"
#include "verity.h"

#define BASE_ARGS "console=tty0 console=ttyS0,115200 panic=10 quiet loglevel=4"

enum { KERNEL_ARGS_MAX = 2047 }; /* COMMAND_LINE_SIZE of x86, without its NUL */

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

/* Words of base, single blanks between them. */
static int add_base(struct line *l, const char *base, struct err *err)
{
	char copy[KERNEL_ARGS_MAX + 1], *save = NULL, *word;
	int rc;

	if (strlen(base) >= sizeof(copy))
		return err_set(err, CMD_REFUSED, "--args is longer than %d characters",
			       KERNEL_ARGS_MAX);
	memcpy(copy, base, strlen(base) + 1);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		rc = check_word(word, err);
		if (rc)
			return rc;
		add(l, "%s ", word);
	}
	return 0;
}

int cmd_slotcfg(int argc, char **argv, struct err *err)
{
	enum { ROOTHASH = 1, BLOCKS, SALT, VERSION, ARGS };
	static const struct option options[] = {
		{ "roothash", required_argument, NULL, ROOTHASH },
		{ "blocks", required_argument, NULL, BLOCKS },
		{ "salt", required_argument, NULL, SALT },
		{ "version", required_argument, NULL, VERSION },
		{ "args", required_argument, NULL, ARGS },
		{ NULL, 0, NULL, 0 },
	};
	const char *base = BASE_ARGS, *version = NULL;
	uint8_t root[SHA256_SIZE], salt[VERITY_SALT_MAX];
	char root_text[2 * SHA256_SIZE + 1] = "", salt_text[2 * VERITY_SALT_MAX + 1] = "";
	uint64_t blocks = 0;
	struct line line = { .used = 0 };
	size_t salt_size;
	int c, rc;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case ROOTHASH:
			if (hex_decode(optarg, root, sizeof(root)))
				return cmd_usage(err, "--roothash %s: 64 hex digits", optarg);
			hex_encode(root, sizeof(root), root_text);
			break;
		case BLOCKS:
			if (cmd_number(optarg, VERITY_DATA_BLOCKS_MAX, &blocks))
				return cmd_usage(err, "--blocks %s: not a number", optarg);
			break;
		case SALT:
			salt_size = strlen(optarg) / 2;
			if (!salt_size || salt_size > sizeof(salt) ||
			    hex_decode(optarg, salt, salt_size))
				return cmd_usage(err, "--salt %s: 1 to %d bytes in hex", optarg,
						 VERITY_SALT_MAX);
			hex_encode(salt, salt_size, salt_text);
			break;
		case VERSION:
			version = optarg;
			if (!plain(version, "._+-") || strlen(version) > 64)
				return err_set(err, CMD_REFUSED,
					       "version `%s`: 1 to 64 letters, digits and . _ + -",
					       version);
			break;
		case ARGS:
			base = optarg;
			break;
		default:
			return CMD_USAGE;
		}
	}
	if (!root_text[0] || !salt_text[0] || blocks < 2 || !version)
		return cmd_usage(err, "--roothash, --blocks (2 or more), --salt and --version are "
				      "needed");
	rc = add_base(&line, base, err);
	if (rc)
		return rc;
	add(&line, "cairn.roothash=%s cairn.rootblocks=%" PRIu64 " cairn.salt=%s cairn.version=%s",
	    root_text, blocks, salt_text, version);
	for (; optind < argc; optind++) {
		rc = check_word(argv[optind], err);
		if (rc)
			return rc;
		add(&line, " %s", argv[optind]);
	}
	if (line.overflow)
		return err_set(err, CMD_REFUSED, "the kernel reads at most %d characters",
			       KERNEL_ARGS_MAX);
	(void)printf("chainloader ($root)/vmlinuz %s\n", line.text);
	return CMD_OK;
}
