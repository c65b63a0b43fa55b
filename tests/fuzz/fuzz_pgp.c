// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "pgp.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* What parses is what the writer makes: there is one form of each packet. */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	uint8_t out[PGP_SIG_MAX + PGP_KEY_MAX];
	uint8_t digest[SHA256_SIZE] = { 0 };
	struct pgp_sig sig;
	struct pgp_key key;
	size_t out_len, body;

	if (pgp_sig_parse(buf, len, &sig) == 0) {
		memcpy(digest, sig.left16, 2);
		if (pgp_sig_write(sig.created, sig.keyid, digest, sig.rsa, sig.rsa_len, out,
				  &out_len) ||
		    out_len != len || memcmp(buf, out, len) != 0)
			abort();
	}
	if (pgp_key_parse(buf, len, &key) == 0) {
		if (pgp_key_write(key.created, key.n, key.n_len, key.e, key.e_len, out, &out_len,
				  &body) ||
		    out_len != len || memcmp(buf, out, len) != 0)
			abort();
	}
	return 0;
}
