// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_MAIN_H
#define CAIRN_UPDATE_MAIN_H

#include <stdint.h>

/* main_now_ms - CLOCK_BOOTTIME: time asleep counts. */
uint64_t main_now_ms(void);

#endif
