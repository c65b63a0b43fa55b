// SPDX-License-Identifier: Apache-2.0
#include "pcr4.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "eventlog.h"

static const char calling[] = PCR4_CALLING;
static const uint8_t separator[4];

static void extend_data(uint8_t pcr[static SHA256_SIZE], const void *data, size_t len)
{
	uint8_t digest[SHA256_SIZE];

	sha256(data, len, digest);
	eventlog_extend(pcr, digest);
}

void pcr4_plain(const uint8_t loader[static SHA256_SIZE], const uint8_t kernel[static SHA256_SIZE],
		uint8_t ret_pcr[static SHA256_SIZE])
{
	uint8_t pcr[SHA256_SIZE] = { 0 };

	extend_data(pcr, calling, sizeof(calling) - 1);
	extend_data(pcr, separator, sizeof(separator));
	eventlog_extend(pcr, loader);
	eventlog_extend(pcr, kernel);
	memcpy(ret_pcr, pcr, SHA256_SIZE);
}

/*
 * GRUB measures the commands that it runs into PCR 8: what PCR 4 got last before the first of them
 * is GRUB itself, what it gets afterwards are the images that GRUB had loaded.
 */
int pcr4_split(const uint8_t *log, size_t len, struct pcr4_split *ret, struct err *err)
{
	uint8_t pcr[SHA256_SIZE] = { 0 };
	struct eventlog_event e = { 0 };
	struct pcr4_split split = { 0 };
	struct eventlog walk;
	uint32_t before = 0, images = 0;
	bool commands = false;
	int rc;

	rc = eventlog_init(&walk, log, len, err);
	if (rc)
		return rc;
	while ((rc = eventlog_next(&walk, &e, err)) > 0) {
		if (e.type == EVENTLOG_EV_NO_ACTION)
			continue;
		if (e.pcr == 8)
			commands = true;
		if (e.pcr != 4)
			continue;
		if (commands) {
			memcpy(split.kernel, e.digest, SHA256_SIZE);
			images++;
			continue;
		}
		before++;
		memcpy(split.loader, e.digest, SHA256_SIZE);
		memcpy(split.firmware, pcr, SHA256_SIZE);
		eventlog_extend(pcr, e.digest);
	}
	if (rc < 0)
		return rc;
	if (before < 2 || images != 1)
		return err_set(err, -ENOTSUP,
			       "event log: PCR 4 does not end in GRUB and one kernel (%u images "
			       "after GRUB's first command)",
			       images);
	split.firmware_events = before - 1;
	*ret = split;
	return 0;
}

int pcr4_on_machine(const uint8_t *log, size_t len, const uint8_t *loader, const uint8_t *kernel,
		    uint8_t ret_pcr[static SHA256_SIZE], struct err *err)
{
	struct pcr4_split split;
	int rc = pcr4_split(log, len, &split, err);

	if (rc)
		return rc;
	memcpy(ret_pcr, split.firmware, SHA256_SIZE);
	eventlog_extend(ret_pcr, loader ? loader : split.loader);
	eventlog_extend(ret_pcr, kernel ? kernel : split.kernel);
	return 0;
}
