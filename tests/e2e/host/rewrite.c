// SPDX-License-Identifier: Apache-2.0
/*
 * rewrite: what a machine under Secure Boot would make of a disk image of which somebody changed
 * any byte, judged by the rules of firmware (lib/authenticode), GRUB (OpenPGP signature of all that
 * it opens) and dm-verity, without starting it. That those rules are the real ones is what
 * 31-secureboot, 40-tamper and 37-rewrite show by starting some of the same changes.
 *
 *     rewrite IMAGE --db CERT --slot KEY [--every N]
 *
 * One bit is flipped at a time in ESP, BOOT-A, ROOT-A and STATE: at each place of what is small and
 * decides (file system, headers, signatures, slot.cfg, boot state), and every Nth one of the rest.
 * Each flip must be refused, or leave what PCR 4 and 9 are made of and the root hash as they were.
 * Exit 1 where one does neither.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "authenticode.h"
#include "bootstate.h"
#include "bytes.h"
#include "efiauth.h"
#include "fatread.h"
#include "gpt.h"
#include "hex.h"
#include "scripts/cairn/sign.h"

enum {
	IMAGE_FILE_MAX = 32 << 20,
	SMALL_MAX = 4096, /* slot.cfg and signatures */
	BLOCK = 4096,
	PER_BLOCK = BLOCK / SHA256_SIZE,
	LEVELS_MAX = 6,
};

/* Conf/disk.conf. */
enum part { ESP = 1, STATE = 2, BOOT_A = 3, ROOT_A = 4 };

struct disk {
	uint8_t *map;
	struct gpt gpt;
	struct authenticode_keys keys;
	EVP_PKEY *slot;
};

struct region {
	uint8_t *at;
	uint64_t bytes;
};

/* What ends up in PCR 4 and 9 by way of one partition, and the root hash. */
struct measured {
	uint8_t pe[SHA256_SIZE]; /* Authenticode: PCR 4 */
	uint8_t file[3]
		    [SHA256_SIZE]; /* slot.cfg, its arguments with the root hash, vmlinuz: PCR 9 */
};

static struct region region(const struct disk *d, unsigned int number)
{
	struct gpt_part p;

	if (gpt_get(&d->gpt, number, &p))
		exit(111);
	return (struct region){ d->map + p.first_lba * 512, (p.last_lba - p.first_lba + 1) * 512 };
}

static int region_read(void *ctx, void *ret_buf, size_t len, uint64_t offset)
{
	const struct region *r = ctx;

	if (offset > r->bytes || len > r->bytes - offset)
		return -EIO;
	memcpy(ret_buf, r->at + offset, len);
	return 0;
}

static int get(struct region *r, const char *path, uint8_t *buf, size_t max, size_t *len)
{
	struct blockio io = { .ctx = r, .size_bytes = r->bytes, .read = region_read };

	return fatread_file(&io, path, buf, max, len, NULL);
}

static uint8_t big[IMAGE_FILE_MAX + 512];

/* The firmware starts the ESP's loader, or does not. */
static int judge_esp(struct disk *d, struct measured *ret)
{
	struct region r = region(d, ESP);
	size_t len;

	memset(ret, 0, sizeof(*ret));
	return get(&r, "EFI/BOOT/BOOTX64.EFI", big, IMAGE_FILE_MAX, &len) ||
	       authenticode_check(big, len, &d->keys, ret->pe, NULL);
}

/* GRUB opens a file: its signature beside it must be the slot key's. */
static int grub_opens(struct disk *d, struct region *r, const char *path, uint8_t *buf, size_t max,
		      size_t *len, uint8_t ret_digest[static SHA256_SIZE])
{
	uint8_t sig[SMALL_MAX + 512];
	char name[32];
	struct sha256 h;
	size_t sig_len;

	(void)snprintf(name, sizeof(name), "%s.sig", path);
	if (get(r, path, buf, max, len) || get(r, name, sig, SMALL_MAX, &sig_len))
		return -1;
	sha256_init(&h);
	sha256_update(&h, buf, *len);
	if (sign_pgp_check(&h, sig, sig_len, d->slot, NULL))
		return -1;
	sha256(buf, *len, ret_digest);
	return 0;
}

static int judge_boot(struct disk *d, struct measured *ret)
{
	struct region r = region(d, BOOT_A);
	uint8_t cfg[SMALL_MAX + 512];
	size_t len;

	memset(ret, 0, sizeof(*ret));
	return grub_opens(d, &r, "slot.cfg", cfg, SMALL_MAX, &len, ret->file[0]) ||
	       grub_opens(d, &r, "vmlinuz", big, IMAGE_FILE_MAX, &len, ret->file[2]) ||
	       authenticode_check(big, len, &d->keys, ret->pe, NULL);
}

/* --- the root: each block against its place in the tree --- */

struct root {
	uint8_t hash[SHA256_SIZE], salt[64];
	size_t salt_len, levels;
	uint64_t blocks;			       /* of data */
	uint64_t first[LEVELS_MAX], count[LEVELS_MAX]; /* blocks; level 0 is that of the leaves */
	uint64_t end;
};

static int word(const char *cfg, const char *key, char *ret, size_t max)
{
	const char *at = strstr(cfg, key);
	size_t len;

	if (!at)
		return -1;
	at += strlen(key);
	len = strcspn(at, " \n");
	if (len >= max)
		return -1;
	memcpy(ret, at, len);
	ret[len] = '\0';
	return 0;
}

static int open_root(struct disk *d, struct root *ret)
{
	struct region r = region(d, BOOT_A);
	char cfg[SMALL_MAX + 512], text[160];
	uint64_t n, at;
	size_t len;
	int i;

	if (get(&r, "slot.cfg", (uint8_t *)cfg, SMALL_MAX, &len))
		return -1;
	cfg[len] = '\0';
	if (word(cfg, "cairn.roothash=", text, sizeof(text)) ||
	    hex_decode(text, ret->hash, SHA256_SIZE) ||
	    word(cfg, "cairn.salt=", text, sizeof(text)))
		return -1;
	ret->salt_len = strlen(text) / 2;
	if (ret->salt_len > sizeof(ret->salt) || hex_decode(text, ret->salt, ret->salt_len) ||
	    word(cfg, "cairn.rootblocks=", text, sizeof(text)))
		return -1;
	ret->blocks = strtoull(text, NULL, 10);
	for (n = ret->blocks, ret->levels = 0; n > 1; ret->levels++) {
		if (ret->levels == LEVELS_MAX)
			return -1;
		n = (n + PER_BLOCK - 1) / PER_BLOCK;
		ret->count[ret->levels] = n;
	}
	/* The top comes first. */
	for (at = ret->blocks, i = (int)ret->levels - 1; i >= 0; i--) {
		ret->first[i] = at;
		at += ret->count[i];
	}
	ret->end = at;
	return 0;
}

/* Does dm-verity take the block at this number, given the tree as it is? */
static bool root_block_ok(struct disk *d, const struct root *t, uint64_t block)
{
	const uint8_t *base = region(d, ROOT_A).at, *want = t->hash;
	uint8_t digest[SHA256_SIZE];
	uint64_t index = block;
	struct sha256 h;
	size_t level;

	if (block >= t->blocks) {
		for (level = 0;
		     block < t->first[level] || block >= t->first[level] + t->count[level]; level++)
			;
		index = block - t->first[level];
		level++;
	} else {
		level = 0;
	}
	if (level < t->levels)
		want = base + (t->first[level] + index / PER_BLOCK) * BLOCK +
		       index % PER_BLOCK * SHA256_SIZE;
	sha256_init(&h);
	sha256_update(&h, t->salt, t->salt_len);
	sha256_update(&h, base + block * BLOCK, BLOCK);
	sha256_final(&h, digest);
	return memcmp(digest, want, SHA256_SIZE) == 0;
}

/* --- the sweep --- */

struct count {
	uint64_t flips, refused, same;
};

static bool failed;

static void tell(const char *what, const struct count *c)
{
	printf("%s flips=%" PRIu64 " refused=%" PRIu64 " same=%" PRIu64 "\n", what, c->flips,
	       c->refused, c->same);
}

static void sweep_files(struct disk *d, enum part part, const char *what, uint64_t from,
			uint64_t to, uint64_t step, int (*judge)(struct disk *, struct measured *),
			const struct measured *good)
{
	struct region r = region(d, part);
	struct count c = { 0 };
	struct measured m;
	uint64_t at;

	for (at = from; at < to && at < r.bytes; at += step) {
		uint8_t bit = (uint8_t)(1u << at % 8);

		r.at[at] ^= bit;
		c.flips++;
		if (judge(d, &m)) {
			c.refused++;
		} else if (memcmp(&m, good, sizeof(m)) == 0) {
			c.same++;
		} else {
			printf("WRONG %s: byte %" PRIu64 " of partition %d runs something else\n",
			       what, at, part);
			failed = true;
		}
		r.at[at] ^= bit;
	}
	tell(what, &c);
}

static void sweep_root(struct disk *d, const struct root *t, uint64_t every)
{
	struct region r = region(d, ROOT_A);
	struct count c = { 0 };
	uint64_t at, slack = t->end * BLOCK;

	for (at = 0; at < slack + 64 * BLOCK && at < r.bytes;
	     at += at < t->blocks * BLOCK ? every : 1 + every / 8) {
		r.at[at] ^= 0x10;
		c.flips++;
		if (at >= slack)
			c.same++; /* behind the tree nothing is ever read */
		else if (root_block_ok(d, t, at / BLOCK))
			printf("WRONG root: byte %" PRIu64 " is taken\n", at), failed = true;
		else
			c.refused++;
		r.at[at] ^= 0x10;
	}
	tell("root", &c);
}

/* The boot state chooses between slots that are signed alike; no byte of it is run or measured. */
static void sweep_state(struct disk *d)
{
	struct region r = region(d, STATE);
	struct count c = { 0 };
	struct bootstate_copy copy;
	uint64_t at;

	for (at = 0; at < 2 * BOOTSTATE_SIZE * 8; at++) {
		uint8_t *p = r.at + (at / 8 < BOOTSTATE_SIZE
					     ? BOOTSTATE_S0_OFFSET + at / 8
					     : BOOTSTATE_S1_OFFSET + at / 8 - BOOTSTATE_SIZE);
		uint8_t *start = r.at + (at / 8 < BOOTSTATE_SIZE ? BOOTSTATE_S0_OFFSET
								 : BOOTSTATE_S1_OFFSET);

		*p ^= (uint8_t)(1u << at % 8);
		c.flips++;
		if (bootstate_parse(start, BOOTSTATE_SIZE, &copy))
			c.refused++;
		else if ((copy.state.primary == BOOTSTATE_A || copy.state.primary == BOOTSTATE_B) &&
			 copy.state.a.tries <= 3 && copy.state.b.tries <= 3)
			c.same++;
		else
			printf("WRONG state: bit %" PRIu64 " gives a state that is none\n", at),
				failed = true;
		*p ^= (uint8_t)(1u << at % 8);
	}
	tell("state", &c);
}

/* Where the certificate table, the last part of a signed PE file, lies on the partition. */
static uint64_t find(const struct region *r, const uint8_t *what, size_t len)
{
	const uint8_t *p = memmem(r->at, r->bytes, what, len);

	return p ? (uint64_t)(p - r->at) : 0;
}

static int run(struct disk *d, uint64_t every)
{
	struct region esp = region(d, ESP), boot = region(d, BOOT_A);
	struct measured good_esp, good_boot;
	uint64_t at, i;
	struct root root;
	size_t len;

	if (judge_esp(d, &good_esp) || judge_boot(d, &good_boot) || open_root(d, &root)) {
		(void)fprintf(stderr, "rewrite: the image itself would not start\n");
		return 1;
	}
	for (i = 0; i < root.end; i++)
		if (!root_block_ok(d, &root, i)) {
			(void)fprintf(stderr, "rewrite: the image's root is damaged\n");
			return 1;
		}
	/* The file systems: head, tables, folders; then what lies in them, with its headers. */
	sweep_files(d, ESP, "esp boot sector", 0, 512, 1, judge_esp, &good_esp);
	sweep_files(d, ESP, "esp tables and folders", 512, 2 << 20, 1 + every / 4, judge_esp,
		    &good_esp);
	if (get(&esp, "EFI/BOOT/BOOTX64.EFI", big, IMAGE_FILE_MAX, &len))
		return 1;
	at = find(&esp, big, BLOCK);
	sweep_files(d, ESP, "grub headers", at, at + 1024, 1, judge_esp, &good_esp);
	sweep_files(d, ESP, "grub", at, at + len, every, judge_esp, &good_esp);
	sweep_files(d, ESP, "grub signature", at + len - 2048, at + len, 1, judge_esp, &good_esp);
	sweep_files(d, ESP, "esp behind it", at + len, esp.bytes, 997 * every, judge_esp,
		    &good_esp);

	sweep_files(d, BOOT_A, "boot boot sector", 0, 512, 1 + every / 64, judge_boot, &good_boot);
	sweep_files(d, BOOT_A, "boot tables and folders", 512, 128 << 10, every, judge_boot,
		    &good_boot);
	if (get(&boot, "vmlinuz", big, IMAGE_FILE_MAX, &len))
		return 1;
	at = find(&boot, big, BLOCK);
	sweep_files(d, BOOT_A, "kernel headers", at, at + 512, 1 + every / 64, judge_boot,
		    &good_boot);
	sweep_files(d, BOOT_A, "kernel", at, at + len, 61 * every, judge_boot, &good_boot);
	sweep_files(d, BOOT_A, "kernel signature", at + len - 1536, at + len, 1 + every / 64,
		    judge_boot, &good_boot);
	/* Behind the kernel: its signature, slot.cfg and its signature. */
	sweep_files(d, BOOT_A, "slot.cfg and signatures", (at + len + BLOCK - 1) / BLOCK * BLOCK,
		    (at + len + BLOCK - 1) / BLOCK * BLOCK + 3 * BLOCK, 1 + every / 32, judge_boot,
		    &good_boot);
	sweep_root(d, &root, every);
	sweep_state(d);
	return failed;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "db", required_argument, NULL, 'd' },
		{ "slot", required_argument, NULL, 's' },
		{ "every", required_argument, NULL, 'e' },
		{ NULL, 0, NULL, 0 },
	};
	static const uint8_t owner[EFIAUTH_GUID_BYTES];
	static uint8_t db[8192];
	static struct disk d;
	const char *cert_path = NULL, *key_path = NULL;
	unsigned char *der = NULL;
	uint64_t every = 256;
	struct blockio io;
	struct err err = { "" };
	struct stat st;
	X509 *cert;
	int c, fd, len;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'd')
			cert_path = optarg;
		else if (c == 's')
			key_path = optarg;
		else if (c == 'e')
			every = strtoull(optarg, NULL, 10);
		else
			return 100;
	}
	if (argc - optind != 1 || !cert_path || !key_path || !every)
		return 100;
	if (sign_load_cert(cert_path, &cert, &err) || sign_load_key(key_path, 0, &d.slot, &err)) {
		(void)fprintf(stderr, "rewrite: %s\n", err.msg);
		return 111;
	}
	len = i2d_X509(cert, &der);
	d.keys = (struct authenticode_keys){ db, db, 0, 0 };
	if (len <= 0 ||
	    efiauth_add(db, sizeof(db), &d.keys.db_len, EFIAUTH_X509, owner, der, (size_t)len))
		return 111;
	/* A private mapping: the file stays as it is. */
	fd = open(argv[optind], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || blockio_open_fd(&fd, &io, &err) ||
	    gpt_read(&io, &d.gpt, &err))
		return 111;
	d.map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (d.map == MAP_FAILED)
		return 111;
	return run(&d, every);
}
