// SPDX-License-Identifier: Apache-2.0
/* The connection to a TPM behind a device node. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <tss2/tss2_tcti_device.h>

#include "agent/trust/tpm.h"

int tpm_tcti(const char *name, TSS2_TCTI_CONTEXT **ret, struct err *err)
{
	TSS2_TCTI_CONTEXT *tcti;
	size_t size = 0;
	TSS2_RC rc;

	if (access(name, F_OK))
		return err_set(err, -ENODEV, "this machine has no TPM");
	rc = Tss2_Tcti_Device_Init(NULL, &size, NULL);
	if (rc)
		return tpm_fail(err, "cannot prepare the TPM's driver", rc);
	tcti = calloc(1, size);
	if (!tcti)
		return err_set(err, -ENOMEM, "no memory for the TPM's driver");
	rc = Tss2_Tcti_Device_Init(tcti, &size, name);
	if (rc) {
		free(tcti);
		return tpm_fail(err, "cannot open the TPM", rc);
	}
	*ret = tcti;
	return 0;
}
