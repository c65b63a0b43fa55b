// SPDX-License-Identifier: Apache-2.0
#include "source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/parts.h"
#include "fault.h"

#define PATIENCE_MS 300000u /* longer than fetch tries by itself */

static int send_read(struct source *s, enum source_object object, uint64_t nr)
{
	const struct source_request q = {
		.version = UPDATE_PROTO_VERSION,
		.op = SOURCE_READ,
		.id = ++s->id,
		.object = object,
		.number = nr,
		.len = sizeof(s->buf),
	};

	s->used = 0;
	return part_send(s->fd, &q, sizeof(q));
}

static int begin(struct source *s, const struct source_config *config, int fd, uint64_t now_ms,
		 bool bundle)
{
	int rc;

	if (s->step != SOURCE_AT_REST)
		return -EBUSY;
	rc = part_send_fd(s->fd, config, sizeof(*config), fd);
	if (rc)
		return rc;
	s->step = SOURCE_AT_CONFIG;
	s->used = 0;
	s->bundle_wanted = bundle;
	s->until_ms = now_ms + PATIENCE_MS;
	s->err.msg[0] = '\0';
	return 0;
}

int source_channel(struct source *s, const struct source_config *config, uint64_t now_ms)
{
	return begin(s, config, -1, now_ms, false);
}

int source_bundle(struct source *s, const struct source_config *config, int fd, uint64_t now_ms)
{
	return begin(s, config, fd, now_ms, true);
}

void source_cancel(struct source *s)
{
	const struct source_request q = {
		.version = UPDATE_PROTO_VERSION,
		.op = SOURCE_CANCEL,
		.id = s->id,
	};

	if (s->step == SOURCE_AT_TRUST || s->step == SOURCE_AT_DOC)
		(void)part_send(s->fd, &q, sizeof(q));
	/* Answers to it carry an id that is no longer ours. */
	s->id++;
	s->step = SOURCE_AT_REST;
}

bool source_late(struct source *s, uint64_t now_ms)
{
	if (s->step == SOURCE_AT_REST || now_ms < s->until_ms)
		return false;
	source_cancel(s);
	(void)err_set(&s->err, 0, "no answer for %u s", PATIENCE_MS / 1000);
	return true;
}

/* next_step - the object that was asked for is whole in buf (or not there, for a trust). */

static int take_trust(struct source *s, bool there, enum source_result *ret)
{
	struct trust next;

	if (!there) {
		s->step = SOURCE_AT_DOC;
		return send_read(s, SOURCE_CHANNEL, 0);
	}
	if (trust_next(s->trust, s->buf, s->used, &next, &s->err) ||
	    s->keep_trust(s->owner, s->buf, s->used, &s->err)) {
		*ret = SOURCE_BAD;
		return 0;
	}
	*s->trust = next;
	fault_point("trust-taken");
	return send_read(s, SOURCE_TRUST, next.number + 1);
}

static void take_doc(struct source *s, enum source_result *ret)
{
	struct signed_doc doc;
	int rc;

	/* Time is the owner's business: nothing is expired here. */
	if (s->bundle_wanted) {
		rc = bundle_open(s->buf, s->used, NULL, s->trust, TRUST_TIME_UNKNOWN, &doc,
				 &s->bundle, &s->err);
		if (!rc)
			memcpy(s->digest, doc.digest, sizeof(s->digest));
	} else {
		rc = channel_open(s->buf, s->used, s->trust, TRUST_TIME_UNKNOWN, &s->channel,
				  s->digest, &s->err);
	}
	*ret = rc ? SOURCE_BAD : SOURCE_OK;
}

static int next_step(struct source *s, bool there, enum source_result *ret)
{
	switch (s->step) {
	case SOURCE_AT_CONFIG:
		s->step = s->bundle_wanted ? SOURCE_AT_DOC : SOURCE_AT_TRUST;
		return s->bundle_wanted ? send_read(s, SOURCE_BUNDLE, 0)
					: send_read(s, SOURCE_TRUST, s->trust->number + 1);
	case SOURCE_AT_TRUST:
		return take_trust(s, there, ret);
	case SOURCE_AT_DOC:
		take_doc(s, ret);
		return 0;
	default:
		return 0;
	}
}

int source_take(struct source *s, enum source_result *ret_result, uint64_t now_ms)
{
	static struct source_data d;
	int rc = part_receive(s->fd, &d, sizeof(d));

	*ret_result = SOURCE_NOT_YET;
	if (rc <= 0)
		return rc;
	if (d.version != UPDATE_PROTO_VERSION || d.len > SOURCE_SLICE_BYTES ||
	    !memchr(d.why, '\0', sizeof(d.why)))
		return -EBADMSG;
	if (s->step == SOURCE_AT_REST ||
	    (s->step == SOURCE_AT_CONFIG ? d.op != SOURCE_CONFIG
					 : d.op != SOURCE_READ || d.id != s->id))
		return 0;
	s->until_ms = now_ms + PATIENCE_MS;
	if (d.rc && !(d.rc == -ENOENT && s->step == SOURCE_AT_TRUST)) {
		(void)err_set(&s->err, 0, "%s", d.why[0] ? d.why : strerror(-d.rc));
		*ret_result = SOURCE_UNREACHABLE;
	} else if (d.len > sizeof(s->buf) - s->used || d.offset != s->used) {
		return -EBADMSG;
	} else {
		memcpy(s->buf + s->used, d.bytes, d.len);
		s->used += d.len;
		/* A document is small; what is longer is none. */
		if (d.last && d.total > s->used && !s->bundle_wanted) {
			(void)err_set(&s->err, 0, "the document is longer than %zu bytes",
				      sizeof(s->buf));
			*ret_result = SOURCE_BAD;
		} else if (d.last) {
			rc = next_step(s, d.rc == 0, ret_result);
			if (rc < 0)
				return rc;
		}
	}
	if (*ret_result != SOURCE_NOT_YET)
		s->step = SOURCE_AT_REST;
	return 0;
}
