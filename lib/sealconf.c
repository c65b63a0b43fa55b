// SPDX-License-Identifier: Apache-2.0
#include "sealconf.h"

#include <errno.h>
#include <string.h>

#include "cmdline.h"

static const char *const policy_words[] = { "require", "prefer", "none" };
static const char *const cipher_words[] = { "", "xts", "xts-hmac" };

/* word - the index of the key's value among the words, or otherwise where it is not there. */
static int word(const char *text, const char *key, const char *const *words, size_t count,
		unsigned int otherwise, unsigned int *ret, struct err *err)
{
	char value[16];
	unsigned int i;

	if (cmdline_get(text, key, NULL, 0)) {
		*ret = otherwise;
		return 0;
	}
	if (!cmdline_get(text, key, value, sizeof(value)))
		for (i = 0; i < count; i++)
			if (words[i][0] && strcmp(value, words[i]) == 0) {
				*ret = i;
				return 0;
			}
	return err_set(err, -EINVAL, "the release's %s has an unknown value", key);
}

int sealconf_parse(const char *text, enum sealconf_policy *ret_policy,
		   enum keyhead_cipher *ret_cipher, struct err *err)
{
	unsigned int policy, cipher;
	int rc = word(text, "data_seal", policy_words, SEALCONF_POLICIES, SEALCONF_PREFER, &policy,
		      err);

	rc = rc ? rc
		: word(text, "data_cipher", cipher_words, KEYHEAD_CIPHERS, KEYHEAD_XTS, &cipher,
		       err);
	if (rc)
		return rc;
	*ret_policy = (enum sealconf_policy)policy;
	*ret_cipher = (enum keyhead_cipher)cipher;
	return 0;
}

static enum sealconf_order fresh(enum sealconf_policy policy, enum sealconf_tpm tpm,
				 const char **ret_why)
{
	if (policy == SEALCONF_NONE) {
		*ret_why = "not encrypted, as the release says";
		return SEALCONF_PLAIN;
	}
	if (tpm == SEALCONF_TPM_OK)
		return SEALCONF_MAKE;
	if (tpm == SEALCONF_TPM_FAILS) {
		*ret_why = "the TPM fails, and DATA is not made without it";
		return SEALCONF_CLOSED;
	}
	if (policy == SEALCONF_PREFER) {
		*ret_why = "not encrypted: this machine has no TPM";
		return SEALCONF_PLAIN;
	}
	*ret_why = "this machine has no TPM, and the release requires one";
	return SEALCONF_CLOSED;
}

static enum sealconf_order open_it(enum sealconf_tpm tpm, const char **ret_why)
{
	if (tpm == SEALCONF_TPM_OK)
		return SEALCONF_OPEN;
	*ret_why = tpm == SEALCONF_TPM_ABSENT ? "DATA is sealed, and this machine has no TPM"
					      : "DATA is sealed, and the TPM fails";
	return SEALCONF_CLOSED;
}

enum sealconf_order sealconf_decide(enum sealconf_policy policy, enum datahead head,
				    enum sealconf_header header, enum sealconf_tpm tpm,
				    const char **ret_why)
{
	*ret_why = NULL;
	switch (head) {
	case DATAHEAD_MAKING_ENCRYPTED:
	case DATAHEAD_MAKING:
		return fresh(policy, tpm, ret_why);
	case DATAHEAD_MADE:
		*ret_why = "DATA is not encrypted, and the release requires it";
		if (policy == SEALCONF_REQUIRE)
			return SEALCONF_CLOSED;
		*ret_why = policy == SEALCONF_NONE ? "not encrypted, as the release says"
			   : tpm == SEALCONF_TPM_ABSENT
				   ? "not encrypted: this machine has no TPM"
				   : "not encrypted: it was made so, and stays so "
				     "until a factory reset";
		return SEALCONF_PLAIN;
	case DATAHEAD_EMPTY:
		/* A header without its mark: the mark was lost, not the data. */
		if (header == SEALCONF_HEADER_NONE)
			return fresh(policy, tpm, ret_why);
		break;
	case DATAHEAD_ENCRYPTED:
	default:
		break;
	}
	if (header == SEALCONF_HEADER_OK)
		return open_it(tpm, ret_why);
	*ret_why = header == SEALCONF_HEADER_BAD ? "the key header of DATA cannot be read"
		   : head == DATAHEAD_ENCRYPTED	 ? "the key header of DATA is gone"
						 : "DATA holds something unknown";
	return SEALCONF_CLOSED;
}
