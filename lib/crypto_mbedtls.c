// SPDX-License-Identifier: Apache-2.0
#include "crypto.h"

#include <errno.h>

#include <mbedtls/ecdsa.h>
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

int crypto_p256_verify(const uint8_t point[static P256_POINT_SIZE],
		       const uint8_t digest[static SHA256_SIZE],
		       const uint8_t signature[static P256_SIGNATURE_SIZE])
{
	mbedtls_ecp_group group;
	mbedtls_ecp_point q;
	mbedtls_mpi r, s;
	int rc, made;

	mbedtls_ecp_group_init(&group);
	mbedtls_ecp_point_init(&q);
	mbedtls_mpi_init(&r);
	mbedtls_mpi_init(&s);
	made = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1);
	if (!made)
		made = mbedtls_mpi_read_binary(&r, signature, 32);
	if (!made)
		made = mbedtls_mpi_read_binary(&s, signature + 32, 32);
	if (made)
		rc = -ENOMEM;
	else if (point[0] != 4 ||
		 mbedtls_ecp_point_read_binary(&group, &q, point, P256_POINT_SIZE) ||
		 mbedtls_ecp_check_pubkey(&group, &q))
		rc = -EINVAL;
	else
		rc = mbedtls_ecdsa_verify(&group, digest, SHA256_SIZE, &q, &r, &s) ? -EKEYREJECTED
										   : 0;
	mbedtls_mpi_free(&s);
	mbedtls_mpi_free(&r);
	mbedtls_ecp_point_free(&q);
	mbedtls_ecp_group_free(&group);
	return rc;
}
