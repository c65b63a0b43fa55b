// SPDX-License-Identifier: Apache-2.0
#ifndef VM_BOX_H
#define VM_BOX_H

#include <stddef.h>
#include <stdio.h>

/* The beginning of the line that a healthy machine prints, and of a failing one. */
#define BOX_READY "cairn: ready"
#define BOX_FAILED "cairn: failed"

/*
 * box_print - show the key=value pairs of a `cairn: ready` or `cairn: failed` line as a frame
 * with one row for each thing a person asks about. line need not end with NUL.
 */
void box_print(FILE *f, const char *line, size_t len);

#endif
