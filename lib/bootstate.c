// SPDX-License-Identifier: Apache-2.0
#include "bootstate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fat.h"

#define SIGNATURE "# GRUB Environment Block\n"
#define SIGNATURE_SIZE (sizeof(SIGNATURE) - 1)

const char *bootstate_name(enum bootstate_slot slot)
{
	return slot == BOOTSTATE_A ? "a" : slot == BOOTSTATE_B ? "b" : "";
}

enum bootstate_slot bootstate_other(enum bootstate_slot slot)
{
	return slot == BOOTSTATE_A   ? BOOTSTATE_B
	       : slot == BOOTSTATE_B ? BOOTSTATE_A
				     : BOOTSTATE_NONE;
}

struct bootstate_mark *bootstate_mark_of(struct bootstate *state, enum bootstate_slot slot)
{
	return slot == BOOTSTATE_B ? &state->b : &state->a;
}

const struct bootstate_mark *bootstate_mark_get(const struct bootstate *state,
						enum bootstate_slot slot)
{
	return slot == BOOTSTATE_B ? &state->b : &state->a;
}

bool bootstate_equal(const struct bootstate *x, const struct bootstate *y)
{
	return x->primary == y->primary && x->a.good == y->a.good && x->a.tries == y->a.tries &&
	       x->b.good == y->b.good && x->b.tries == y->b.tries && x->booted == y->booted &&
	       x->esp == y->esp;
}

struct bootstate bootstate_factory(enum bootstate_slot slot)
{
	struct bootstate s = {
		slot, { true, BOOTSTATE_TRIES }, { true, BOOTSTATE_TRIES }, slot, 1
	};

	return s;
}

/* The end of the line that p is in: its newline or the block's end. A backslash hides one byte. */
static size_t line_end(const uint8_t *buf, size_t len, size_t p)
{
	while (p < len && buf[p] != '\n')
		p += buf[p] == '\\' ? 2 : 1;
	return p;
}

/* The lines in the order in which they are written, and the values that each may have. */
enum {
	V_OPEN,
	V_PRIMARY,
	V_A_GOOD,
	V_A_TRIES,
	V_B_GOOD,
	V_B_TRIES,
	V_BOOTED,
	V_ESP,
	V_CLOSE,
	VARS
};

static const struct {
	const char *name, *values;
} vars[VARS] = {
	[V_OPEN] = { "open", "012" },	 [V_PRIMARY] = { "primary", "ab" },
	[V_A_GOOD] = { "a_good", "01" }, [V_A_TRIES] = { "a_tries", "0123" },
	[V_B_GOOD] = { "b_good", "01" }, [V_B_TRIES] = { "b_tries", "0123" },
	[V_BOOTED] = { "booted", "ab" }, [V_ESP] = { "esp", "12" },
	[V_CLOSE] = { "close", "012" },
};

/* The value's only byte, or 0. "\a" is a, as for GRUB. */
static char value_of(const uint8_t *value, size_t len)
{
	if (len == 2 && value[0] == '\\')
		value++, len--;
	return len == 1 ? (char)value[0] : 0;
}

/* grub_envblk_iterate: a name runs to the first '=', over newlines too. */
static void read_lines(const uint8_t *buf, size_t len, char ret_values[static VARS])
{
	size_t p = SIGNATURE_SIZE;

	while (p < len) {
		if (buf[p] != '#') {
			size_t name = p, name_len, value, i;

			while (p < len && buf[p] != '=')
				p++;
			if (p == len)
				break;
			name_len = p - name;
			value = p + 1;
			p = line_end(buf, len, value);
			if (p >= len)
				break;
			for (i = 0; i < VARS; i++) {
				if (name_len == strlen(vars[i].name) &&
				    memcmp(buf + name, vars[i].name, name_len) == 0)
					ret_values[i] = value_of(buf + value, p - value);
			}
		}
		p = line_end(buf, len, p) + 1;
	}
}

static enum bootstate_slot slot_of(char value)
{
	return value == 'a' ? BOOTSTATE_A : BOOTSTATE_B;
}

int bootstate_parse(const uint8_t *buf, size_t len, struct bootstate_copy *ret_copy)
{
	char v[VARS] = { 0 };
	size_t i;

	memset(ret_copy, 0, sizeof(*ret_copy));
	if (len != BOOTSTATE_SIZE || memcmp(buf, SIGNATURE, SIGNATURE_SIZE) != 0)
		return -EINVAL;
	read_lines(buf, len, v);
	for (i = 0; i < VARS; i++)
		if (!v[i] || !strchr(vars[i].values, v[i]))
			return -EINVAL;
	if (v[V_OPEN] != v[V_CLOSE])
		return -EINVAL;
	ret_copy->valid = true;
	ret_copy->sequence = (uint8_t)(v[V_OPEN] - '0');
	ret_copy->state.primary = slot_of(v[V_PRIMARY]);
	ret_copy->state.a.good = v[V_A_GOOD] == '1';
	ret_copy->state.a.tries = (uint8_t)(v[V_A_TRIES] - '0');
	ret_copy->state.b.good = v[V_B_GOOD] == '1';
	ret_copy->state.b.tries = (uint8_t)(v[V_B_TRIES] - '0');
	ret_copy->state.booted = slot_of(v[V_BOOTED]);
	ret_copy->state.esp = (uint8_t)(v[V_ESP] - '0');
	return 0;
}

void bootstate_format(const struct bootstate *s, unsigned int sequence,
		      uint8_t ret_buf[static BOOTSTATE_SIZE])
{
	const char v[VARS] = {
		[V_OPEN] = (char)('0' + sequence % BOOTSTATE_SEQUENCES),
		[V_PRIMARY] = s->primary == BOOTSTATE_B ? 'b' : 'a',
		[V_A_GOOD] = s->a.good ? '1' : '0',
		[V_A_TRIES] = (char)('0' + s->a.tries % (BOOTSTATE_TRIES + 1)),
		[V_B_GOOD] = s->b.good ? '1' : '0',
		[V_B_TRIES] = (char)('0' + s->b.tries % (BOOTSTATE_TRIES + 1)),
		[V_BOOTED] = s->booted == BOOTSTATE_B ? 'b' : 'a',
		[V_ESP] = s->esp == 2 ? '2' : '1',
		[V_CLOSE] = (char)('0' + sequence % BOOTSTATE_SEQUENCES),
	};
	char text[256];
	size_t used = 0, i;

	memcpy(text, SIGNATURE, SIGNATURE_SIZE);
	used = SIGNATURE_SIZE;
	for (i = 0; i < VARS; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s=%c\n", vars[i].name,
					 v[i]);
	memset(ret_buf, '#', BOOTSTATE_SIZE);
	memcpy(ret_buf, text, used);
}

int bootstate_newest(const struct bootstate_copy copies[static 2])
{
	if (copies[0].valid && copies[1].valid)
		return copies[1].sequence == (copies[0].sequence + 1) % BOOTSTATE_SEQUENCES;
	return copies[0].valid ? 0 : copies[1].valid ? 1 : -1;
}

static bool is_slot(enum bootstate_slot slot)
{
	return slot == BOOTSTATE_A || slot == BOOTSTATE_B;
}

static const struct bootstate_mark bad = { false, 0 };

int bootstate_begin(struct bootstate *state, enum bootstate_slot slot)
{
	if (!is_slot(slot))
		return -EINVAL;
	if (state->booted == slot)
		return -EBUSY;
	if (bootstate_mark_of(state, slot)->good &&
	    !bootstate_mark_of(state, bootstate_other(slot))->good)
		return -EAGAIN;
	*bootstate_mark_of(state, slot) = bad;
	/* Where GRUB fell back from it: what runs is what to start until the slot is complete. */
	state->primary = bootstate_other(slot);
	return 0;
}

int bootstate_activate(struct bootstate *state, enum bootstate_slot slot)
{
	struct bootstate_mark *other;

	if (!is_slot(slot))
		return -EINVAL;
	if (state->booted == slot)
		return -EBUSY;
	other = bootstate_mark_of(state, bootstate_other(slot));
	if (other->good)
		other->tries = BOOTSTATE_TRIES;
	bootstate_mark_of(state, slot)->tries = BOOTSTATE_TRIES;
	state->primary = slot;
	return 0;
}

int bootstate_mark_good(struct bootstate *state, enum bootstate_slot slot)
{
	if (!is_slot(slot))
		return -EINVAL;
	*bootstate_mark_of(state, slot) = (struct bootstate_mark){ true, BOOTSTATE_TRIES };
	state->primary = slot;
	state->booted = slot;
	return 0;
}

int bootstate_mark_bad(struct bootstate *state, enum bootstate_slot slot)
{
	if (!is_slot(slot))
		return -EINVAL;
	*bootstate_mark_of(state, slot) = bad;
	if (state->primary == slot && bootstate_mark_of(state, bootstate_other(slot))->good)
		return bootstate_select(state, bootstate_other(slot));
	return 0;
}

int bootstate_select(struct bootstate *state, enum bootstate_slot slot)
{
	if (!is_slot(slot))
		return -EINVAL;
	state->primary = slot;
	return 0;
}

int bootstate_rollback(struct bootstate *state)
{
	enum bootstate_slot to = bootstate_other(state->booted);
	struct bootstate_mark *from_mark = bootstate_mark_of(state, state->booted);
	struct bootstate_mark *to_mark = bootstate_mark_of(state, to);

	if (!is_slot(to))
		return -EINVAL;
	if (!to_mark->good)
		return -ENOENT;
	if (!from_mark->good)
		from_mark->tries = 0;
	to_mark->tries = BOOTSTATE_TRIES;
	state->primary = to;
	return 0;
}

/* GRUB's half: grub.cfg acts out what follows, line by line. */

static void note_start(struct bootstate *state, enum bootstate_slot slot)
{
	struct bootstate_mark *mark = bootstate_mark_of(state, slot);

	if (mark->tries)
		mark->tries--;
	state->booted = slot;
}

enum bootstate_slot bootstate_pick(struct bootstate *state)
{
	enum bootstate_slot pick = state->primary, other = bootstate_other(pick);
	struct bootstate_mark *mark = bootstate_mark_of(state, pick);
	struct bootstate_mark *other_mark = bootstate_mark_of(state, other);

	if (!mark->tries) {
		if (other_mark->good && other_mark->tries) {
			pick = other;
		} else if (mark->good || other_mark->good) {
			if (mark->good)
				mark->tries = BOOTSTATE_TRIES;
			if (other_mark->good)
				other_mark->tries = BOOTSTATE_TRIES;
			if (!mark->good)
				pick = other;
		} else {
			pick = bootstate_other(state->booted);
		}
	}
	note_start(state, pick);
	return pick;
}

bool bootstate_cannot_load(struct bootstate *state, enum bootstate_slot slot)
{
	struct bootstate_mark *spare = bootstate_mark_of(state, bootstate_other(slot));

	bootstate_mark_of(state, slot)->tries = 0;
	if (!spare->good)
		return false;
	if (!spare->tries)
		spare->tries = BOOTSTATE_TRIES;
	return true;
}

/* What grub.cfg holds in its variables. */
struct run {
	const struct bootstate_machine *m;
	struct bootstate_boot boot;
	struct bootstate state;
	int newest; /* -1: none was valid */
};

static bool save_to(struct run *r, int target, unsigned int sequence)
{
	if (!r->m->takes[target])
		return false;
	r->boot.copy[target] = (struct bootstate_copy){ true, (uint8_t)sequence, r->state };
	r->newest = target;
	return true;
}

/* The older copy with the next sequence; where it takes nothing, the newest with its own. */
static bool save(struct run *r)
{
	int target = r->newest == 0 ? 1 : 0;
	unsigned int sequence = 0;

	if (r->newest >= 0)
		sequence = r->boot.copy[r->newest].sequence;
	if (save_to(r, target, (sequence + 1) % BOOTSTATE_SEQUENCES))
		return true;
	return save_to(r, !target, sequence);
}

/* One attempt: GRUB notes the slot first, because a kernel that runs does not come back. */
static bool start(struct run *r, enum bootstate_slot slot)
{
	r->boot.tried[r->boot.tried[0] == BOOTSTATE_NONE ? 0 : 1] = slot;
	(void)save(r);
	if (slot == BOOTSTATE_A ? r->m->loads_a : r->m->loads_b)
		r->boot.started = slot;
	return r->boot.started != BOOTSTATE_NONE;
}

struct bootstate_boot bootstate_next(const struct bootstate_machine *m)
{
	struct run r = { .m = m, .state = bootstate_factory(BOOTSTATE_A) };
	enum bootstate_slot pick;

	r.boot.copy[0] = m->copy[0];
	r.boot.copy[1] = m->copy[1];
	r.newest = bootstate_newest(m->copy);
	if (r.newest >= 0)
		r.state = m->copy[r.newest].state;
	r.state.esp = m->esp;
	pick = bootstate_pick(&r.state);
	if (start(&r, pick))
		return r.boot;
	if (bootstate_cannot_load(&r.state, pick) && save(&r))
		return r.boot;
	/* Either the other one is the last resort, or a restart would meet the same state. */
	note_start(&r.state, bootstate_other(pick));
	(void)start(&r, bootstate_other(pick));
	return r.boot;
}

/* The geometry is fat.c's to choose; the test holds the offsets of bootstate.h against it. */
void bootstate_mkfs(const struct bootstate *state, uint8_t ret_head[static BOOTSTATE_HEAD_BYTES])
{
	static const struct fat_spec spec = {
		.size_bytes = BOOTSTATE_PART_BYTES,
		.bits = 12,
		.cluster_bytes = 4096,
		.align_bytes = 4096,
		.volume_id = 0x63616902,
		.label = "CAIRNSTATE",
	};
	struct fat_file files[] = { { "S0.ENV", BOOTSTATE_SIZE, 0 },
				    { "S1.ENV", BOOTSTATE_SIZE, 0 } };
	struct fat_plan plan;

	memset(ret_head, 0, BOOTSTATE_HEAD_BYTES);
	/* Constant arguments: whether they fit is decided once, by the test. */
	if (fat_plan_make(&spec, files, 2, &plan, NULL) != 0 ||
	    plan.metadata_bytes > BOOTSTATE_S0_OFFSET)
		return;
	fat_format(&plan, ret_head);
	bootstate_format(state, 0, ret_head + BOOTSTATE_S0_OFFSET);
	bootstate_format(state, 1, ret_head + BOOTSTATE_S1_OFFSET);
}

bool bootstate_check_fs(const uint8_t *head, size_t len)
{
	struct bootstate any = bootstate_factory(BOOTSTATE_A);
	uint8_t want[BOOTSTATE_HEAD_BYTES];

	if (len < BOOTSTATE_S0_OFFSET)
		return false;
	bootstate_mkfs(&any, want);
	return memcmp(head, want, BOOTSTATE_S0_OFFSET) == 0;
}
