// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_MAIN_H
#define CAIRN_INIT_MAIN_H

#include <stdint.h>

/* main_start_ms - when this program began (clock_boot_ms). */
uint64_t main_start_ms(void);

#endif
