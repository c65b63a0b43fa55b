// SPDX-License-Identifier: Apache-2.0
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "hex.h"
#include "io.h"
#include "tests/unit/testkeys.h"

#define DATA_BYTES (2u << 20)

struct machine machine;

static void hash_of(const char *what, unsigned int n, uint8_t ret[static SHA256_SIZE])
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%s %u", what, n);
	sha256(text, strlen(text), ret);
}

void machine_kernel(unsigned int release, uint8_t ret[static SHA256_SIZE])
{
	hash_of("kernel", release, ret);
}

void machine_loader(unsigned int loader, uint8_t ret[static SHA256_SIZE])
{
	hash_of("loader", loader, ret);
}

void machine_pcr9_event(unsigned int release, unsigned int i, uint8_t ret[static SHA256_SIZE])
{
	hash_of(i ? "command line" : "slot.cfg", release, ret);
}

void machine_root(unsigned int release, uint8_t ret[static SHA256_SIZE])
{
	hash_of("root", release, ret);
}

__attribute__((format(printf, 1, 2))) static void shell(const char *fmt, ...)
{
	char command[256];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	if (system(command))
		abort();
}

/* --- files --- */

static void put(const char *name, const void *buf, size_t len)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/%s", machine.dir, name);
	if (io_replace_file(path, buf, len, 0600))
		abort();
}

static void put_release(const struct machine_boot *b)
{
	char text[512], root[2 * SHA256_SIZE + 1];
	uint8_t hash[SHA256_SIZE];

	(void)snprintf(text, sizeof(text),
		       "release=%u\nfloor=%u\ncompatible=cairn-test\narchitecture=test\n"
		       "data_seal=%s\ndata_cipher=xts\n",
		       b->release, b->floor, b->seal ? b->seal : "prefer");
	put("release", text, strlen(text));
	machine_root(b->release, hash);
	hex_encode(hash, sizeof(hash), root);
	(void)snprintf(text, sizeof(text), "quiet cairn.roothash=%s\n", root);
	put("cmdline", text, strlen(text));
}

/* Key 0 is root, key 1 signs releases, key 2 is the owner's for recovery. */
static void put_keys(void)
{
	uint8_t document[TRUST_DOCUMENT_MAX], file[SIGNED_MAX], point[P256_POINT_SIZE];
	char text[2 * P256_POINT_SIZE + 2];
	struct trust t;
	size_t len;

	testkeys_simple(&t);
	if (trust_format(&t, document, &len))
		abort();
	put("trust", file, testkeys_sign(document, len, 1u, file));
	testkeys_point(9, point);
	hex_encode(point, sizeof(point), text);
	text[2 * P256_POINT_SIZE] = '\n';
	put("recovery", text, 2 * P256_POINT_SIZE + 1);
}

int machine_setup(void **state)
{
	int fd;

	(void)state;
	(void)setenv("TSS2_LOG", "all+none", 1);
	memset(&machine, 0, sizeof(machine));
	(void)strcpy(machine.dir, "/tmp/cairn-trust.XXXXXX");
	if (!mkdtemp(machine.dir))
		return -1;
	(void)snprintf(machine.tpm, sizeof(machine.tpm), "%s/tpm", machine.dir);
	(void)snprintf(machine.data, sizeof(machine.data), "%s/data", machine.dir);
	fd = open(machine.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, DATA_BYTES) || close(fd) || mkdir(machine.tpm, 0700))
		return -1;
	put_keys();
	return 0;
}

int machine_teardown(void **state)
{
	(void)state;
	machine_stop();
	shell("rm -rf '%s'", machine.dir);
	swtpm.absent = false;
	swtpm.keep_wire = false;
	return 0;
}

void machine_save(const char *name)
{
	char to[96];

	(void)snprintf(to, sizeof(to), "%s/%s", machine.dir, name);
	shell("rm -rf '%s'; mkdir '%s'", to, to);
	shell("cp -r '%s' '%s/data'", machine.data, to);
	shell("cp -r '%s' '%s/tpm'", machine.tpm, to);
}

void machine_restore(const char *name, bool disk, bool tpm)
{
	char from[96];

	(void)snprintf(from, sizeof(from), "%s/%s", machine.dir, name);
	if (disk)
		shell("cp '%s/data' '%s'", from, machine.data);
	if (tpm) {
		shell("rm -rf '%s'", machine.tpm);
		shell("cp -r '%s/tpm' '%s'", from, machine.tpm);
	}
}

void machine_mark(enum datahead what)
{
	uint8_t sector[DATAHEAD_MARK_BYTES];
	int fd = open(machine.data, O_RDWR | O_CLOEXEC);

	datahead_mark(what, sector);
	if (fd < 0 || io_pwrite(fd, sector, sizeof(sector), 0) || close(fd))
		abort();
}

/* --- a start --- */

struct log {
	uint8_t buf[4096];
	size_t len;
	ESYS_CONTEXT *esys;
};

static void log_bytes(struct log *l, const void *p, size_t len)
{
	memcpy(l->buf + l->len, p, len);
	l->len += len;
}

static void log_u32(struct log *l, uint32_t v)
{
	le32_store(l->buf + l->len, v);
	l->len += 4;
}

static void log_u16(struct log *l, uint16_t v)
{
	le16_store(l->buf + l->len, v);
	l->len += 2;
}

static void log_head(struct log *l)
{
	static const uint8_t zero[20];
	static const char id[16] = "Spec ID Event03";

	log_u32(l, 0);
	log_u32(l, EVENTLOG_EV_NO_ACTION);
	log_bytes(l, zero, sizeof(zero));
	log_u32(l, 16 + 4 + 4 + 4 + 4 + 1);
	log_bytes(l, id, sizeof(id));
	log_u32(l, 0);
	log_bytes(l, "\0\2\0\2", 4);
	log_u32(l, 1);
	log_u16(l, 0x000b);
	log_u16(l, SHA256_SIZE);
	log_bytes(l, zero, 1);
}

/* measure - into the log and into the TPM. */
static void measure(struct log *l, uint32_t pcr, uint32_t type, const uint8_t *digest,
		    const char *text)
{
	TPML_DIGEST_VALUES values = { .count = 1 };

	log_u32(l, pcr);
	log_u32(l, type);
	log_u32(l, 1);
	log_u16(l, 0x000b);
	log_bytes(l, digest, SHA256_SIZE);
	log_u32(l, (uint32_t)strlen(text));
	log_bytes(l, text, strlen(text));
	values.digests[0].hashAlg = TPM2_ALG_SHA256;
	memcpy(values.digests[0].digest.sha256, digest, SHA256_SIZE);
	if (Esys_PCR_Extend(l->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			    ESYS_TR_NONE, &values))
		abort();
}

static void measure_text(struct log *l, uint32_t pcr, uint32_t type, const char *text)
{
	uint8_t digest[SHA256_SIZE];

	sha256(text, strlen(text), digest);
	measure(l, pcr, type, digest, text);
}

#define EV_SEPARATOR 4u
#define EV_IPL 13u
#define EV_EFI_VARIABLE_DRIVER_CONFIG 0x80000001u
#define EV_EFI_BOOT_SERVICES_APPLICATION 0x80000003u
#define EV_EFI_ACTION 0x80000007u

static void boot(const struct machine_boot *b)
{
	static struct log l;
	struct tpm t;
	uint8_t hash[SHA256_SIZE];
	unsigned int i;

	tpm_open(&t, "");
	if (!t.esys)
		abort();
	l.len = 0;
	l.esys = t.esys;
	log_head(&l);
	measure_text(&l, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, b->evil_pcr == 7 ? "off" : "on");
	measure_text(&l, 4, EV_EFI_ACTION, "Calling EFI Application from Boot Option");
	measure_text(&l, 4, EV_SEPARATOR, "separator");
	machine_loader(b->evil_pcr == 4 ? 666 : b->loader, hash);
	measure(&l, 4, EV_EFI_BOOT_SERVICES_APPLICATION, hash, "loader");
	measure_text(&l, 8, EV_IPL, "grub_cmd: set");
	for (i = 0; i < 2; i++) {
		machine_pcr9_event(b->evil_pcr == 9 ? 666 : b->release, i, hash);
		measure(&l, 9, EV_IPL, hash, "file");
	}
	machine_kernel(b->release, hash);
	measure(&l, 4, EV_EFI_BOOT_SERVICES_APPLICATION, hash, "kernel");
	put("log", l.buf, l.len);
	tpm_close(&t);
}

/* --- a disk that ends working --- */

static struct blockio below;

static int step(void)
{
	return machine.disk_fail_at && ++machine.disk_steps >= machine.disk_fail_at ? -EIO : 0;
}

static int disk_write(void *ctx, const void *buf, size_t len, uint64_t at)
{
	int rc = step();

	/* The write in which the power goes is torn in the middle. */
	if (rc && machine.disk_steps == machine.disk_fail_at)
		(void)below.write(ctx, buf, len / 2, at);
	return rc ? rc : below.write(ctx, buf, len, at);
}

static int disk_flush(void *ctx)
{
	int rc = step();

	return rc ? rc : below.flush(ctx);
}

void machine_start(const struct machine_boot *b)
{
	char path[5][96];
	static const char *const names[] = { "release", "trust", "recovery", "cmdline", "log" };
	struct volume_places places;
	struct err err;
	size_t i;

	machine_stop();
	for (i = 0; i < 5; i++)
		(void)snprintf(path[i], sizeof(path[i]), "%s/%s", machine.dir, names[i]);
	put_release(b);
	if (!swtpm.absent) {
		swtpm_on(machine.tpm);
		boot(b);
	}
	places = (struct volume_places){ .part = machine.data,
					 .release = path[0],
					 .trust = path[1],
					 .recovery = path[2],
					 .cmdline = path[3] };
	memset(&machine.t, 0, sizeof(machine.t));
	tpm_open(&machine.t.tpm, "");
	if (!swtpm.absent)
		measured_log(&machine.t.measured, path[4]);
	volume_open(&machine.t.volume, &places, &machine.t.tpm, &machine.t.measured);
	below = machine.t.volume.io;
	machine.t.volume.io.write = disk_write;
	machine.t.volume.io.flush = disk_flush;
	machine.disk_steps = machine.disk_fail_at = 0;
	(void)measured_read(&machine.t.measured, &machine.t.tpm, &err);
	swtpm_count();
	machine.on = true;
}

void machine_stop(void)
{
	if (machine.on) {
		swtpm_off(); /* no last words to it */
		volume_close(&machine.t.volume);
		tpm_close(&machine.t.tpm);
		free(machine.t.measured.log);
	}
	machine.on = false;
	swtpm_off();
}
