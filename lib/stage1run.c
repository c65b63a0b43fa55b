// SPDX-License-Identifier: Apache-2.0
#include "stage1run.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>

#include "bytes.h"

/* Entries that are looked at for one of ours, and a free number. */
#define NUMBERS 256u
/* No chain of actions is longer. */
#define STEPS_MAX 8

static int get(const struct stage1_machine *m, const char *name, uint8_t *buf, size_t max,
	       size_t *ret_len)
{
	return m->vars ? m->vars->get(m->vars->ctx, name, buf, max, ret_len) : -EOPNOTSUPP;
}

/* Set and read back: firmware that takes it and forgets it at once is found here. */
static int set(const struct stage1_machine *m, const char *name, const uint8_t *buf, size_t len)
{
	uint8_t back[EFIBOOT_OPTION_MAX];
	size_t back_len;
	int rc = m->vars->set(m->vars->ctx, name, buf, len);

	if (!rc)
		rc = get(m, name, back, sizeof(back), &back_len);
	if (rc)
		return rc;
	return back_len == len && memcmp(back, buf, len) == 0 ? 0 : -EILSEQ;
}

static int get_order(const struct stage1_machine *m, struct efiboot_order *ret)
{
	uint8_t buf[2 * EFIBOOT_ORDER_MAX];
	size_t len;
	int rc = get(m, "BootOrder", buf, sizeof(buf), &len);

	return rc ? rc : efiboot_order_parse(buf, len, ret);
}

static bool starts(const struct stage1_machine *m, uint16_t number, int esp)
{
	uint8_t option[EFIBOOT_OPTION_MAX];
	char name[9];
	size_t len;

	efiboot_name(number, name);
	return get(m, name, option, sizeof(option), &len) == 0 &&
	       efiboot_starts(option, len, &m->place[esp]);
}

/* The option that this start was made by; its length, or 0. */
static size_t current_option(const struct stage1_machine *m, uint8_t *buf, size_t max)
{
	uint8_t number[2];
	char name[9];
	size_t len;

	if (get(m, "BootCurrent", number, sizeof(number), &len) || len != 2)
		return 0;
	efiboot_name(le16_load(number), name);
	return get(m, name, buf, max, &len) ? 0 : len;
}

/* The entry of an ESP, made where there is none. */
static int entry_of(const struct stage1_machine *m, int esp, uint16_t *ret)
{
	static const char *const descriptions[] = { "Cairn", "Cairn 2" };
	uint8_t option[EFIBOOT_OPTION_MAX], current[EFIBOOT_OPTION_MAX];
	unsigned int n, unused = NUMBERS;
	char name[9];
	size_t len;

	for (n = 0; n < NUMBERS; n++) {
		int rc;

		efiboot_name((uint16_t)n, name);
		rc = get(m, name, option, sizeof(option), &len);
		if (rc == -ENOENT && unused == NUMBERS)
			unused = n;
		if (!rc && efiboot_starts(option, len, &m->place[esp])) {
			*ret = (uint16_t)n;
			return 0;
		}
	}
	if (unused == NUMBERS)
		return -ENOSPC;
	len = current_option(m, current, sizeof(current));
	len = efiboot_format(descriptions[esp], &m->place[esp], current, len, option);
	efiboot_name((uint16_t)unused, name);
	*ret = (uint16_t)unused;
	return len ? set(m, name, option, len) : -E2BIG;
}

static uint32_t generation(const struct blockio *esp)
{
	alignas(4096) uint8_t sector[512];

	return esp->read(esp->ctx, sector, sizeof(sector), 0)
		       ? 0
		       : stage1_generation(sector, sizeof(sector));
}

void stage1run_facts(const struct stage1_machine *m, struct stage1_facts *ret)
{
	alignas(4096) uint8_t block[STAGE1_RECORD_BYTES];
	struct efiboot_order order;

	*ret = (struct stage1_facts){ .esp = m->from };
	ret->here = generation(m->esp[m->from - 1]);
	ret->other = generation(m->esp[2 - m->from]);
	if (m->state->read(m->state->ctx, block, sizeof(block), STAGE1_RECORD_OFFSET) == 0)
		(void)stage1_record_parse(block, sizeof(block), &ret->record);
	ret->same_boot = memcmp(ret->record.boot_id, m->boot_id, sizeof(ret->record.boot_id)) == 0;
	ret->vars = get_order(m, &order) == 0;
	ret->home = ret->vars && order.count && starts(m, order.number[0], 0);
}

static int keep(const struct stage1_machine *m, struct stage1_record *r)
{
	alignas(4096) uint8_t block[STAGE1_RECORD_BYTES];
	alignas(4096) uint8_t back[STAGE1_RECORD_BYTES];
	const struct blockio *io = m->state;
	int rc;

	memcpy(r->boot_id, m->boot_id, sizeof(r->boot_id));
	stage1_record_format(r, block);
	rc = io->write(io->ctx, block, sizeof(block), STAGE1_RECORD_OFFSET);
	if (!rc)
		rc = io->flush(io->ctx);
	if (!rc && io->drop_cache)
		rc = io->drop_cache(io->ctx);
	if (!rc)
		rc = io->read(io->ctx, back, sizeof(back), STAGE1_RECORD_OFFSET);
	return rc ? rc : memcmp(block, back, sizeof(block)) != 0 ? -EILSEQ : 0;
}

static int set_next(const struct stage1_machine *m)
{
	uint8_t buf[2];
	uint16_t number;
	int rc = entry_of(m, 1, &number);

	le16_store(buf, number);
	return rc ? rc : set(m, "BootNext", buf, sizeof(buf));
}

/* A BootNext that still names ESP 2 would be tried though it was given up. */
static void clear_next(const struct stage1_machine *m)
{
	uint8_t buf[2];
	size_t len;

	if (get(m, "BootNext", buf, sizeof(buf), &len) == 0 && len == 2 &&
	    starts(m, le16_load(buf), 1))
		(void)m->vars->set(m->vars->ctx, "BootNext", NULL, 0);
}

static int set_order(const struct stage1_machine *m, int first)
{
	struct efiboot_order order = { 0 };
	uint8_t buf[2 * EFIBOOT_ORDER_MAX];
	uint16_t number[2];
	int rc = get_order(m, &order);

	if (!rc)
		rc = entry_of(m, 0, &number[0]);
	if (!rc)
		rc = entry_of(m, 1, &number[1]);
	if (!rc)
		rc = efiboot_order_lead(&order, number[first], number[!first]);
	return rc ? rc : set(m, "BootOrder", buf, efiboot_order_format(&order, buf));
}

static int give_up(const struct stage1_machine *m, uint32_t newer, const char *why,
		   struct err *ret_said)
{
	struct stage1_record r = { .phase = STAGE1_REFUSED, .generation = newer };
	int rc = keep(m, &r);

	if (m->vars)
		clear_next(m);
	(void)err_set(ret_said, 0, "generation %u is given up: %s", newer, why);
	return rc ? err_sys(ret_said, rc, "cannot note that") : 0;
}

static int arm(const struct stage1_machine *m, const struct stage1_facts *f,
	       struct stage1_record *next, struct err *ret_said)
{
	/* Counted first: a start that is not counted would be tried for ever. */
	int rc = keep(m, next);

	if (rc)
		return err_sys(ret_said, rc, "cannot count the trial");
	if (set_next(m))
		return give_up(m, f->other, "the firmware does not take BootNext", ret_said);
	(void)err_set(ret_said, 0, "the next start tries generation %u, %u of %d", f->other,
		      next->tries, STAGE1_TRIES);
	return 0;
}

static int order_and_keep(const struct stage1_machine *m, int first, struct stage1_record *next,
			  struct err *ret_said)
{
	int rc = set_order(m, first);

	if (rc)
		return err_sys(ret_said, rc, "the firmware does not take BootOrder");
	rc = keep(m, next);
	(void)err_set(ret_said, 0, "the firmware's order begins with ESP %d", first + 1);
	return rc ? err_sys(ret_said, rc, "cannot note that") : 0;
}

static int copy_and_keep(const struct stage1_machine *m, struct stage1_record *next,
			 struct err *ret_said)
{
	int rc = stage1_copy(m->esp[m->from - 1], m->esp[2 - m->from], m->buf, ret_said);

	if (rc)
		return rc;
	rc = keep(m, next);
	(void)err_set(ret_said, 0, "ESP %d has the content of ESP %d", 3 - m->from, m->from);
	return rc ? err_sys(ret_said, rc, "cannot note that") : 0;
}

static int act(const struct stage1_machine *m, const struct stage1_facts *f,
	       enum stage1_action action, struct stage1_record *next, struct err *ret_said)
{
	switch (action) {
	case STAGE1_ARM:
		return arm(m, f, next, ret_said);
	case STAGE1_PROMOTE:
		return order_and_keep(m, 1, next, ret_said);
	case STAGE1_HOME:
		return order_and_keep(m, 0, next, ret_said);
	case STAGE1_COPY:
		return copy_and_keep(m, next, ret_said);
	case STAGE1_GIVE_UP:
		return give_up(m, f->other,
			       f->vars ? "the machine did not come up from it by itself"
				       : "the firmware has no variables",
			       ret_said);
	default:
		return 0;
	}
}

/* Both sentences, the new one last. */
static void say_too(struct err *said, const struct err *now)
{
	struct err all;

	(void)err_set(&all, 0, "%s%s%s", said->msg, said->msg[0] ? "; " : "", now->msg);
	*said = all;
}

int stage1run_go(const struct stage1_machine *m, enum stage1_action *ret_did, struct err *ret_said)
{
	int step, rc = 0;

	ret_said->msg[0] = '\0';
	*ret_did = STAGE1_REST;
	for (step = 0; !rc && step < STEPS_MAX; step++) {
		struct stage1_record next;
		struct stage1_facts f;
		struct err now = { "" };
		enum stage1_action action;

		stage1run_facts(m, &f);
		action = stage1_next(&f, &next);
		if (action == STAGE1_REST)
			break;
		rc = act(m, &f, action, &next, &now);
		say_too(ret_said, &now);
		*ret_did = action;
	}
	return rc;
}

bool stage1run_waits(const struct stage1_machine *m)
{
	struct stage1_record next;
	struct stage1_facts f;

	stage1run_facts(m, &f);
	return stage1_next(&f, &next) != STAGE1_REST;
}
