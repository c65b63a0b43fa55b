// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATECONF_H
#define CAIRN_UPDATECONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * update.conf: text, one key=value a line, `#` begins a comment line. /etc/cairn/update.conf is
 * the release's; a key in /data/config/update.conf replaces the release's.
 *
 *   channel=URL              folder of the channel: http, https, file; empty: none is polled
 *   name=WORD                the channel's name; any where it is not said
 *   poll_s=N                 10 to 2592000; default 3600
 *   jitter_pct=N             0 to 50; default 20
 *   window=HH:MM-HH:MM       maintenance window, UTC, may cross midnight; empty: always
 *   bandwidth_kib_s=N        0: no limit
 *   proxy=URL                http://HOST:PORT; empty: none
 *   ca=none|public|operator  whose certificates count for https; default public
 *   health_window_s=N        10 to 3600; default 300
 *   require=channel|none     is a channel that cannot be read a failure of health? default none
 *   reboot=auto|ordered      try what is written in the next window, or on order; default auto
 *   stick=yes|no             take newer releases from a stick; default yes
 *
 * A bad value and a key said twice refuse the whole file, with the line's number. An unknown key is
 * passed over and said: the file may be that of a newer release that was left again, and a
 * machine without its channel could not be mended.
 */

#define UPDATECONF_SIZE_MAX 8192 /* bytes of a file */
#define UPDATECONF_URL_SIZE 512
#define UPDATECONF_PROXY_SIZE 256
#define UPDATECONF_NAME_SIZE 64

enum updateconf_ca { UPDATECONF_CA_NONE, UPDATECONF_CA_PUBLIC, UPDATECONF_CA_OPERATOR };

struct updateconf {
	char channel[UPDATECONF_URL_SIZE];
	char name[UPDATECONF_NAME_SIZE];
	char proxy[UPDATECONF_PROXY_SIZE];
	uint32_t poll_s, jitter_pct, bandwidth_kib_s, health_window_s;
	bool has_window;
	uint16_t window_from, window_to; /* minutes of the day, UTC; to is not in it */
	enum updateconf_ca ca;
	bool require_channel, reboot_auto, stick;
};

/* updateconf_defaults - what holds where no file says anything. */
void updateconf_defaults(struct updateconf *ret_conf);

/*
 * updateconf_parse - read one file over what *conf holds. err->msg names a key that was passed
 * over. Errors: -EINVAL with the line's number in err, -EFBIG; *conf is then left as it was.
 */
int updateconf_parse(struct updateconf *conf, const uint8_t *buf, size_t len, struct err *err);

/* updateconf_url_ok - http, https or file, a host where it needs one, no user, no fragment, only
 * characters that a URL may have. */
bool updateconf_url_ok(const char *url);

#endif
