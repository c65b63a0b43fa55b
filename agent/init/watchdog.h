// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_WATCHDOG_H
#define CAIRN_INIT_WATCHDOG_H

#include <stdint.h>

/*
 * The machine's watchdogs: armed once and never disarmed, so that a hang at shutdown ends too.
 * Fed only from the poll loop: a PID 1 that does not come round is a system that hangs.
 */
#define WATCHDOG_TIMEOUT_S 30

/* watchdog_open - arm every watchdog there is. Returns the shortest timeout in s, 0: none. */
uint32_t watchdog_open(void);

/* watchdog_feed - if it is time. Returns when it is time again (clock_boot_ms), 0: never. */
uint64_t watchdog_feed(uint64_t now_ms);

/* watchdog_timeout_s - as watchdog_open returned it. */
uint32_t watchdog_timeout_s(void);

#endif
