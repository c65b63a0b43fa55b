// SPDX-License-Identifier: Apache-2.0
#ifndef VM_CONFIG_H
#define VM_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#define VM_PRESETS_MAX 4
#define DISKS_MAX 8
#define NICS_MAX 4

enum bus { BUS_VIRTIO, BUS_NVME, BUS_AHCI, BUS_USB, BUS_SDHCI };
enum tpm { TPM_NONE, TPM_TIS, TPM_CRB };

struct disk {
	char *path; /* owned */
	enum bus bus;
	bool read_only;
	bool write_through; /* else changes go to an overlay that nobody keeps */
	int boot_index;	    /* 0 is first; -1: the firmware is not told to start it */
	const char *record; /* log of its writes (blklogwrites), in path's memory; or NULL */
	bool has_bad;
	unsigned int bad; /* sector of 512 bytes that gives errors, to reads and writes */
};

/* A machine, as the command line describes it. Strings are the command line's. */
struct vm_config {
	struct disk disks[DISKS_MAX];
	int n_disks;
	unsigned int mem_mib, cpus;
	enum tpm tpm;
	const char *tpm_dir;	    /* state kept there, or NULL: new, and thrown away */
	const char *nets[NICS_MAX]; /* `user[,OPTION=...]`, `tap=IFNAME` or `host=PORT` */
	int n_nets;
	const char *nic; /* qemu's device name */
	const char *accel;
	bool secureboot;
	const char *vars; /* variables of the firmware, `,rw` taken off; or NULL */
	bool vars_write_through;
	const char *vars_record;	     /* log of the writes to vars, or NULL */
	const char *presets[VM_PRESETS_MAX]; /* NAME=FILE: variables that are there before */
	int n_presets;
	const char *cert; /* PEM file to enrol as PK, KEK and db, or NULL */
	bool watchdog;
	bool no_reboot;
	const char *rtc; /* start of the machine's clock, qemu's form; or NULL: now */
	const char *log; /* file for the console as it came, or NULL */
	char **extra;	 /* further arguments of qemu */
	int n_extra;
};

#endif
