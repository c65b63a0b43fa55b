// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_SETUP_H
#define CAIRN_INIT_SETUP_H

/*
 * What the machine needs before its first service, in this order. Each says on the console
 * what did not work and goes on: a part that is missing must not take the rest with it.
 */

/* setup_mounts - /proc /sys /dev /run /tmp and the kernel's other file systems, and folders. */
void setup_mounts(void);

/* setup_devices - who may open which device node; links in /dev. */
void setup_devices(void);

/* setup_sysctls - /etc/cairn/sysctl.conf. */
void setup_sysctls(void);

/* setup_host - a name that tells machines apart, and the loopback interface. */
void setup_host(void);

#endif
