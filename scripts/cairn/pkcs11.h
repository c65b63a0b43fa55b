// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_PKCS11_H
#define CAIRN_PKCS11_H

#include <openssl/evp.h>

#include "err.h"

/*
 * Keys in a hardware token, through OpenSSL's engine for PKCS #11 (Debian's
 * libengine-pkcs11-openssl). A file that would hold a key in PEM holds one line instead (RFC 7512):
 *
 *     pkcs11:token=NAME;object=LABEL?module-path=/usr/lib/softhsm/libsofthsm2.so
 *
 * Lines that begin with `#` are comments. The PIN is the environment's CAIRN_PIN, else what
 * pin-source=file:PATH or pin-value= in the URI says; nobody is asked.
 */

/* pkcs11_is_uri - is this the text of such a file? */
int pkcs11_is_uri(const char *text);

/*
 * pkcs11_open - the key; *ret is freed with EVP_PKEY_free. Errors: -EINVAL the URI, -ENODEV the
 * engine or the token's module, -ENOKEY no such key or a wrong PIN.
 */
int pkcs11_open(const char *text, int private_too, EVP_PKEY **ret, struct err *err);

#endif
