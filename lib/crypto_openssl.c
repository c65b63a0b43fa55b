// SPDX-License-Identifier: Apache-2.0
/* The low-level SHA256 calls are deprecated in OpenSSL 3 but still use the CPU's instructions
 * and, unlike EVP, need no heap: contexts here are plain values. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto.h"

#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(((struct sha256 *)0)->opaque), "sha256 state");

void sha256_init(struct sha256 *h)
{
	(void)SHA256_Init((SHA256_CTX *)(void *)h->opaque);
}

void sha256_update(struct sha256 *h, const void *buf, size_t len)
{
	(void)SHA256_Update((SHA256_CTX *)(void *)h->opaque, buf, len);
}

void sha256_final(struct sha256 *h, uint8_t ret_digest[static SHA256_SIZE])
{
	(void)SHA256_Final(ret_digest, (SHA256_CTX *)(void *)h->opaque);
}
