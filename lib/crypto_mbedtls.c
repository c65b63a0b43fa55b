// SPDX-License-Identifier: Apache-2.0
#include "crypto.h"

#include <mbedtls/sha256.h>

_Static_assert(sizeof(mbedtls_sha256_context) <= sizeof(((struct sha256 *)0)->opaque),
	       "sha256 state");

/* The software implementation cannot fail; its return codes exist for accelerators. */

void sha256_init(struct sha256 *h)
{
	mbedtls_sha256_context *ctx = (mbedtls_sha256_context *)(void *)h->opaque;

	mbedtls_sha256_init(ctx);
	(void)mbedtls_sha256_starts(ctx, 0);
}

void sha256_update(struct sha256 *h, const void *buf, size_t len)
{
	(void)mbedtls_sha256_update((mbedtls_sha256_context *)(void *)h->opaque, buf, len);
}

void sha256_final(struct sha256 *h, uint8_t ret_digest[static SHA256_SIZE])
{
	(void)mbedtls_sha256_finish((mbedtls_sha256_context *)(void *)h->opaque, ret_digest);
}
