// SPDX-License-Identifier: Apache-2.0
#ifndef CAIRN_UPDATE_STICK_H
#define CAIRN_UPDATE_STICK_H

#include <stdint.h>

#include "parts.h"
#include "proto.h"

/*
 * The part that mounts sticks: the only one with CAP_SYS_ADMIN, and with nothing else. It waits for
 * partitions (or whole disks) of removable and USB disks, but not of the disk the machine runs
 * from, mounts them read-only (vfat or ext4; nosuid, nodev, noexec) at STICK_DIR, and looks for a
 * folder `cairn` in the top folder:
 *
 *   cairn/channel    a channel's folder, as on a web server
 *   cairn/NAME.cairn bundles: the last one by name
 *
 * What it finds it tells main, and unmounts when main has done with it. What stands there is
 * believed by nobody without its signatures.
 */

#define STICK_DIR UPDATE_MEDIA_DIR "/stick"
#define STICK_VERSION 1u

/* stick part -> main */
struct stick_found {
	uint32_t version;
	uint32_t kind; /* SOURCE_FOLDER, SOURCE_FILE */
	char device[32];
	char url[UPDATE_URL_SIZE];
};

/* main -> stick part: done with what was found. */
struct stick_done {
	uint32_t version;
	uint32_t reserved;
};

/* stick_run - the part's body. boot_disk is the kernel's name of the machine's own disk. */
int stick_run(int main_fd, const char *boot_disk);

#endif
