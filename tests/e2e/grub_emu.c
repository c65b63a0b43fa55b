// SPDX-License-Identifier: Apache-2.0
/*
 * grub-emu-table - run the shipped grub.cfg in grub-emu for every boot state and compare what it
 * does with bootstate_next; then for the stories of tests/e2e/grub_emu_stories.c.
 *
 * usage: grub-emu-table DIR STATE-OFFSET [long]
 * DIR holds esp1/grub.cfg and esp2/grub.cfg (the harness, see 10-grub-emu.sh) and disk-K-YY, -YN,
 * -NY, -NN: disk images in which slot a and slot b can be loaded or not, damaged in the ways
 * K = 0 to 4. STATE-OFFSET is the byte where their STATE partition begins. The images are written
 * to. `long`: everything, minutes of it. Exit: 0 all equal, 1 some differ, 111 system failure.
 */
#include "tests/e2e/grub_emu.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/io.h"

/* One worker a kind of damage, a prime number of them, so that kinds meet all states. */
enum { WORKERS = 5, OUTPUT_MAX = 1 << 16, CASE_TIMEOUT_S = 20 };

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
		/* It would make a tap device at each start, and the end of one takes 20 ms. */
		(void)prctl(PR_CAPBSET_DROP, CAP_NET_ADMIN);
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

int grub_emu_boot(const struct grub_emu *g, unsigned int esp, struct bootstate_boot *ret_boot,
		  uint8_t ret_head[static BOOTSTATE_HEAD_BYTES], const char **ret_text)
{
	static char text[OUTPUT_MAX];
	char dir[4200];
	int rc;

	(void)snprintf(dir, sizeof(dir), "%s/esp%u", g->dir, esp);
	rc = run_grub(dir, g->map, text);
	if (!rc)
		rc = io_pread(g->fd, ret_head, BOOTSTATE_HEAD_BYTES, g->state_offset);
	if (rc)
		return rc;
	if (strstr(text, "grub>") || strstr(text, "@fell-through"))
		return -EBADMSG;
	*ret_text = text;
	read_output(text, ret_boot);
	(void)bootstate_parse(ret_head + BOOTSTATE_S0_OFFSET, BOOTSTATE_SIZE, &ret_boot->copy[0]);
	(void)bootstate_parse(ret_head + BOOTSTATE_S1_OFFSET, BOOTSTATE_SIZE, &ret_boot->copy[1]);
	return 0;
}

static size_t describe_copy(const struct bootstate_copy *c, char *ret_text, size_t max)
{
	if (!c->valid)
		return (size_t)snprintf(ret_text, max, " -");
	return (size_t)snprintf(ret_text, max, " %u:%s:%d%u:%d%u:%s:%u", c->sequence,
				bootstate_name(c->state.primary), c->state.a.good, c->state.a.tries,
				c->state.b.good, c->state.b.tries, bootstate_name(c->state.booted),
				c->state.esp);
}

static void describe(const struct bootstate_boot *b, char *ret_text, size_t max)
{
	size_t n = (size_t)snprintf(ret_text, max, "tried=%s%s started=%s then",
				    bootstate_name(b->tried[0]), bootstate_name(b->tried[1]),
				    bootstate_name(b->started));

	n += describe_copy(&b->copy[0], ret_text + n, max - n);
	(void)describe_copy(&b->copy[1], ret_text + n, max - n);
}

/* Every byte that may not change, and the ones that may where the copy was one of ours. */
static bool bytes_right(const struct grub_emu_case *c, const struct bootstate_boot *want,
			const uint8_t *head)
{
	static const size_t at[2] = { BOOTSTATE_S0_OFFSET, BOOTSTATE_S1_OFFSET };
	uint8_t expected[BOOTSTATE_HEAD_BYTES];
	int n;

	memcpy(expected, c->head, sizeof(expected));
	for (n = 0; n < 2; n++) {
		bool changed = want->copy[n].valid &&
			       (!c->machine.copy[n].valid ||
				want->copy[n].sequence != c->machine.copy[n].sequence ||
				!bootstate_equal(&want->copy[n].state, &c->machine.copy[n].state));

		if (changed && c->ours[n])
			bootstate_format(&want->copy[n].state, want->copy[n].sequence,
					 expected + at[n]);
		else if (c->may_change[n])
			memcpy(expected + at[n], head + at[n], BOOTSTATE_SIZE);
	}
	return memcmp(expected, head, sizeof(expected)) == 0;
}

/* 0 equal, 1 differs, or -errno. */
static int run_case(const struct grub_emu_case *c, const struct grub_emu *g)
{
	struct bootstate_boot want = bootstate_next(&c->machine), got;
	uint8_t head[BOOTSTATE_HEAD_BYTES];
	char want_text[160], got_text[160];
	const char *text = "";
	int rc = io_pwrite(g->fd, c->head, sizeof(c->head), g->state_offset);

	if (!rc)
		rc = grub_emu_boot(g, c->machine.esp, &got, head, &text);
	if (rc)
		return rc;
	describe(&want, want_text, sizeof(want_text));
	describe(&got, got_text, sizeof(got_text));
	if (strcmp(want_text, got_text) == 0 && bytes_right(c, &want, head))
		return 0;
	(void)fprintf(stderr, "differs: %s\n  want %s\n  got  %s\n%s\n", c->name, want_text,
		      got_text, text);
	return 1;
}

static int open_disk(const char *dir, uint64_t state_offset, size_t worker, int loads,
		     struct grub_emu *ret)
{
	static const char *const disks[] = { "NN", "YN", "NY", "YY" };
	char path[4096], line[4200];

	ret->dir = dir;
	ret->state_offset = state_offset;
	(void)snprintf(path, sizeof(path), "%s/disk-%zu-%s", dir, worker, disks[loads]);
	(void)snprintf(ret->map, sizeof(ret->map), "%s/map-%zu-%s", dir, worker, disks[loads]);
	(void)snprintf(line, sizeof(line), "(hd0) %s\n", path);
	ret->fd = open(path, O_RDWR | O_CLOEXEC);
	return ret->fd < 0 ? -errno : io_replace_file(ret->map, line, strlen(line), 0644);
}

static int work(const char *dir, uint64_t state_offset, size_t worker)
{
	struct grub_emu g[4];
	int i, failed = 0;
	size_t n;

	for (i = 0; i < 4; i++)
		if (open_disk(dir, state_offset, worker, i, &g[i]))
			return 111;
	for (n = worker; n < grub_emu_case_count; n += WORKERS) {
		const struct grub_emu_case *c = grub_emu_case(n);
		int rc = run_case(c, &g[c->loads]);

		if (rc < 0) {
			(void)fprintf(stderr, "%s: %s\n", c->name, strerror(-rc));
			return 111;
		}
		failed |= rc;
	}
	if (worker == 0)
		failed |= grub_emu_stories(&g[3]);
	return failed;
}

int main(int argc, char **argv)
{
	int status, failed = 0;
	size_t w;

	if (argc != 3 && !(argc == 4 && strcmp(argv[3], "long") == 0)) {
		(void)fprintf(stderr, "usage: grub-emu-table DIR STATE-OFFSET [long]\n");
		return 100;
	}
	grub_emu_cases_make(argc == 4);
	for (w = 0; w < WORKERS; w++) {
		pid_t pid = fork();

		if (pid < 0)
			return 111;
		if (pid == 0)
			exit(work(argv[1], strtoull(argv[2], NULL, 10), w));
	}
	while (wait(&status) > 0)
		if (!WIFEXITED(status))
			failed = 111;
		else if (WEXITSTATUS(status) > failed)
			failed = WEXITSTATUS(status);
	(void)printf("%zu boot states compared with grub.cfg: %s\n", grub_emu_case_count,
		     failed ? "FAILED" : "all equal");
	return failed;
}
