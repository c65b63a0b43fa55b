// SPDX-License-Identifier: Apache-2.0
#include "privileges.h"

#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#define EMPTY "/run/cairn/empty" /* root's, nothing in it */
#define READ SANDBOX_READ
#define WRITE SANDBOX_WRITE
#define EXEC SANDBOX_EXEC

#define CAP(name) SANDBOX_CAP(CAP_##name)
#define NETWORK_HELPER (CAP(NET_RAW) | CAP(NET_BIND_SERVICE))
#define HELPER_CALLS                                                                               \
	(CALLS_LIBC | CALLS_FILES | CALLS_IOCTL | CALLS_FORK | CALLS_EXEC | CALLS_UNIX | CALLS_INET)

/* Services in the order of their start, each with its parts and what it runs. */
const struct privileges privileges_table[] = {
	{
		/* Only where the release brings keys for Setup Mode; over before DATA is made. */
		.name = "enrol",
		.caps = { .keep = CAP(LINUX_IMMUTABLE) },
		.calls = CALLS_LIBC | CALLS_FILES | CALLS_CHANGE | CALLS_DISK | CALLS_IOCTL |
			 CALLS_UNIX,
		.descriptors = 16,
		.paths = { { "/dev", READ | SANDBOX_IOCTL },
			   { "/sys/firmware/efi/efivars", READ | WRITE },
			   { "/etc/cairn/secureboot", READ },
			   { "/run/cairn", READ } },
	},
	{
		.name = "trust",
		.user = "cairn-tpm",
		.root = EMPTY,
		.calls = CALLS_LIBC | CALLS_DISK | CALLS_UNIX,
		.descriptors = 24,
	},
	{
		.name = "data",
		/* Unmounts at the end. */
		.caps = { .keep = CAP(SYS_ADMIN) },
		.calls = CALLS_LIBC | CALLS_FILES | CALLS_CHANGE | CALLS_IOCTL | CALLS_MOUNT,
		.descriptors = 16,
		.mounts = true,
	},
	{
		.name = "mke2fs",
		.calls = CALLS_LIBC | CALLS_FILES | CALLS_DISK | CALLS_IOCTL | CALLS_EXEC,
		.descriptors = 16,
		.paths = { { "/dev/DATA", READ | WRITE | SANDBOX_IOCTL },
			   { "/dev/urandom", READ },
			   { "/proc", READ },
			   { "/usr/sbin/mke2fs", EXEC },
			   { "/dev/null", READ | WRITE } },
	},
	{
		.name = "e2fsck",
		.calls = CALLS_LIBC | CALLS_FILES | CALLS_DISK | CALLS_IOCTL | CALLS_EXEC,
		.descriptors = 16,
		.paths = { { "/dev/DATA", READ | WRITE | SANDBOX_IOCTL },
			   { "/dev/urandom", READ },
			   { "/proc", READ },
			   { "/usr/sbin/e2fsck", EXEC },
			   { "/dev/null", READ | WRITE } },
	},
	{
		.name = "agent",
		.user = "cairn-agent",
		.calls = CALLS_LIBC | CALLS_FILES | CALLS_CHANGE | CALLS_UNIX,
		.descriptors = 32,
		.paths = { { "/run/cairn", READ },
			   { "/run/cairn/agent", READ | WRITE },
			   { "/proc", READ } },
	},
	{
		.name = "agent-status",
		.user = "cairn-status",
		.root = EMPTY,
		.calls = CALLS_KILL,
		.descriptors = 16,
	},
	{
		.name = "netd",
		.user = "cairn-net",
		.caps = { .keep = CAP(NET_ADMIN) | CAP(NET_RAW), .pass = NETWORK_HELPER },
		.calls = HELPER_CALLS | CALLS_CHANGE | CALLS_NETLINK | CALLS_PACKET,
		.descriptors = 96,
		.paths = { { "/run/cairn/netd", WRITE },
			   { "/proc/sys/net/ipv6/conf", WRITE },
			   { "/etc/cairn/network.conf", READ },
			   { "/data/config", READ },
			   { "/usr/libexec/cairn/busybox", EXEC },
			   { "/usr/libexec/cairn/net-event", EXEC },
			   { "/dev/null", WRITE } },
	},
	{
		.name = "udhcpc",
		.user = "cairn-net",
		.caps = { .keep = NETWORK_HELPER },
		.calls = HELPER_CALLS | CALLS_PACKET,
		.descriptors = 96,
		.paths = { { "/usr/libexec/cairn/busybox", EXEC },
			   { "/usr/libexec/cairn/net-event", EXEC },
			   { "/dev/null", WRITE } },
	},
	{
		.name = "udhcpc6",
		.user = "cairn-net",
		.caps = { .keep = NETWORK_HELPER },
		.calls = HELPER_CALLS | CALLS_NETLINK | CALLS_PACKET,
		.descriptors = 96,
		.paths = { { "/usr/libexec/cairn/busybox", EXEC },
			   { "/usr/libexec/cairn/net-event", EXEC },
			   { "/dev/null", WRITE } },
	},
	{
		.name = "timed",
		.user = "cairn-ntp",
		.caps = { .pass = CAP(SYS_TIME) },
		.calls = HELPER_CALLS | CALLS_CHANGE | CALLS_CLOCK,
		.descriptors = 32,
		.paths = { { "/run/cairn/timed", WRITE },
			   { "/run/cairn/netd", READ },
			   { "/etc/hosts", READ },
			   { "/usr/libexec/cairn/busybox", EXEC },
			   { "/usr/libexec/cairn/net-event", EXEC },
			   { "/dev/null", WRITE } },
	},
	{
		.name = "ntpd",
		.user = "cairn-ntp",
		.caps = { .keep = CAP(SYS_TIME) },
		.calls = HELPER_CALLS | CALLS_CLOCK,
		.descriptors = 32,
		/* To look names up: hosts, and netd's resolv.conf. */
		.paths = { { "/run/cairn/netd", READ },
			   { "/etc/hosts", READ },
			   { "/usr/libexec/cairn/busybox", EXEC },
			   { "/usr/libexec/cairn/net-event", EXEC },
			   { "/dev/null", WRITE } },
	},
	{
		/* As who init started it, cairn-update: the group that may use DATA's reserve
		   stays. */
		.name = "update",
		.calls = CALLS_LIBC | CALLS_FILES | CALLS_CHANGE | CALLS_UNIX,
		.descriptors = 64,
		.paths = { { "/run/cairn", READ },
			   { "/run/cairn/update", READ | WRITE },
			   { "/etc/cairn", READ },
			   { "/sys/class/watchdog", READ },
			   { "/data/cairn/update", READ | WRITE } },
	},
	{
		.name = "update-writer",
		.user = "cairn-writer",
		.root = EMPTY,
		.calls = CALLS_LIBC | CALLS_DISK | CALLS_FORK,
		.descriptors = 32,
	},
	{
		/* The firmware's variables are root's; nothing else is in its root folder. */
		.name = "update-efivars",
		.user = "root",
		.root = "/sys/firmware/efi/efivars",
		.calls = CALLS_LIBC | CALLS_FILES | CALLS_CHANGE,
		.descriptors = 8,
		.paths = { { "/", READ | WRITE } },
	},
	{
		.name = "update-fetch",
		.user = "cairn-fetch",
		.calls = CALLS_LIBC | CALLS_FILES | CALLS_BENEATH | CALLS_IOCTL | CALLS_INET,
		.descriptors = 64,
		.paths = { { "/etc",
			     READ }, /* resolv.conf, hosts, cairn/; nothing in it is secret */
			   { "/run/cairn/netd", READ },
			   { "/data/config", READ }, /* ca.pem, which may be replaced */
			   { "/run/cairn/media", READ },
			   { "/dev/random", READ }, /* mbedTLS */
			   { NULL, SANDBOX_CONNECT } },
	},
	{
		/* Runs the integrator's programs, which may be anything: no list of calls. */
		.name = "update-health",
		.user = "cairn-health",
		.calls = CALLS_ANY,
		.descriptors = 64,
		.paths = { { "/", READ | EXEC },
			   { "/tmp", WRITE },
			   { "/dev/null", WRITE },
			   { NULL, SANDBOX_CONNECT } },
	},
	{
		.name = "update-stick",
		.caps = { .keep = CAP(SYS_ADMIN) },
		.calls = CALLS_LIBC | CALLS_FILES | CALLS_MOUNT,
		.descriptors = 32,
		.mounts = true,
	},
	{
		.name = "install",
		.caps = { .keep = CAP(SYS_ADMIN) | CAP(SYS_BOOT) },
		.calls = CALLS_LIBC | CALLS_FILES | CALLS_DISK | CALLS_IOCTL | CALLS_UNIX |
			 CALLS_NETLINK | CALLS_REBOOT,
		.descriptors = 32,
		.paths = { { "/dev", READ | WRITE | SANDBOX_IOCTL },
			   { "/sys", READ },
			   { "/proc", READ },
			   { "/run/cairn", READ } },
	},
};

const size_t privileges_count = sizeof(privileges_table) / sizeof(privileges_table[0]);

const struct privileges *privileges_of(const char *name)
{
	size_t i;

	for (i = 0; i < privileges_count; i++)
		if (strcmp(privileges_table[i].name, name) == 0)
			return &privileges_table[i];
	abort();
}
