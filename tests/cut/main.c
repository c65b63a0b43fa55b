// SPDX-License-Identifier: Apache-2.0
/* cut-check: is every state that a recorded disk may be left in by a power cut one that boots? */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "walk.h"

#define EXIT_REFUSED 1
#define EXIT_USAGE 100
#define EXIT_SYSTEM 111
#define MIB (UINT64_C(1) << 20)
#define PICKS_MAX 1000

static const char usage_text[] =
	"usage: cut-check --log LOG --base DISK --conf disk.conf --release "
	"NAME:BOOT:ROOT[:ESP]...\n"
	"                 [OPTION...]\n"
	"Goes through a log of a disk's writes (QEMU's blklogwrites) from the disk as it was "
	"before,\n"
	"and judges every state that the power's going may leave. Exit: 0 all boot, 1 one does "
	"not.\n"
	"  --release    a release's images; an area must hold one of them exactly\n"
	"  --growth     the log begins with a first boot: DATA grows, which writes the table\n"
	"  --stage1     ESPs may be written\n"
	"  --end S:NAME at the log's end it is durable that slot S (a, b) is primary and good, "
	"and\n"
	"               holds release NAME\n"
	"  --samples N  reorderings that are tried after each write; default 4\n"
	"  --seed N     of what is left to chance; default 1\n"
	"  --picks N    name N states, spread over the log, for real boots: `pick NUMBER ...'\n"
	"  --image OUT --at NUMBER   write the disk as it is in that state, and judge no further\n";

struct request {
	const char *log, *base, *conf, *image, *end;
	struct cut_release releases[CUT_RELEASES_MAX];
	unsigned int n_releases, picks;
	struct walk_options walk;
};

/* A whole file in memory; private: changes are nobody else's. */
static int map_file(const char *path, uint8_t **ret, size_t *ret_len, struct err *err)
{
	int fd _cleanup_close_ = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return err_sys(err, -errno, "%s", path);
	*ret_len = (size_t)st.st_size;
	if (!st.st_size) {
		*ret = NULL;
		return 0;
	}
	*ret = mmap(NULL, *ret_len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	return *ret == MAP_FAILED ? err_sys(err, -errno, "%s", path) : 0;
}

static int map_image(const char *path, struct cut_image *ret, struct err *err)
{
	uint8_t *bytes = NULL;
	int rc = map_file(path, &bytes, &ret->len, err);

	ret->bytes = bytes;
	if (!rc && !bytes)
		rc = err_set(err, -EINVAL, "%s: empty", path);
	return rc;
}

static int add_release(struct request *q, char *arg, struct err *err)
{
	struct cut_release *r = &q->releases[q->n_releases];
	char *save = NULL, *name = strtok_r(arg, ":", &save), *boot = strtok_r(NULL, ":", &save);
	char *root = strtok_r(NULL, ":", &save), *esp = strtok_r(NULL, ":", &save);
	int rc;

	if (q->n_releases == CUT_RELEASES_MAX || !name || !boot || !root) {
		(void)err_set(err, -EINVAL, "--release NAME:BOOT:ROOT[:ESP], at most %d times",
			      CUT_RELEASES_MAX);
		return -EINVAL;
	}
	r->name = name;
	rc = map_image(boot, &r->boot, err);
	if (!rc)
		rc = map_image(root, &r->root, err);
	if (!rc && esp)
		rc = map_image(esp, &r->esp, err);
	q->n_releases++;
	return rc;
}

static int number(const char *text, uint64_t *ret, struct err *err)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (errno || *end || end == text)
		return err_set(err, -EINVAL, "`%s' is no number", text);
	return 0;
}

enum {
	OPT_LOG = 256,
	OPT_BASE,
	OPT_CONF,
	OPT_RELEASE,
	OPT_GROWTH,
	OPT_STAGE1,
	OPT_END,
	OPT_SAMPLES,
	OPT_SEED,
	OPT_PICKS,
	OPT_IMAGE,
	OPT_AT,
	OPT_HELP
};

static const struct option options[] = {
	{ "log", required_argument, NULL, OPT_LOG },
	{ "base", required_argument, NULL, OPT_BASE },
	{ "conf", required_argument, NULL, OPT_CONF },
	{ "release", required_argument, NULL, OPT_RELEASE },
	{ "growth", no_argument, NULL, OPT_GROWTH },
	{ "stage1", no_argument, NULL, OPT_STAGE1 },
	{ "end", required_argument, NULL, OPT_END },
	{ "samples", required_argument, NULL, OPT_SAMPLES },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "picks", required_argument, NULL, OPT_PICKS },
	{ "image", required_argument, NULL, OPT_IMAGE },
	{ "at", required_argument, NULL, OPT_AT },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static int take(struct request *q, int opt, char *arg, struct err *err)
{
	uint64_t n = 0;
	int rc = 0;

	switch (opt) {
	case OPT_LOG:
		q->log = arg;
		break;
	case OPT_BASE:
		q->base = arg;
		break;
	case OPT_CONF:
		q->conf = arg;
		break;
	case OPT_RELEASE:
		return add_release(q, arg, err);
	case OPT_GROWTH:
		q->walk.growth = true;
		break;
	case OPT_STAGE1:
		q->walk.stage1 = true;
		break;
	case OPT_END:
		q->end = arg;
		break;
	case OPT_IMAGE:
		q->image = arg;
		break;
	case OPT_AT:
		return number(arg, &q->walk.stop_at, err);
	case OPT_SEED:
		return number(arg, &q->walk.seed, err);
	case OPT_SAMPLES:
		rc = number(arg, &n, err);
		q->walk.samples = (unsigned int)n;
		break;
	case OPT_PICKS:
		rc = number(arg, &n, err);
		if (!rc && n > PICKS_MAX)
			rc = err_set(err, -EINVAL, "--picks: at most %d", PICKS_MAX);
		q->picks = (unsigned int)n;
		break;
	case OPT_HELP:
		(void)fputs(usage_text, stdout);
		exit(0);
	default:
		rc = err_set(err, -EINVAL, "see cut-check --help");
	}
	return rc;
}

static int parse(struct request *q, int argc, char **argv, struct err *err)
{
	int opt, rc;

	*q = (struct request){ .walk = { .samples = 4, .seed = 1 } };
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		rc = take(q, opt, optarg, err);
		if (rc)
			return rc;
	}
	if (optind < argc || !q->log || !q->base || !q->conf || !q->n_releases ||
	    !q->image != !q->walk.stop_at) {
		(void)err_set(err, -EINVAL, "see cut-check --help");
		return -EINVAL;
	}
	return 0;
}

/* The disk in the state where the walk stopped: the base's holes stay holes. */
static int write_image(const struct walk *w, const char *base, const char *path, struct err *err)
{
	int from _cleanup_close_ = open(base, O_RDONLY | O_CLOEXEC);
	int to _cleanup_close_ = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	uint64_t size = w->m->sectors * CUT_SECTOR;
	int rc = 0;

	if (from < 0 || to < 0 || ftruncate(to, (off_t)size))
		return err_sys(err, -errno, "%s", path);
	for (uint64_t at = 0; !rc && at < size; at += MIB) {
		size_t n = size - at < MIB ? (size_t)(size - at) : MIB;
		off_t data = lseek(from, (off_t)at, SEEK_DATA);

		if (w->changed[at / MIB] || (data >= 0 && (uint64_t)data < at + n))
			rc = io_pwrite(to, w->m->disk + at, n, at);
	}
	for (size_t i = 0; !rc && i < w->m->n_spots; i++)
		if (w->looked->content[i])
			rc = io_pwrite(to, w->looked->content[i], CUT_SECTOR,
				       w->m->spots[i].sector * CUT_SECTOR);
	return rc ? err_sys(err, rc, "%s", path) : 0;
}

/* Which states are worth a real boot: chosen over all of them, and half of them near STATE. */
struct picker {
	unsigned int wanted, n;
	uint64_t seen[2], random;
	struct {
		uint64_t state;
		char text[160];
	} picks[PICKS_MAX];
};

static void consider(void *ctx, const struct walk *w, const struct cut_verdict *v)
{
	struct picker *p = ctx;
	unsigned int half = w->region == CUT_STATE || w->region == CUT_GPT;
	unsigned int from = half ? p->wanted / 2 : 0;
	unsigned int room = half ? p->wanted - p->wanted / 2 : p->wanted / 2;
	uint64_t k;

	(void)v;
	if (!room)
		return;
	/* A reservoir: each state of its half has the same chance. */
	k = p->seen[half]++;
	if (k >= room) {
		p->random =
			p->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		k = (p->random >> 33) % p->seen[half];
	}
	if (k >= room)
		return;
	p->picks[from + k].state = w->stats.states;
	(void)snprintf(p->picks[from + k].text, sizeof(p->picks[0].text),
		       "entry %" PRIu64 " %s: %s", w->entry, cut_region_name(w->region), w->how);
}

static int check_end(const struct request *q, const struct walk *w, struct err *err)
{
	struct bootstate state;
	enum bootstate_slot slot = q->end[0] == 'b' ? BOOTSTATE_B : BOOTSTATE_A;
	struct cut_state s = { 0 };
	uint8_t holds;
	unsigned int r;

	for (r = 0; r < q->n_releases; r++)
		if (q->end[0] && q->end[1] == ':' && strcmp(q->end + 2, q->releases[r].name) == 0)
			break;
	if (r == q->n_releases)
		return err_set(err, -EINVAL, "--end: `%s'", q->end);
	/* Only what is durable counts: what the machine had said by then must be. */
	if (cut_state_reset(&s, w->m))
		return err_sys(err, -ENOMEM, "end");
	holds = cut_state_holds(&s, w->m, slot == BOOTSTATE_A ? CUT_BOOT_A : CUT_BOOT_B) &
		cut_state_holds(&s, w->m, slot == BOOTSTATE_A ? CUT_ROOT_A : CUT_ROOT_B);
	if (!cut_boot_state(w->m, &s, &state))
		state = (struct bootstate){ .primary = BOOTSTATE_NONE };
	cut_state_release(&s);
	if (!(holds & 1u << r) || state.primary != slot || state.booted != slot ||
	    !bootstate_mark_get(&state, slot)->good)
		return err_set(err, -EILSEQ,
			       "the log does not end in slot %c with %s: primary %s, booted %s",
			       q->end[0], q->end + 2, bootstate_name(state.primary),
			       bootstate_name(state.booted));
	return 0;
}

static void report(const struct request *q, const struct walk *w)
{
	const struct walk_stats *s = &w->stats;

	(void)printf("log: %" PRIu64 " writes, %" PRIu64 " flushes; %" PRIu64
		     " writes outside of DATA; seed %" PRIu64 "\n",
		     s->writes, s->flushes, s->cuts, q->walk.seed);
	(void)printf("states:");
	for (unsigned int r = 0; r <= CUT_NOONE; r++)
		if (s->of_region[r])
			(void)printf(" %s %" PRIu64, cut_region_name((enum cut_region)r),
				     s->of_region[r]);
	(void)printf("; %" PRIu64 " are all there are of STATE's copies%s\n", s->state_exhaustive,
		     s->state_capped ? " (not all: too many)" : "");
	(void)printf("start in:");
	for (unsigned int r = 0; r < q->n_releases; r++)
		(void)printf(" %s %" PRIu64, q->releases[r].name, s->in_release[r]);
	(void)printf("; rules broken: %" PRIu64 "\n", s->rules_broken);
	(void)printf("%" PRIu64 " of %" PRIu64 " states boot\n", s->good, s->states);
}

static int check(struct request *q, struct err *err)
{
	static struct picker picker;
	static struct cut_model model;
	static struct walk walk;
	uint8_t text[DISKCONF_MAX];
	static struct diskconf conf;
	struct dmlog log = { 0 };
	uint8_t *base = NULL, *bytes = NULL;
	size_t size = 0, len = 0;
	int rc;

	rc = io_read_file(q->conf, text, sizeof(text), &len);
	if (rc)
		return err_sys(err, rc, "%s", q->conf);
	rc = diskconf_parse(text, len, &conf, err);
	if (!rc)
		rc = map_file(q->base, &base, &size, err);
	if (!rc)
		rc = map_file(q->log, &bytes, &len, err);
	if (!rc)
		rc = dmlog_open(bytes, len, &log, err);
	if (!rc)
		rc = cut_model_init(&model, base, size, &conf, q->releases, q->n_releases, err);
	if (!rc)
		rc = walk_init(&walk, &model, &q->walk, err);
	if (rc)
		return rc;
	picker.wanted = q->picks;
	picker.random = q->walk.seed;
	walk.tell = q->picks ? consider : NULL;
	walk.tell_ctx = &picker;
	rc = walk_log(&walk, &log, err);
	if (!rc && q->image) {
		if (!walk.stopped)
			return err_set(err, -ENOENT, "the log has only %" PRIu64 " states",
				       walk.stats.states);
		rc = write_image(&walk, q->base, q->image, err);
		if (!rc)
			(void)printf("state %" PRIu64 ": entry %" PRIu64 " %s: %s\n",
				     walk.stats.states, walk.entry, cut_region_name(walk.region),
				     walk.how);
		return rc;
	}
	if (rc)
		return rc;
	for (unsigned int i = 0; i < q->picks; i++)
		if (picker.picks[i].state)
			(void)printf("pick %" PRIu64 " %s\n", picker.picks[i].state,
				     picker.picks[i].text);
	report(q, &walk);
	if (q->end)
		rc = check_end(q, &walk, err);
	if (!rc && (walk.stats.good != walk.stats.states || walk.stats.rules_broken))
		rc = err_set(err, -EILSEQ, "not every state boots, or a rule was broken");
	if (!rc && !walk.stats.states)
		rc = err_set(err, -EILSEQ, "the log has no write that matters");
	walk_release(&walk);
	cut_model_release(&model);
	return rc;
}

int main(int argc, char **argv)
{
	struct err err = { "" };
	struct request q;
	int rc;

	if (parse(&q, argc, argv, &err)) {
		(void)fprintf(stderr, "cut-check: %s\n", err.msg);
		return EXIT_USAGE;
	}
	rc = check(&q, &err);
	if (rc)
		(void)fprintf(stderr, "cut-check: %s\n", err.msg);
	return !rc ? 0 : rc == -EILSEQ ? EXIT_REFUSED : EXIT_SYSTEM;
}
