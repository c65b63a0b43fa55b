// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_EKCERT_H
#define CAIRN_EKCERT_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "tpm2parse.h"

#define EKCERT_ROOTS_MAX 65536 /* bytes of a PEM file */

/*
 * ekcert_check - on hosts only: is this certificate (X.509, DER) one of this endorsement key, and
 * does it lead to one of the makers' roots at that time? pem holds their certificates: those that
 * are self-signed are believed, the others are on the way to one. TCG EK Credential Profile 2.3,
 * 3.2: no CA; an extended key usage, where there is one, names tcg-kp-EKCertificate (2.23.133.8.1);
 * the certificate's key is the EK's. Revocation is not looked at: nothing here is online.
 * Errors: -EKEYREJECTED, -EBADMSG no certificate or no PEM, -ENOMEM.
 */
int ekcert_check(const uint8_t *der, size_t len, const struct tpm2_public *ek, const char *pem,
		 size_t pem_len, uint64_t now_s, struct err *err);

#endif
