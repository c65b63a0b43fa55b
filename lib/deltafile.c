// SPDX-License-Identifier: Apache-2.0
#include "deltafile.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "delta.h"

static const uint8_t magic[16] = "cairn-delta 1\n";

int deltafile_parse(const uint8_t *buf, size_t len, struct deltafile *ret)
{
	struct deltafile f;

	if (len != DELTAFILE_HEAD_BYTES || memcmp(buf, magic, sizeof(magic)) != 0)
		return -EBADMSG;
	f.old_bytes = le64_load(buf + 16);
	memcpy(f.old_sha256, buf + 24, SHA256_SIZE);
	f.new_bytes = le64_load(buf + 56);
	memcpy(f.new_sha256, buf + 64, SHA256_SIZE);
	f.frame_bytes = le32_load(buf + 96);
	f.frames = le32_load(buf + 100);
	if (f.old_bytes > DELTA_IMAGE_MAX || f.new_bytes > DELTA_IMAGE_MAX || !f.frame_bytes ||
	    f.frame_bytes > DELTA_FRAME_MAX || f.frames > DELTAFILE_FRAMES_MAX ||
	    f.frames != (f.new_bytes + f.frame_bytes - 1) / f.frame_bytes)
		return -EBADMSG;
	*ret = f;
	return 0;
}

void deltafile_format(const struct deltafile *f, uint8_t ret_buf[static DELTAFILE_HEAD_BYTES])
{
	memcpy(ret_buf, magic, sizeof(magic));
	le64_store(ret_buf + 16, f->old_bytes);
	memcpy(ret_buf + 24, f->old_sha256, SHA256_SIZE);
	le64_store(ret_buf + 56, f->new_bytes);
	memcpy(ret_buf + 64, f->new_sha256, SHA256_SIZE);
	le32_store(ret_buf + 96, f->frame_bytes);
	le32_store(ret_buf + 100, f->frames);
}

uint32_t deltafile_frame_bytes(const struct deltafile *f, uint32_t i)
{
	uint64_t left = f->new_bytes - (uint64_t)i * f->frame_bytes;

	return left < f->frame_bytes ? (uint32_t)left : f->frame_bytes;
}
