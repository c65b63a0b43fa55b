// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_SAY_H
#define CAIRN_UPDATE_SAY_H

#include "main.h"

/*
 * What a person at the console, and a test, sees of updates: lines `cairn: update ...` on standard
 * error, which init passes on (docs/update.md has them).
 */

/* say - one line, without its end; a line that was the last one already is not said again. */
void say_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* say_progress - each further tenth of what is being written, from u->progress. */
void say_progress(const struct update *u);

#endif
