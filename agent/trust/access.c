// SPDX-License-Identifier: Apache-2.0
#include "access.h"

#include <pwd.h>

#include "agent/trust/proto.h"

static const uint8_t allowed[TRUSTD_OPS] = {
	[TRUSTD_MEASURED] = ACCESS_AGENT | ACCESS_ROOT,
	[TRUSTD_DATA] = ACCESS_ROOT,
	[TRUSTD_DATA_KEY] = ACCESS_ROOT,
	[TRUSTD_DATA_NEW] = ACCESS_ROOT,
	[TRUSTD_DATA_WIPE] = ACCESS_ROOT,
	[TRUSTD_SEAL] = ACCESS_UPDATE,
	[TRUSTD_GOOD] = ACCESS_UPDATE,
	[TRUSTD_SEALED] = ACCESS_AGENT | ACCESS_UPDATE | ACCESS_ROOT,
	[TRUSTD_QUOTE] = ACCESS_AGENT | ACCESS_ROOT,
	[TRUSTD_ACTIVATE] = ACCESS_AGENT | ACCESS_ROOT,
	[TRUSTD_SIGN] = ACCESS_AGENT | ACCESS_ROOT,
	[TRUSTD_IDENTITY] = ACCESS_AGENT | ACCESS_ROOT,
	[TRUSTD_SETTINGS] = ACCESS_ROOT,
};

void access_users(struct access_users *ret)
{
	const struct passwd *pw = getpwnam("cairn-agent");

	*ret = (struct access_users){ 0 };
	if (pw) {
		ret->has_agent = true;
		ret->agent = pw->pw_uid;
	}
	pw = getpwnam("cairn-update");
	if (pw) {
		ret->has_update = true;
		ret->update = pw->pw_uid;
	}
}

uint32_t access_mask(const struct access_users *u, uint32_t uid)
{
	return (uid == 0 ? ACCESS_ROOT : 0u) |
	       (u->has_agent && uid == u->agent ? ACCESS_AGENT : 0u) |
	       (u->has_update && uid == u->update ? ACCESS_UPDATE : 0u);
}

bool access_allowed(uint32_t op, uint32_t mask)
{
	return op < TRUSTD_OPS && (allowed[op] & mask) != 0;
}
