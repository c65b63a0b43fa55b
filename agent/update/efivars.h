// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_EFIVARS_H
#define CAIRN_UPDATE_EFIVARS_H

#include "err.h"
#include "stage1run.h"

/*
 * The firmware's boot variables, for the writer. efivarfs lets only root make and change them, and
 * the writer is not root; so a process of its own is, without capabilities and with efivarfs as
 * its whole file system. It takes four kinds of names: Boot####, BootOrder, BootNext, and to read
 * BootCurrent. It ends with the writer.
 */
struct efivars {
	int fd; /* the pair to it; -1: none */
	struct stage1_vars vars;
};

/*
 * efivars_start - fork it. With the service's own rights; *ret_vars is usable from then on.
 * Errors: of the system. A machine without variables is none: they answer -EOPNOTSUPP.
 */
int efivars_start(struct efivars *ret_vars, struct err *err);

#endif
