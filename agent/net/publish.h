// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_NET_PUBLISH_H
#define CAIRN_NET_PUBLISH_H

#include <stddef.h>

#include "agent/net/iface.h"

/*
 * What netd tells the rest of the machine, as files that are replaced whole (docs/network.md):
 *   net          state=online|configuring|offline|none, if=, addr4=, addr6=, dns=, config=,
 * problem= resolv.conf  name servers, best interface first ntp          servers=HOST...,
 * from=config|dhcp|default
 */

#define PUBLISH_TEXT_SIZE 2048

struct publish {
	const char *dir;     /* ours to write */
	const char *config;  /* where the settings are from: data, system, built-in */
	const char *problem; /* why the wanted settings are not used; "" none */
	/* What stands in the files now. */
	char net[PUBLISH_TEXT_SIZE], resolv[PUBLISH_TEXT_SIZE], ntp[PUBLISH_TEXT_SIZE];
};

/* publish_write - work out the three texts and replace the files that changed. */
void publish_write(struct publish *p, const struct netconf *conf, const struct iface *ifaces,
		   size_t count);

#endif
