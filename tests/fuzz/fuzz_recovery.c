// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "recovery.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* A recovery slot of anyone's making, for a key that is known; and a file with a point. */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	static const uint8_t secret[P256_SECRET_SIZE] = { 1 };
	static uint8_t name[SHA256_SIZE];
	struct keyhead h = { .cipher = KEYHEAD_XTS, .key_bytes = 64 };
	uint8_t point[P256_POINT_SIZE], key[KEYHEAD_KEY_MAX];
	struct err err;

	(void)recovery_point((const char *)buf, len, point);
	if (len > sizeof(h.recovery))
		return 0;
	memcpy(h.recovery, buf, len);
	h.recovery_len = (uint32_t)len;
	(void)recovery_open(secret, &h, key, &err);
	/* Past the name of the key, which no input would meet. */
	if (!name[0] && crypto_p256_public(secret, point) == 0)
		sha256(point, sizeof(point), name);
	if (len > 1 + sizeof(name)) {
		memcpy(h.recovery + 1, name, sizeof(name));
		(void)recovery_open(secret, &h, key, &err);
	}
	return 0;
}
