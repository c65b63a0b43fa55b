// SPDX-License-Identifier: Apache-2.0
/*
 * grub-emu-table - run the shipped grub.cfg in grub-emu for every boot state and compare what it
 * does with bootstate_next.
 *
 * usage: grub-emu-table DIR STATE-OFFSET
 * DIR holds grub.cfg (the harness, see 10-grub-emu.sh) and disk-K-YY, -YN, -NY, -NN: disk images
 * in which slot a and slot b can be loaded or not, damaged in the ways K = 0 to 4. STATE-OFFSET
 * is the byte where their STATE partition begins. The images are written to. Exit: 0 all equal, 1
 * some differ, 111 system failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/bootstate.h"
#include "lib/io.h"

/* One worker a kind of damage, a prime number of them, so that kinds meet all states. */
enum { WORKERS = 5, OUTPUT_MAX = 1 << 16, CASE_TIMEOUT_S = 20 };

struct test_case {
	char name[120];
	int loads; /* bit 0: slot a, bit 1: slot b */
	struct bootstate_machine machine;
	uint8_t head[BOOTSTATE_HEAD_BYTES];
};

static struct test_case *cases;
static size_t case_count;

/* Values as text, so that garbage is among them. */
static const char *const slot_values[] = { "a", "b", "", "garbage" };
static const char *const booted_values[] = { "", "a", "b" };

static struct test_case *new_case(int loads, const char *name)
{
	static const struct bootstate empty = { BOOTSTATE_NONE, BOOTSTATE_NONE, BOOTSTATE_NONE };
	struct test_case *c;

	cases = realloc(cases, (case_count + 1) * sizeof(*cases));
	if (!cases)
		exit(111);
	c = &cases[case_count++];
	memset(c, 0, sizeof(*c));
	(void)snprintf(c->name, sizeof(c->name), "%s loads=%c%c", name, loads & 1 ? 'a' : '-',
		       loads & 2 ? 'b' : '-');
	c->loads = loads;
	c->machine.loads_a = loads & 1;
	c->machine.loads_b = loads & 2;
	bootstate_mkfs(&empty, c->head);
	return c;
}

/* A block with this text and the given last byte, '#' as it should be. */
static void set_text(struct test_case *c, const char *text, char last)
{
	uint8_t *s0 = c->head + BOOTSTATE_S0_OFFSET;
	static const char signature[] = "# GRUB Environment Block\n";

	memset(s0, '#', BOOTSTATE_SIZE);
	memcpy(s0, signature, sizeof(signature) - 1);
	memcpy(s0 + sizeof(signature) - 1, text, strlen(text));
	s0[BOOTSTATE_SIZE - 1] = (uint8_t)last;
	c->machine.readable = bootstate_parse(s0, BOOTSTATE_SIZE, &c->machine.state) == 0;
	/* GRUB only writes a block whose last line is ended (grub_envblk_set). */
	c->machine.writable = last == '#' && (!*text || text[strlen(text) - 1] == '\n');
}

static void add_valid(int loads)
{
	size_t s, b, f;
	int w;

	for (s = 0; s < 4; s++)
		for (b = 0; b < 3; b++)
			for (f = 0; f < 4; f++)
				for (w = 0; w < 2; w++) {
					char text[80], name[100];

					(void)snprintf(text, sizeof(text),
						       "slot=%s\nbooted=%s\nfailed=%s\n",
						       slot_values[s], booted_values[b],
						       slot_values[f]);
					(void)snprintf(name, sizeof(name),
						       "slot=%s booted=%s failed=%s writable=%s",
						       slot_values[s], booted_values[b],
						       slot_values[f], w ? "yes" : "no");
					set_text(new_case(loads, name), text, w ? '#' : 'x');
				}
}

/* Texts that a half-written or foreign block may hold. */
static void add_odd(int loads)
{
	static const char *const texts[] = {
		"",
		"slot=b\n",
		"slot=b",
		"failed=a\n",
		"slot=a\nslot=b\n",
		"x\nslot=b\n",
		"x=\nslot=b\n",
		"slot=\\b\n",
		"slot=b\\\nfailed=b\n",
		"#slot=b\n",
		"slot =b\n",
		"slot=b \n",
		"slot=B\n",
		"slot=$failed\nfailed=b\n",
		"slot=\"b\"\n",
		"root=hd0,gpt5\ncheck_signatures=no\nslot=b\n",
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char name[40];

		(void)snprintf(name, sizeof(name), "odd text %zu", i);
		set_text(new_case(loads, name), texts[i], '#');
	}
}

static void add_unreadable(int loads)
{
	struct test_case *c;
	size_t i;

	c = new_case(loads, "block is garbage");
	for (i = 0; i < BOOTSTATE_SIZE; i++)
		c->head[BOOTSTATE_S0_OFFSET + i] = (uint8_t)(i * 37 + 11);
	c = new_case(loads, "block is zero");
	memset(c->head + BOOTSTATE_S0_OFFSET, 0, BOOTSTATE_SIZE);
	c = new_case(loads, "file is missing");
	c->head[4096 + 32] = 0xe5;
	c = new_case(loads, "file is empty");
	memset(c->head + 4096 + 32 + 28, 0, 4);
	c = new_case(loads, "file system is zero");
	memset(c->head, 0, sizeof(c->head));
	c = new_case(loads, "file system is garbage");
	for (i = 0; i < BOOTSTATE_S0_OFFSET; i++)
		c->head[i] = (uint8_t)(i * 73 + 5);
}

/* Runs grub-emu on a terminal of its own and collects what it prints. */
static int run_grub(const char *dir, const char *map, char *ret_text)
{
	size_t used = 0;
	int fd, status;
	pid_t pid = forkpty(&fd, NULL, NULL, NULL);

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		(void)setenv("TERM", "dumb", 1);
		(void)alarm(CASE_TIMEOUT_S);
		execlp("grub-emu", "grub-emu", "-d", dir, "-m", map, (char *)NULL);
		_exit(127);
	}
	for (;;) {
		ssize_t n = read(fd, ret_text + used, OUTPUT_MAX - 1 - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	ret_text[used] = '\0';
	(void)close(fd);
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECANCELED;
}

/* The harness and grub.cfg print "cairn: boot slot=X" for a try and "@started" for a start. */
static void read_output(const char *text, struct bootstate_boot *ret_boot)
{
	static const char mark[] = "cairn: boot slot=";
	const char *p = text;
	int n = 0;

	memset(ret_boot, 0, sizeof(*ret_boot));
	while ((p = strstr(p, mark)) && n < 2) {
		p += sizeof(mark) - 1;
		ret_boot->tried[n++] = *p == 'b' ? BOOTSTATE_B : BOOTSTATE_A;
	}
	p = strstr(text, "@started ");
	if (p)
		ret_boot->started = strncmp(p + 9, "(hd0,gpt5)", 10) ? BOOTSTATE_A : BOOTSTATE_B;
}

static void describe(const struct bootstate_boot *b, char *ret_text, size_t max)
{
	(void)snprintf(ret_text, max, "tried=%s%s started=%s then slot=%s booted=%s failed=%s",
		       bootstate_name(b->tried[0]), bootstate_name(b->tried[1]),
		       bootstate_name(b->started), bootstate_name(b->state.slot),
		       bootstate_name(b->state.booted), bootstate_name(b->state.failed));
}

/* 0 equal, 1 differs, or -errno. */
static int run_case(const struct test_case *c, const char *dir, const char *map, int disk,
		    uint64_t state_offset)
{
	static char text[OUTPUT_MAX];
	struct bootstate_boot want = bootstate_next(&c->machine), got;
	uint8_t head[BOOTSTATE_HEAD_BYTES];
	char want_text[160], got_text[160];
	int rc = io_pwrite(disk, c->head, sizeof(c->head), state_offset);

	if (!rc)
		rc = run_grub(dir, map, text);
	if (!rc)
		rc = io_pread(disk, head, sizeof(head), state_offset);
	if (rc)
		return rc;
	read_output(text, &got);
	if (c->machine.readable)
		(void)bootstate_parse(head + BOOTSTATE_S0_OFFSET, BOOTSTATE_SIZE, &got.state);
	describe(&want, want_text, sizeof(want_text));
	describe(&got, got_text, sizeof(got_text));
	/* Nothing but the one block may change, and nothing at all where it is not writable. */
	memcpy(head + BOOTSTATE_S0_OFFSET, c->head + BOOTSTATE_S0_OFFSET,
	       c->machine.readable && c->machine.writable ? BOOTSTATE_SIZE : 0);
	if (strcmp(want_text, got_text) == 0 && memcmp(head, c->head, sizeof(head)) == 0 &&
	    !strstr(text, "grub>") && !strstr(text, "@fell-through"))
		return 0;
	(void)fprintf(stderr, "differs: %s\n  want %s\n  got  %s\n%s\n", c->name, want_text,
		      got_text, text);
	return 1;
}

static int work(const char *dir, uint64_t state_offset, size_t worker)
{
	static const char *const disks[] = { "NN", "YN", "NY", "YY" };
	char map[4][4096];
	int fd[4], i, failed = 0;
	size_t n;

	for (i = 0; i < 4; i++) {
		char path[4096], line[4200];

		(void)snprintf(path, sizeof(path), "%s/disk-%zu-%s", dir, worker, disks[i]);
		(void)snprintf(map[i], sizeof(map[i]), "%s/map-%zu-%s", dir, worker, disks[i]);
		(void)snprintf(line, sizeof(line), "(hd0) %s\n", path);
		if (io_replace_file(map[i], line, strlen(line), 0644) != 0)
			return 111;
		fd[i] = open(path, O_RDWR | O_CLOEXEC);
		if (fd[i] < 0)
			return 111;
	}
	for (n = worker; n < case_count; n += WORKERS) {
		int rc = run_case(&cases[n], dir, map[cases[n].loads], fd[cases[n].loads],
				  state_offset);

		if (rc < 0) {
			(void)fprintf(stderr, "%s: %s\n", cases[n].name, strerror(-rc));
			return 111;
		}
		failed |= rc;
	}
	return failed;
}

int main(int argc, char **argv)
{
	int loads, status, failed = 0;
	size_t w;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: grub-emu-table DIR STATE-OFFSET\n");
		return 100;
	}
	for (loads = 0; loads < 4; loads++) {
		add_valid(loads);
		add_odd(loads);
		add_unreadable(loads);
	}
	for (w = 0; w < WORKERS; w++) {
		pid_t pid = fork();

		if (pid < 0)
			return 111;
		if (pid == 0)
			_exit(work(argv[1], strtoull(argv[2], NULL, 10), w));
	}
	while (wait(&status) > 0)
		if (!WIFEXITED(status))
			failed = 111;
		else if (WEXITSTATUS(status) > failed)
			failed = WEXITSTATUS(status);
	(void)printf("%zu boot states compared with grub.cfg: %s\n", case_count,
		     failed ? "FAILED" : "all equal");
	return failed;
}
