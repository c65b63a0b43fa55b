// SPDX-License-Identifier: Apache-2.0
#include "installspec.h"

#include <errno.h>
#include <string.h>

struct item {
	const char *text;
	size_t len;
};

static const char *const transports[] = { "any-internal", "nvme", "sata", "mmc", "virtio" };

const char *install_transport_name(enum install_transport transport)
{
	return transport < INSTALL_OTHER ? transports[transport] : "usb or unknown";
}

/* The index of the item in names, or -1. */
static int one_of(struct item i, const char *const *names, size_t count)
{
	size_t n;

	for (n = 0; n < count; n++)
		if (strlen(names[n]) == i.len && memcmp(names[n], i.text, i.len) == 0)
			return (int)n;
	return -1;
}

static int parse_size(struct item i, uint64_t *ret)
{
	unsigned int shift = 0;
	uint64_t v = 0;
	size_t n;

	if (i.len && strchr("MGT", i.text[i.len - 1])) {
		shift = i.text[i.len - 1] == 'M' ? 20 : i.text[i.len - 1] == 'G' ? 30 : 40;
		i.len--;
	}
	if (i.len == 0 || i.len > 15)
		return -EINVAL;
	for (n = 0; n < i.len; n++) {
		if (i.text[n] < '0' || i.text[n] > '9')
			return -EINVAL;
		v = v * 10 + (uint64_t)(i.text[n] - '0');
	}
	if (v > UINT64_MAX >> shift)
		return -EINVAL;
	*ret = v << shift;
	return 0;
}

static int parse_model(struct item i, char *ret)
{
	size_t n;

	if (i.len == 0 || i.len >= INSTALLSPEC_MODEL_MAX)
		return -EINVAL;
	for (n = 0; n < i.len; n++) {
		char c = i.text[n];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      (c && strchr("._:/+-%@", c))))
			return -EINVAL;
		ret[n] = c == '_' ? ' ' : c == '%' ? '*' : c == '@' ? '?' : c;
	}
	ret[n] = '\0';
	return 0;
}

/* *seen has a bit for each key that was there. */
static int parse_item(struct item i, struct installspec *s, unsigned int *seen)
{
	static const char *const keys[] = { "min", "model", "over", "keep" };
	static const char *const overs[] = { "never", "cairn", "any" };
	static const char *const keeps[] = { "no", "yes" };
	const char *eq = memchr(i.text, '=', i.len);
	struct item value;
	int key, n;

	if (!eq)
		return -EINVAL;
	key = one_of((struct item){ i.text, (size_t)(eq - i.text) }, keys, 4);
	if (key < 0 || *seen & 1u << key)
		return -EINVAL;
	*seen |= 1u << key;
	value = (struct item){ eq + 1, i.len - (size_t)(eq + 1 - i.text) };
	switch (key) {
	case 0:
		return parse_size(value, &s->min_bytes);
	case 1:
		return parse_model(value, s->model);
	case 2:
		n = one_of(value, overs, 3);
		s->over = (enum install_over)n;
		return n < 0 ? -EINVAL : 0;
	default:
		n = one_of(value, keeps, 2);
		s->keep_data = n == 1;
		return n < 0 ? -EINVAL : 0;
	}
}

int installspec_parse(const char *text, size_t len, struct installspec *ret, struct err *err)
{
	struct installspec s = { .over = INSTALL_OVER_NEVER, .keep_data = true };
	const char *end = text + len;
	unsigned int seen = 0;
	bool first = true;

	if (len > INSTALLSPEC_MAX)
		return err_set(err, -EINVAL, "the description of the disk is longer than %d bytes",
			       INSTALLSPEC_MAX);
	for (;;) {
		const char *comma = memchr(text, ',', (size_t)(end - text));
		struct item i = { text, (size_t)((comma ? comma : end) - text) };
		int rc;

		if (first) {
			int n = one_of(i, transports, INSTALL_OTHER);

			s.transport = (enum install_transport)n;
			rc = n < 0 ? -EINVAL : 0;
		} else {
			rc = parse_item(i, &s, &seen);
		}
		if (rc)
			return err_set(err, rc, "`%.*s` in the description of the disk is no %s",
				       i.len < 40 ? (int)i.len : 40, i.text,
				       first ? "transport" : "known item or has no valid value");
		if (!comma)
			break;
		text = comma + 1;
		first = false;
	}
	*ret = s;
	return 0;
}
