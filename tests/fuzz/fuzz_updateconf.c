// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "updateconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	struct updateconf conf;
	struct err err;

	updateconf_defaults(&conf);
	if (updateconf_parse(&conf, buf, len, &err) == 0) {
		/* What was taken is within what others rely on. */
		if (*conf.channel && !updateconf_url_ok(conf.channel))
			abort();
		if (conf.jitter_pct > 50 || conf.poll_s < 10 || conf.window_from >= 1440 ||
		    conf.window_to >= 1440)
			abort();
	}
	return 0;
}
