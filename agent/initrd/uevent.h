// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INITRD_UEVENT_H
#define CAIRN_INITRD_UEVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

/* uevent_now_ms - CLOCK_MONOTONIC. */
int64_t uevent_now_ms(void);

/* uevent_open - a socket on which the kernel tells of devices. Errors: as socket(2), bind(2). */
int uevent_open(struct err *err);

/*
 * uevent_wait_block - sleep until something is said about a block device, or until_ms.
 * True: something was said, look again.
 */
bool uevent_wait_block(int fd, int64_t until_ms);

#endif
