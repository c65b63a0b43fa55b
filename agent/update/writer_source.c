// SPDX-License-Identifier: Apache-2.0
#include "writer.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/core/parts.h"

/*
 * One message of main's while an order is carried out: only ABORT may come. Without MSG_DONTWAIT
 * the descriptors would have to be non-blocking for everyone.
 */
int writer_source_check_abort(struct writer_source *s)
{
	struct pollfd p = { .fd = s->main_fd, .events = POLLIN };
	struct writer_order order;
	int rc;

	if (s->aborted)
		return -ECANCELED;
	if (poll(&p, 1, 0) <= 0)
		return 0;
	rc = part_receive(s->main_fd, &order, sizeof(order));
	if (rc == 0)
		return 0;
	if (rc < 0 || order.version != UPDATE_PROTO_VERSION || order.op != WRITER_ABORT) {
		s->broken = rc != -EPIPE;
		return rc < 0 ? rc : -EBADMSG;
	}
	s->aborted = true;
	return -ECANCELED;
}

/* The next slice of the READ `id`; those of READs before it are passed over. */
static int next_slice(struct writer_source *s, struct err *err)
{
	for (;;) {
		struct pollfd p[2] = { { .fd = s->fd, .events = POLLIN },
				       { .fd = s->main_fd, .events = POLLIN } };
		int rc;

		/* A message of main's is looked at even where slices come all the time. */
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return err_sys(err, -errno, "wait for fetch");
		if (p[1].revents) {
			rc = writer_source_check_abort(s);
			if (rc)
				return err_sys(err, rc, "stopped");
		}
		if (!p[0].revents)
			continue;
		rc = part_receive(s->fd, &s->slice, sizeof(s->slice));
		if (rc < 0)
			return err_sys(err, rc, "fetch is gone");
		if (rc == 0)
			continue;
		s->slice.why[sizeof(s->slice.why) - 1] = '\0';
		if (s->slice.version != UPDATE_PROTO_VERSION || s->slice.len > SOURCE_SLICE_BYTES)
			return err_set(err, -EBADMSG, "fetch breaks the rules");
		if (s->slice.id != s->id)
			continue;
		s->fetched = s->slice.fetched;
		if (s->slice.last)
			s->reading = false;
		return 0;
	}
}

static int send_request(struct writer_source *s, uint32_t op, uint64_t offset, uint64_t len)
{
	struct source_request r = {
		.version = UPDATE_PROTO_VERSION,
		.op = op,
		.id = s->id,
		.object = SOURCE_BUNDLE,
		.offset = offset,
		.len = len,
	};

	memcpy(r.digest, s->digest, sizeof(r.digest));
	return part_send(s->fd, &r, sizeof(r));
}

static int begin(void *ctx, uint64_t offset, uint64_t len, struct err *err)
{
	struct writer_source *s = ctx;
	int rc = writer_source_end(s);

	s->at = offset;
	s->end = offset + len;
	s->used = s->slice.len = 0;
	s->id++;
	if (!rc)
		rc = send_request(s, SOURCE_READ, offset, len);
	s->reading = !rc;
	if (!rc)
		return 0;
	s->failed = true;
	return err_sys(err, rc, "ask fetch");
}

/* A slice that is not the next part of what was asked for. */
static bool out_of_order(const struct writer_source *s)
{
	return s->slice.len && (s->slice.offset != s->at || s->slice.len > s->end - s->at);
}

static int pull(void *ctx, void *ret_buf, size_t len, struct err *err)
{
	struct writer_source *s = ctx;
	uint8_t *to = ret_buf;

	while (len) {
		size_t n = s->slice.len - s->used;
		int rc;

		if (n > len)
			n = len;
		if (n) {
			memcpy(to, s->slice.bytes + s->used, n);
			s->used += (uint32_t)n;
			s->at += n;
			to += n;
			len -= n;
			continue;
		}
		s->used = s->slice.len = 0;
		if (!s->reading) {
			s->failed = true;
			return err_set(err, -ENODATA, "the source ended early");
		}
		rc = next_slice(s, err);
		if (!rc && out_of_order(s))
			rc = err_set(err, -EBADMSG, "fetch gives bytes that were not asked for");
		if (!rc && s->slice.rc)
			rc = err_set(err, s->slice.rc, "%s",
				     s->slice.why[0] ? s->slice.why : "fetch gave up");
		if (rc) {
			s->used = s->slice.len = 0;
			s->failed = !s->aborted;
			return rc < 0 ? rc : -EBADMSG;
		}
	}
	return 0;
}

void writer_source_begin(struct writer_source *s, const uint8_t digest[static SHA256_SIZE])
{
	memcpy(s->digest, digest, sizeof(s->digest));
	s->fetched = s->fetched_before = 0;
	s->failed = s->aborted = false;
	s->used = s->slice.len = 0;
	s->feed = (struct piecefeed_source){ s, begin, pull };
}

int writer_source_end(struct writer_source *s)
{
	int rc = s->reading ? send_request(s, SOURCE_CANCEL, 0, 0) : 0;

	/* Its last slice comes some time; slices of another id are passed over. */
	s->fetched_before += s->fetched;
	s->fetched = 0;
	s->reading = false;
	s->used = s->slice.len = 0;
	return rc;
}

uint64_t writer_source_fetched(const struct writer_source *s)
{
	return s->fetched_before + s->fetched;
}
