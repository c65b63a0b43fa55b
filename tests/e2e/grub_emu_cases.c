// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/grub_emu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What is compared:
 *   every state x every pair of slots that load or not, with the newest copy, its sequence and the
 *     ESP going round; the same where no copy can be written, and where one is gone;
 *   every pair of sequences, invalid ones too x every pair of copies that take a write or not,
 *     for some states;
 *   texts that a half written or foreign block may hold, and file systems that are not there.
 * All but the first is thinned by half unless asked for: a boot takes some 20 ms.
 */

enum { STATES = 256, SOME_STATES = 6 };

static const size_t offset_of[2] = { BOOTSTATE_S0_OFFSET, BOOTSTATE_S1_OFFSET };
static const char signature[] = "# GRUB Environment Block\n";

static struct grub_emu_case *cases;
size_t grub_emu_case_count;

static struct bootstate state_nr(unsigned int i)
{
	struct bootstate s = bootstate_factory(i & 1 ? BOOTSTATE_B : BOOTSTATE_A);

	s.a = (struct bootstate_mark){ i >> 1 & 1, (uint8_t)(i >> 2 & 3) };
	s.b = (struct bootstate_mark){ i >> 4 & 1, (uint8_t)(i >> 5 & 3) };
	s.booted = i >> 7 & 1 ? BOOTSTATE_B : BOOTSTATE_A;
	s.esp = i % 3 ? 1 : 2;
	return s;
}

static struct grub_emu_case *new_case(unsigned int loads, unsigned int esp)
{
	struct bootstate any = bootstate_factory(BOOTSTATE_A);
	struct grub_emu_case *c;

	cases = realloc(cases, (grub_emu_case_count + 1) * sizeof(*cases));
	if (!cases)
		exit(111);
	c = &cases[grub_emu_case_count++];
	memset(c, 0, sizeof(*c));
	c->loads = (int)loads;
	c->machine.loads_a = loads & 1;
	c->machine.loads_b = loads & 2;
	c->machine.esp = (uint8_t)esp;
	bootstate_mkfs(&any, c->head);
	return c;
}

/* grub_envblk_set of GRUB 2.06, for a value of one byte: false where it refuses. */
static bool env_set(uint8_t *block, const char *name, char value)
{
	size_t p = sizeof(signature) - 1, space = BOOTSTATE_SIZE - 1, len = strlen(name), n;

	while (block[space] == '#')
		space--;
	if (block[space] != '\n')
		return false;
	space++;
	while (p + len + 1 < space) {
		if (memcmp(block + p, name, len) == 0 && block[p + len] == '=') {
			p += len + 1;
			for (n = 0; p + n < BOOTSTATE_SIZE && block[p + n] != '\n';)
				n += block[p + n] == '\\' ? 2 : 1;
			if (p + n >= BOOTSTATE_SIZE || (n == 0 && space == BOOTSTATE_SIZE))
				return false;
			if (n == 0)
				memmove(block + p + 1, block + p, BOOTSTATE_SIZE - p - 1);
			else
				memmove(block + p + 1, block + p + n, BOOTSTATE_SIZE - p - n);
			block[p] = (uint8_t)value;
			return true;
		}
		while (p < BOOTSTATE_SIZE && block[p] != '\n')
			p += block[p] == '\\' ? 2 : 1;
		p++;
	}
	if (BOOTSTATE_SIZE - space < len + 3)
		return false;
	memcpy(block + space, name, len);
	block[space + len] = '=';
	block[space + len + 1] = (uint8_t)value;
	block[space + len + 2] = '\n';
	return true;
}

/* What the block is for GRUB: what it says, and whether it takes a new state. */
static void look(struct grub_emu_case *c, int n)
{
	static const char *const names[] = { "open",	"primary", "a_good", "a_tries", "b_good",
					     "b_tries", "booted",  "esp",    "close" };
	const char values[] = {
		'1', 'a', '1', '2', '1', '3', 'a', (char)('0' + c->machine.esp), '1'
	};
	const uint8_t *is = c->head + offset_of[n];
	uint8_t block[BOOTSTATE_SIZE], form[BOOTSTATE_SIZE];
	struct bootstate_copy copy;
	size_t i;

	(void)bootstate_parse(is, BOOTSTATE_SIZE, &c->machine.copy[n]);
	copy = c->machine.copy[n];
	bootstate_format(&copy.state, copy.sequence, form);
	c->ours[n] = copy.valid && memcmp(form, is, sizeof(form)) == 0;
	memcpy(block, is, sizeof(block));
	c->may_change[n] = memcmp(block, signature, sizeof(signature) - 1) == 0;
	for (i = 0; c->may_change[n] && i < sizeof(names) / sizeof(names[0]); i++)
		c->may_change[n] = env_set(block, names[i], values[i]);
	c->machine.takes[n] =
		c->may_change[n] && bootstate_parse(block, sizeof(block), &copy) == 0 &&
		copy.sequence == 1 && copy.state.a.tries == 2 && copy.state.esp == c->machine.esp;
}

static void set_copy(struct grub_emu_case *c, int n, const struct bootstate *s,
		     unsigned int sequence, bool writable)
{
	uint8_t *block = c->head + offset_of[n];

	bootstate_format(s, sequence, block);
	/* GRUB writes only to a block whose last line is ended (grub_envblk_set). */
	if (!writable)
		block[BOOTSTATE_SIZE - 1] = 'x';
	look(c, n);
}

/* Ways of not being valid; some take a write, some do not. */
static void set_invalid(struct grub_emu_case *c, int n, unsigned int kind)
{
	uint8_t *block = c->head + offset_of[n];
	struct bootstate s = bootstate_factory(BOOTSTATE_A);
	size_t i;

	bootstate_format(&s, kind, block);
	switch (kind % 4) {
	case 0:
		memset(block, 0, BOOTSTATE_SIZE);
		break;
	case 1:
		for (i = 0; i < BOOTSTATE_SIZE; i++)
			block[i] = (uint8_t)(i * 37 + 11);
		break;
	case 2: /* torn */
		block[sizeof(signature) - 1 + 5] = '0' + (char)((kind + 1) % 3);
		break;
	default: /* an empty block */
		memset(block + sizeof(signature) - 1, '#', BOOTSTATE_SIZE - sizeof(signature) + 1);
		break;
	}
	look(c, n);
}

static void add_states(unsigned int loads, int how, bool all)
{
	static const char *const hows[] = { "both can be written", "none can be written",
					    "one is gone" };
	unsigned int i;

	for (i = 0; i < STATES; i++) {
		if (!all && how && (i ^ i >> 3 ^ i >> 5 ^ loads ^ (unsigned int)how) & 1)
			continue;
		/* Goes round with no common factor with the bits of the state. */
		unsigned int r = i * 7 + loads * 5 + (unsigned int)how, sequence = r % 3;
		struct grub_emu_case *c = new_case(loads, r / 3 % 2 + 1);
		struct bootstate s = state_nr(i), old = state_nr((i * 31 + 17) % STATES);
		int newest = (int)(r / 6 % 2);

		(void)snprintf(c->name, sizeof(c->name), "state %u loads=%u, S%d newest (%u), %s",
			       i, loads, newest, sequence, hows[how]);
		set_copy(c, newest, &s, sequence, how != 1);
		if (how == 2)
			set_invalid(c, !newest, r);
		else
			set_copy(c, !newest, &old, sequence + 2, how != 1);
	}
}

/* Sequences 0 to 2, 3: invalid; writable as bits. */
static void add_copies(unsigned int loads, bool all)
{
	static const unsigned int states[] = { 0x3c, 0x7f, 0x1e, 0x9a, 0xe1, 0x00 };
	unsigned int x, y, w, i;

	for (x = 0; x < 4; x++)
		for (y = 0; y < 4; y++)
			for (w = 0; w < 4; w++)
				for (i = all ? 0 : (x + y + w + loads) & 1; i < SOME_STATES;
				     i += all ? 1 : 2) {
					struct grub_emu_case *c =
						new_case(loads, (x + y + i) % 2 + 1);
					struct bootstate s = state_nr(states[i]);
					struct bootstate t =
						state_nr(states[(i + 1) % SOME_STATES]);

					(void)snprintf(c->name, sizeof(c->name),
						       "copies %u %u writable=%u state %u loads=%u",
						       x, y, w, i, loads);
					if (x < 3)
						set_copy(c, 0, &s, x, w & 1);
					else
						set_invalid(c, 0, w & 1 ? 2 + i % 2 : i % 2);
					if (y < 3)
						set_copy(c, 1, &t, y, w & 2);
					else
						set_invalid(c, 1, w & 2 ? 2 + i % 2 : i % 2);
				}
}

/* Texts that a half written or foreign block may hold; B: a state that is on trial in b. */
static void add_odd(unsigned int loads, bool all)
{
#define REST "a_good=1\na_tries=3\nb_good=0\nb_tries=2\nbooted=b\nesp=1\n"
	static const char *const texts[] = {
		"",
		"slot=b\nbooted=a\nfailed=\n",
		"open=1\nprimary=b\n" REST "close=1\n",
		"open=1\nprimary=b\n" REST "close=1",
		"open=1\nprimary=b\n" REST "close=2\n",
		"open=1\nprimary=b\n" REST,
		"primary=b\n" REST "close=1\n",
		"close=1\n" REST "primary=b\nopen=1\n",
		"x=1\nopen=1\nx=2\nprimary=b\n" REST "close=1\n",
		"x\nopen=1\nprimary=b\n" REST "close=1\n",
		"open=1\nx\nprimary=b\n" REST "close=1\n",
		"open=1\nx=\nprimary=b\n" REST "close=1\n",
		"open=1\nprimary=\\b\n" REST "close=1\n",
		"open=1\nprimary=b\\\n" REST "close=1\n",
		"open=1\n#primary=b\n" REST "close=1\n",
		"open=1\n#primary=b\nprimary=a\n" REST "close=1\n",
		"open=1\nprimary =b\n" REST "close=1\n",
		"open=1\nprimary=b \n" REST "close=1\n",
		"open=1\nprimary=B\n" REST "close=1\n",
		"open=1\nprimary=bb\n" REST "close=1\n",
		"open=1\nprimary=$booted\n" REST "close=1\n",
		"open=1\nprimary=\"b\"\n" REST "close=1\n",
		"open=\nprimary=1:b\n" REST "close=1\n",
		"open=1:b\nprimary=\n" REST "close=1\n",
		"open=3\nprimary=b\n" REST "close=3\n",
		"open=-1\nprimary=b\n" REST "close=-1\n",
		"open=1\nprimary=b\n" REST "b_tries=4\nclose=1\n",
		"open=1\nprimary=b\n" REST "b_good=\nclose=1\n",
		"open=1\nprimary=b\n" REST "esp=8\nclose=1\n",
		"root=hd0,gpt5\ncheck_signatures=no\ndisk=hd1\nopen=1\nprimary=b\n" REST
		"close=1\n",
	};
	struct bootstate s = { BOOTSTATE_A, { true, 1 }, { true, 0 }, BOOTSTATE_A, 1 };
	size_t i;
	int k;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (k = 0; k < 4 && (all || (i + loads) & 1); k++) {
			struct grub_emu_case *c =
				new_case(loads, (unsigned int)(i + loads) % 2 + 1);
			uint8_t *block = c->head + offset_of[k & 1];

			(void)snprintf(c->name, sizeof(c->name),
				       "odd text %zu in S%d, the other %s loads=%u", i, k & 1,
				       k & 2 ? "valid" : "empty", loads);
			memset(block, '#', BOOTSTATE_SIZE);
			memcpy(block, signature, sizeof(signature) - 1);
			memcpy(block + sizeof(signature) - 1, texts[i], strlen(texts[i]));
			look(c, k & 1);
			if (k & 2)
				set_copy(c, !(k & 1), &s, 0, true);
			else
				set_invalid(c, !(k & 1), 3);
		}
}

/* The file system is not there, or its files are not: nothing is known, nothing can be written. */
static void add_unreadable(unsigned int loads)
{
	static const char *const names[] = { "S0 is missing",	    "S1 is missing",
					     "S0 is empty",	    "S1 is empty",
					     "file system is zero", "file system is garbage" };
	struct bootstate s = { BOOTSTATE_B, { true, 1 }, { true, 2 }, BOOTSTATE_A, 1 };
	unsigned int k;
	size_t i;

	for (k = 0; k < 6; k++) {
		struct grub_emu_case *c = new_case(loads, 2);
		uint8_t *entry = c->head + 4096 + 32 + 32 * (k & 1);
		int n;

		(void)snprintf(c->name, sizeof(c->name), "%s loads=%u", names[k], loads);
		set_copy(c, 0, &s, 1, true);
		set_copy(c, 1, &s, 2, true);
		if (k < 2)
			entry[0] = 0xe5;
		else if (k < 4)
			memset(entry + 28, 0, 4);
		else if (k == 4)
			memset(c->head, 0, BOOTSTATE_S0_OFFSET);
		else
			for (i = 0; i < BOOTSTATE_S0_OFFSET; i++)
				c->head[i] = (uint8_t)(i * 73 + 5);
		for (n = 0; n < 2; n++)
			if (k >= 4 || n == (int)(k & 1)) {
				/* As zero, so that what is compared afterwards is too. */
				memset(c->head + offset_of[n], 0, BOOTSTATE_SIZE);
				look(c, n);
			}
	}
}

void grub_emu_cases_make(bool all)
{
	unsigned int loads;
	int how;

	for (loads = 0; loads < 4; loads++) {
		for (how = 0; how < 3; how++)
			add_states(loads, how, all);
		add_copies(loads, all);
		add_odd(loads, all);
		add_unreadable(loads);
	}
}

const struct grub_emu_case *grub_emu_case(size_t n)
{
	return &cases[n];
}
