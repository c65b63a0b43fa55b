// SPDX-License-Identifier: Apache-2.0
#include "facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cmdline.h"
#include "dm.h"
#include "io.h"

#define RELEASE_FILE "/etc/cairn/release"
#define BOOT_FILE "/run/cairn/boot"
#define DATA_FILE "/run/cairn/data"
#define NET_FILE "/run/cairn/net"
#define NTP_FILE "/run/cairn/ntp"
#define TIME_FILE "/run/cairn/time"
#define UPDATE_FILE "/run/cairn/update/status"
#define HISTORY_FILE "/run/cairn/update/history"
/* EFI_GLOBAL_VARIABLE (UEFI 2.10, section 3.3) */
#define EFI_VAR(name) "/sys/firmware/efi/efivars/" name "-8be4df61-93ca-11d2-aa0d-00e098032b8c"

uint64_t facts_boot_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* A file of key=value words, read whole. */
struct words {
	char text[4096];
};

static int words_read(struct words *w, const char *path)
{
	w->text[0] = '\0';
	return io_read_file(path, w->text, sizeof(w->text), NULL);
}

/* words_get - a value, or an empty text. */
static void words_get(const struct words *w, const char *key, char *ret_value, size_t size)
{
	if (cmdline_get(w->text, key, ret_value, size))
		ret_value[0] = '\0';
}

static long long words_number(const struct words *w, const char *key)
{
	char text[32];

	words_get(w, key, text, sizeof(text));
	return strtoll(text, NULL, 10);
}

static void read_release(struct status *s)
{
	struct words w;
	char keys[16];

	(void)words_read(&w, RELEASE_FILE);
	words_get(&w, "version", s->version, sizeof(s->version));
	s->release = (uint64_t)words_number(&w, "release");
	words_get(&w, "variant", s->variant, sizeof(s->variant));
	words_get(&w, "keys", keys, sizeof(keys));
	s->dev_keys = strcmp(keys, "dev") == 0;
}

static void read_slot(struct status *s)
{
	struct words w;
	char part[8];

	(void)words_read(&w, BOOT_FILE);
	words_get(&w, "disk", s->disk, sizeof(s->disk));
	words_get(&w, "rootpart", part, sizeof(part));
	s->slot[0] = strcmp(part, "4") == 0 ? 'a' : strcmp(part, "6") == 0 ? 'b' : '\0';
}

/* efi_flag - a variable of one byte, behind four bytes of attributes. -1: not there. */
static int efi_flag(const char *path)
{
	unsigned char raw[16];
	size_t len;

	if (io_read_file(path, raw, sizeof(raw), &len) || len != 5)
		return -1;
	return raw[4];
}

static void read_secureboot(struct status *s)
{
	int on = efi_flag(EFI_VAR("SecureBoot"));

	s->setup_mode = efi_flag(EFI_VAR("SetupMode")) == 1;
	if (on < 0)
		s->secureboot = STATUS_SECUREBOOT_UNSUPPORTED;
	else
		s->secureboot =
			on == 1 && !s->setup_mode ? STATUS_SECUREBOOT_ON : STATUS_SECUREBOOT_OFF;
}

/* nth_word - word n of a table line, counted from 0; an empty text when it is shorter. */
static void nth_word(const char *text, unsigned int n, char *ret_word, size_t size)
{
	size_t len;

	while (n--) {
		text += strcspn(text, " ");
		text += strspn(text, " ");
	}
	len = strcspn(text, " ");
	if (len >= size)
		len = 0;
	memcpy(ret_word, text, len);
	ret_word[len] = '\0';
}

/*
 * read_verity - ask the device mapper about the device that / lies on. It is checked when its only
 * target is verity, no bad block was seen ('V'; kernel's dm-verity.rst), and the root hash it
 * checks with is the one on the signed command line.
 */
static void read_verity(struct status *s)
{
	int control _cleanup_close_ = open(DM_CONTROL, O_RDWR | O_CLOEXEC);
	char state[16] = "", table[768] = "", wanted[sizeof(s->root_hash)];
	struct words cmdline;
	struct stat root;

	s->verity = STATUS_VERITY_NONE;
	if (control < 0 || stat("/", &root) || words_read(&cmdline, "/proc/cmdline") ||
	    dm_ask(control, root.st_dev, DM_ASK_STATUS, "verity", state, sizeof(state)) ||
	    dm_ask(control, root.st_dev, DM_ASK_TABLE, "verity", table, sizeof(table)))
		return;
	/* version data-dev hash-dev block block blocks start algorithm ROOT-HASH salt ... */
	nth_word(table, 8, s->root_hash, sizeof(s->root_hash));
	words_get(&cmdline, "cairn.roothash", wanted, sizeof(wanted));
	if (*wanted == '\0' || strcmp(wanted, s->root_hash) != 0)
		return;
	s->verity = state[0] == 'V' ? STATUS_VERITY_OK : STATUS_VERITY_CORRUPT;
}

void facts_read_boot(struct status *s)
{
	read_release(s);
	read_slot(s);
	read_secureboot(s);
	read_verity(s);
}

static void read_network(struct status *s)
{
	struct words w;

	(void)words_read(&w, NET_FILE);
	words_get(&w, "state", s->net_state, sizeof(s->net_state));
	words_get(&w, "if", s->net_if, sizeof(s->net_if));
	words_get(&w, "addr4", s->net_addr4, sizeof(s->net_addr4));
	words_get(&w, "addr6", s->net_addr6, sizeof(s->net_addr6));
	words_get(&w, "dns", s->net_dns, sizeof(s->net_dns));
	words_get(&w, "config", s->net_config, sizeof(s->net_config));
	words_get(&w, "problem", s->net_problem, sizeof(s->net_problem));
	(void)words_read(&w, TIME_FILE);
	words_get(&w, "state", s->time_state, sizeof(s->time_state));
	s->time_stratum = (uint32_t)words_number(&w, "stratum");
	s->time_offset_us = words_number(&w, "offset_us");
	(void)words_read(&w, NTP_FILE);
	words_get(&w, "servers", s->time_servers, sizeof(s->time_servers));
}

/* A line of /proc/meminfo in KiB, 0 when it is not there. key has the newline before it. */
static uint32_t meminfo(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p ? (uint32_t)strtoul(p + strlen(key), NULL, 10) : 0;
}

/*
 * In use is what only its owner can give back: not what is free (the kernel's reserves, which
 * MemAvailable leaves out, are free), not caches of what is on disk, but the files of tmpfs.
 */
static void read_memory(struct status *s)
{
	struct words w;

	w.text[0] = '\n';
	if (io_read_file("/proc/meminfo", w.text + 1, sizeof(w.text) - 1, NULL))
		return;
	s->mem_total_kib = meminfo(w.text, "\nMemTotal:");
	s->mem_available_kib = meminfo(w.text, "\nMemAvailable:");
	s->mem_used_kib = s->mem_total_kib - meminfo(w.text, "\nMemFree:") -
			  meminfo(w.text, "\nBuffers:") - meminfo(w.text, "\nCached:") -
			  meminfo(w.text, "\nSReclaimable:") + meminfo(w.text, "\nShmem:");
}

void facts_read_now(struct status *s)
{
	struct words w;

	(void)words_read(&w, DATA_FILE);
	words_get(&w, "state", s->data_state, sizeof(s->data_state));
	words_get(&w, "why", s->data_why, sizeof(s->data_why));
	words_get(&w, "encrypted", s->data_encrypted, sizeof(s->data_encrypted));
	words_get(&w, "sealed", s->data_sealed, sizeof(s->data_sealed));
	read_network(s);
	read_memory(s);
	s->uptime_ms = facts_boot_ms();
	s->wall_s = (int64_t)time(NULL);
}

static void read_history(struct status_update *u)
{
	static struct updatelog log;
	uint8_t *buf _cleanup_free_ = malloc(UPDATELOG_SIZE_MAX + 1);
	size_t len;

	u->attempts = 0;
	if (!buf || io_read_file(HISTORY_FILE, buf, UPDATELOG_SIZE_MAX + 1, &len) ||
	    updatelog_parse(buf, len, &log, NULL))
		return;
	u->attempts = (uint32_t)log.attempts;
	memcpy(u->attempt, log.attempt, sizeof(u->attempt));
}

void facts_read_update(struct status *s)
{
	struct status_update *u = &s->update;
	struct words w;
	char percent[16];

	(void)words_read(&w, UPDATE_FILE);
	words_get(&w, "state", u->state, sizeof(u->state));
	u->release = (uint64_t)words_number(&w, "release");
	words_get(&w, "version", u->version, sizeof(u->version));
	words_get(&w, "kind", u->kind, sizeof(u->kind));
	words_get(&w, "source", u->source, sizeof(u->source));
	words_get(&w, "percent", percent, sizeof(percent));
	u->percent = percent[0] ? (uint32_t)strtoul(percent, NULL, 10) : 101;
	u->speed_kib_s = (uint64_t)words_number(&w, "speed_kib_s");
	u->fetched_bytes = (uint64_t)words_number(&w, "fetched");
	words_get(&w, "what", u->what, sizeof(u->what));
	words_get(&w, "why", u->why, sizeof(u->why));
	u->failures = (uint32_t)words_number(&w, "failures");
	u->paused = words_number(&w, "paused") == 1;
	u->marked = words_number(&w, "marked") == 1;
	words_get(&w, "primary", u->primary, sizeof(u->primary));
	u->good[0] = words_number(&w, "a_good") == 1;
	u->good[1] = words_number(&w, "b_good") == 1;
	u->tries[0] = (uint32_t)words_number(&w, "a_tries");
	u->tries[1] = (uint32_t)words_number(&w, "b_tries");
	words_get(&w, "channel", u->channel, sizeof(u->channel));
	words_get(&w, "time", u->time, sizeof(u->time));
	u->sequence = (uint64_t)words_number(&w, "sequence");
	u->created_s = words_number(&w, "created");
	u->expires_s = words_number(&w, "expires");
	read_history(u);
}
