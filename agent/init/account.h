// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_INIT_ACCOUNT_H
#define CAIRN_INIT_ACCOUNT_H

#include <sys/types.h>

/*
 * Users and groups from /etc/passwd and /etc/group, at most 4 KiB each. Own reading instead of
 * getpwnam(3), which takes memory whenever it likes and would ask a name service.
 * Errors: -ENOENT no such name, -EINVAL its line is damaged, or as io_read_file.
 */
int account_user(const char *name, uid_t *ret_uid, gid_t *ret_gid);
int account_group(const char *name, gid_t *ret_gid);

#endif
