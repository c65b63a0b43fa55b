// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_ORDERS_H
#define CAIRN_UPDATE_ORDERS_H

#include <stdbool.h>

/* What main asks of others. */

/* orders_reboot - init restarts the machine. */
int orders_reboot(void);

/* orders_reset - the marker that makes service `data` begin anew at the next boot (docs/init.md);
 * durable on return. */
int orders_reset(bool keep_identity);

#endif
