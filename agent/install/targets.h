// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INSTALL_TARGETS_H
#define CAIRN_INSTALL_TARGETS_H

#include <stddef.h>

#include "lib/installpick.h"

/*
 * targets_list - the disks of this machine as sysfs shows them, in order of names.
 * source_name is the disk the machine runs from ("sda"). Returns how many, at most max.
 */
size_t targets_list(const char *source_name, struct installpick_disk *ret, size_t max);

#endif
