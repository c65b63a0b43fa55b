// SPDX-License-Identifier: Apache-2.0
#ifndef VM_RELAY_H
#define VM_RELAY_H

/*
 * relay - carry bytes both ways between standard input, a socket, and 127.0.0.1:port until both
 * sides have ended. QEMU's user network starts one for each connection of the machine.
 * Returns 0 or -errno.
 */
int relay(const char *port);

#endif
