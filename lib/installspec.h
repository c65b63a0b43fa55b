// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INSTALLSPEC_H
#define CAIRN_INSTALLSPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * What the installer stick may write to: the value of cairn.install= on the signed command line,
 * made from conf/install.conf. Items parted by commas, each at most once, the transport first:
 *
 *     nvme | sata | mmc | virtio | any-internal
 *     min=N[M|G|T]             the disk has at least that many bytes
 *     model=PATTERN            the model as sysfs has it: letters, digits and . : / + - mean
 *                              themselves, _ a blank, % any text, @ any one character (what a
 *                              glob has would mean something to GRUB)
 *     over=never|cairn|any     what may be lost: nothing, an older Cairn, anything. Default never
 *     keep=yes|no              over an older Cairn: its DATA stays. Default yes
 */

#define INSTALLSPEC_MAX 256 /* bytes of the text */
#define INSTALLSPEC_MODEL_MAX 64

enum install_transport {
	INSTALL_ANY_INTERNAL, /* each of those below */
	INSTALL_NVME,
	INSTALL_SATA,
	INSTALL_MMC,
	INSTALL_VIRTIO,
	INSTALL_OTHER, /* of a disk only: USB and what we do not know; never written to */
};

enum install_over { INSTALL_OVER_NEVER, INSTALL_OVER_CAIRN, INSTALL_OVER_ANY };

struct installspec {
	enum install_transport transport;
	uint64_t min_bytes;		   /* 0: any size */
	char model[INSTALLSPEC_MODEL_MAX]; /* for fnmatch(3); "": any model */
	enum install_over over;
	bool keep_data;
};

/* install_transport_name - "nvme"; "usb or unknown" for INSTALL_OTHER. */
const char *install_transport_name(enum install_transport transport);

/*
 * installspec_parse - read the text, len bytes without a NUL.
 * Errors: -EINVAL with the item and the reason; *ret is left alone.
 */
int installspec_parse(const char *text, size_t len, struct installspec *ret, struct err *err);

#endif
