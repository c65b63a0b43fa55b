// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_FAULT_H
#define CAIRN_UPDATE_FAULT_H

/*
 * Named steps at which a test may kill the part that comes by. Compiled in only with
 * -DCAIRN_FAULTS (the development variant); production has nothing of it.
 *
 * Write a name into /run/cairn/fault (made by service update): the next one who passes the point
 * of that name empties the file and dies by SIGKILL. The file is opened at the start, so parts
 * without any right to the file system see it too. What stands in /data/config/fault goes there in
 * the next boot, for steps that come before anyone could write it. Names are [a-z0-9-], at most 31
 * bytes; each is used once in the code (tests/e2e/76-faultpoints.sh takes the list from the
 * source).
 */
#ifdef CAIRN_FAULTS
/* fault_init - as root, before the parts are forked. */
void fault_init(void);
void fault_point(const char *name);
#else
static inline void fault_init(void)
{
}
static inline void fault_point(const char *name)
{
	(void)name;
}
#endif

#endif
