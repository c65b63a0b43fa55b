// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>

#include "netconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static struct netconf conf;
	struct err err;

	if (netconf_parse(buf, len, &conf, &err) == 0)
		(void)netconf_find(&conf, "eth0");
	return 0;
}
