// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signed.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len);

/* There is one form of everything: what is taken apart goes together to the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t len)
{
	uint8_t out[SIGNED_MAX];
	struct signed_doc doc;
	size_t out_len, total;
	int rc = signed_split(buf, len, &doc, NULL);

	if (signed_bytes(buf, len, &total, NULL))
		return 0;
	if ((rc == -ENODATA) != (total > len))
		abort();
	if (rc == 0 && (doc.total > len || total != doc.total ||
			signed_write(doc.document, doc.document_len, doc.signature, doc.signatures,
				     out, &out_len) ||
			out_len != doc.total || memcmp(out, buf, out_len) != 0))
		abort();
	return 0;
}
