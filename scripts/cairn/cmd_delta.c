// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

#include <getopt.h>
#include <stddef.h>

#include "delta_bundle.h"
#include "delta_file.h"
#include "signedfile.h"

int cmd_delta(int argc, char **argv, struct err *err)
{
	enum { RAW = 1, APPLY, KEY };
	static const struct option options[] = {
		{ "raw", no_argument, NULL, RAW },
		{ "apply", no_argument, NULL, APPLY },
		{ "key", required_argument, NULL, KEY },
		{ NULL, 0, NULL, 0 },
	};
	const char *keys[SIGNEDFILE_KEYS_MAX];
	size_t key_count = 0;
	int c, what = 0;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == '?' || (c != KEY && what))
			return cmd_usage(err, "--raw, --apply or --key");
		if (c != KEY)
			what = c;
		else if (key_count == SIGNEDFILE_KEYS_MAX)
			return cmd_usage(err, "too many keys");
		else
			keys[key_count++] = optarg;
	}
	if (argc - optind != 3 || (what && key_count))
		return cmd_usage(err, "OLD NEW OUT, or --apply OLD DELTA OUT");
	argv += optind;
	if (what == RAW)
		return delta_file_make(argv[0], argv[1], argv[2], err);
	if (what == APPLY)
		return delta_file_apply(argv[0], argv[1], argv[2], err);
	return delta_bundle(argv[0], argv[1], argv[2], keys, key_count, err);
}
