// SPDX-License-Identifier: Apache-2.0
/* cairn-vm: boots disk images in QEMU with UEFI and a software TPM, and watches the console. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel.h"
#include "config.h"
#include "console.h"
#include "lib/io.h"
#include "machine.h"
#include "relay.h"
#include "run.h"
#include "steps.h"

#define EXIT_REFUSED 1
#define EXIT_USAGE 100
#define EXIT_SYSTEM 111
#define TAIL_LINES 25

static const char usage_text[] =
	"usage: cairn-vm --disk FILE[,OPTION...] [OPTION...] [STEP...]\n"
	"Boots the disks in QEMU with UEFI and a TPM, shows the console, and goes through the\n"
	"steps in order. Exit: 0 all steps met, 1 one was not, 100 usage, 111 system failure.\n"
	"\n"
	"The machine:\n"
	"  --disk FILE[,bus=virtio|nvme|ahci|usb|sdhci][,ro][,rw][,bootindex=N|none][,record=LOG]\n"
	"                      [,bad=SECTOR]\n"
	"                      a disk; what is written is thrown away unless `rw' is given;\n"
	"                      record adds each write and flush to LOG (dm-log-writes' form);\n"
	"                      bad: this sector gives errors, to reads and writes\n"
	"  --mem MIB --cpus N  default 512 and 2\n"
	"  --tpm on|tis|crb|off|none|DIR   DIR keeps the TPM's state; default on (tis)\n"
	"  --net none|user[,hostfwd=...]|tap=IFNAME|host=PORT   default none; may be repeated;\n"
	"                      host: 10.0.2.100:80 is this host's 127.0.0.1:PORT, nothing else\n"
	"  --nic MODEL         QEMU's name of the network card; default virtio-net-pci\n"
	"  --accel auto|kvm|tcg    auto takes KVM where it runs code\n"
	"  --secureboot on|off     default off\n"
	"  --enrol CERT        PEM certificate to enrol as PK, KEK and db\n"
	"  --preset NAME=FILE  dbx, db, KEK or PK is there before, with the content of an\n"
	"                      authenticated variable (`cairn keys`); may be repeated\n"
	"  --vars FILE[,rw[,record=LOG]]   flash image of the firmware's variables instead of\n"
	"                      fresh ones\n"
	"  --watchdog          an i6300esb hardware watchdog that resets the machine\n"
	"  --rtc TIME          start of the clock, as 2020-01-01T00:00:00\n"
	"  --no-reboot         a restart of the machine ends it\n"
	"  --qemu ARG          one more argument for QEMU; may be repeated\n"
	"\n"
	"The run:\n"
	"  --log FILE          the console as it came\n"
	"  --quiet             no console on standard output\n"
	"  --interactive       the terminal is the console's; --end-key ^C or ^] ends it\n"
	"  --box               show the status line as a frame\n"
	"  --storm             press keys and send serial input all the time\n"
	"  --fail ERE          a line of the console that ends the run as failed\n"
	"  --timeout S         limit of each step that follows; default 60; times\n"
	"                      CAIRN_TIMEOUT_SCALE\n"
	"  --kvm-works         boot nothing: exit 0 where KVM runs code, else 1\n"
	"\n"
	"Steps:\n"
	"  --wait ERE  --absent ERE  --send TEXT  --key NAMES  --qmp JSON  --wait-exit\n"
	"  --wait-reset  --screenshot FILE.png  --hold S (neither restarts nor switches off)\n"
	"  --wait-write N (so many entries in the first disk's LOG)  --kill (the power goes)\n"
	"  --say TEXT (to standard output)  --run COMMAND (of this host's shell, to its end)\n";

enum {
	OPT_DISK = 256,
	OPT_MEM,
	OPT_CPUS,
	OPT_TPM,
	OPT_NET,
	OPT_NIC,
	OPT_ACCEL,
	OPT_SECUREBOOT,
	OPT_ENROL,
	OPT_PRESET,
	OPT_VARS,
	OPT_WATCHDOG,
	OPT_RTC,
	OPT_NO_REBOOT,
	OPT_QEMU,
	OPT_LOG,
	OPT_QUIET,
	OPT_INTERACTIVE,
	OPT_END_KEY,
	OPT_BOX,
	OPT_STORM,
	OPT_FAIL,
	OPT_TIMEOUT,
	OPT_HELP,
	OPT_KVM_WORKS,
	OPT_RELAY,
	OPT_STEP, /* and the step's kind */
};

static const struct option options[] = {
	{ "disk", required_argument, NULL, OPT_DISK },
	{ "mem", required_argument, NULL, OPT_MEM },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "tpm", required_argument, NULL, OPT_TPM },
	{ "net", required_argument, NULL, OPT_NET },
	{ "nic", required_argument, NULL, OPT_NIC },
	{ "accel", required_argument, NULL, OPT_ACCEL },
	{ "secureboot", required_argument, NULL, OPT_SECUREBOOT },
	{ "enrol", required_argument, NULL, OPT_ENROL },
	{ "preset", required_argument, NULL, OPT_PRESET },
	{ "vars", required_argument, NULL, OPT_VARS },
	{ "watchdog", no_argument, NULL, OPT_WATCHDOG },
	{ "rtc", required_argument, NULL, OPT_RTC },
	{ "no-reboot", no_argument, NULL, OPT_NO_REBOOT },
	{ "qemu", required_argument, NULL, OPT_QEMU },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "interactive", no_argument, NULL, OPT_INTERACTIVE },
	{ "end-key", required_argument, NULL, OPT_END_KEY },
	{ "box", no_argument, NULL, OPT_BOX },
	{ "storm", no_argument, NULL, OPT_STORM },
	{ "fail", required_argument, NULL, OPT_FAIL },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "kvm-works", no_argument, NULL, OPT_KVM_WORKS },
	{ "relay", required_argument, NULL, OPT_RELAY },
	{ "wait", required_argument, NULL, OPT_STEP + STEP_WAIT },
	{ "absent", required_argument, NULL, OPT_STEP + STEP_ABSENT },
	{ "send", required_argument, NULL, OPT_STEP + STEP_SEND },
	{ "key", required_argument, NULL, OPT_STEP + STEP_KEY },
	{ "qmp", required_argument, NULL, OPT_STEP + STEP_QMP },
	{ "wait-exit", no_argument, NULL, OPT_STEP + STEP_WAIT_EXIT },
	{ "wait-reset", no_argument, NULL, OPT_STEP + STEP_WAIT_RESET },
	{ "screenshot", required_argument, NULL, OPT_STEP + STEP_SCREENSHOT },
	{ "hold", required_argument, NULL, OPT_STEP + STEP_HOLD },
	{ "wait-write", required_argument, NULL, OPT_STEP + STEP_WAIT_WRITE },
	{ "kill", no_argument, NULL, OPT_STEP + STEP_KILL },
	{ "say", required_argument, NULL, OPT_STEP + STEP_SAY },
	{ "run", required_argument, NULL, OPT_STEP + STEP_RUN },
	{ NULL, 0, NULL, 0 },
};

/* Everything the command line says. */
struct request {
	struct vm_config cfg;
	struct run_options run;
	struct steps steps;
	unsigned int timeout_s;
	bool quiet;
};

static int number(const char *text, unsigned long min, unsigned long max, unsigned int *ret_n,
		  struct err *err)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || end == text || n < min || n > max)
		return err_set(err, -EINVAL, "`%s': a number from %lu to %lu is wanted", text, min,
			       max);
	*ret_n = (unsigned int)n;
	return 0;
}

static int on_off(const char *text, bool *ret_on, struct err *err)
{
	if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
		return err_set(err, -EINVAL, "`%s': on or off is wanted", text);
	*ret_on = text[1] == 'n';
	return 0;
}

static int disk_option(struct disk *d, const char *o, struct err *err)
{
	static const char *const buses[] = { "virtio", "nvme", "ahci", "usb", "sdhci" };
	unsigned int n;
	int rc;

	if (strcmp(o, "ro") == 0) {
		d->read_only = true;
		return 0;
	}
	if (strcmp(o, "rw") == 0) {
		d->write_through = true;
		return 0;
	}
	if (strcmp(o, "bootindex=none") == 0) {
		d->boot_index = -1;
		return 0;
	}
	if (strncmp(o, "record=", 7) == 0) {
		d->record = o + 7;
		return 0;
	}
	if (strncmp(o, "bad=", 4) == 0) {
		d->has_bad = true;
		return number(o + 4, 0, UINT_MAX, &d->bad, err);
	}
	if (strncmp(o, "bootindex=", 10) == 0) {
		rc = number(o + 10, 0, 99, &n, err);
		d->boot_index = (int)n;
		return rc;
	}
	for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]); i++)
		if (strncmp(o, "bus=", 4) == 0 && strcmp(o + 4, buses[i]) == 0) {
			d->bus = (enum bus)i;
			return 0;
		}
	return err_set(err, -EINVAL, "--disk: unknown option `%s'", o);
}

static int add_disk(struct vm_config *cfg, const char *arg, struct err *err)
{
	struct disk *d = &cfg->disks[cfg->n_disks];
	char *save = NULL;
	int rc = 0;

	if (cfg->n_disks == DISKS_MAX)
		return err_set(err, -EINVAL, "more than %d disks", DISKS_MAX);
	*d = (struct disk){ .path = strdup(arg), .boot_index = cfg->n_disks };
	if (!d->path)
		return err_sys(err, -ENOMEM, "--disk");
	cfg->n_disks++;
	if (strtok_r(d->path, ",", &save))
		for (char *o; !rc && (o = strtok_r(NULL, ",", &save));)
			rc = disk_option(d, o, err);
	if (!rc && d->record && (!d->write_through || d->bus != BUS_VIRTIO))
		rc = err_set(err, -EINVAL, "--disk: record goes with rw and bus=virtio");
	if (!rc && d->has_bad && (!d->write_through || d->record))
		rc = err_set(err, -EINVAL, "--disk: bad goes with rw, and not with record");
	return rc;
}

static int set_tpm(struct vm_config *cfg, const char *arg)
{
	cfg->tpm_dir = NULL;
	cfg->tpm = TPM_TIS;
	if (strcmp(arg, "off") == 0 || strcmp(arg, "none") == 0)
		cfg->tpm = TPM_NONE;
	else if (strcmp(arg, "crb") == 0)
		cfg->tpm = TPM_CRB;
	else if (strcmp(arg, "on") != 0 && strcmp(arg, "tis") != 0)
		cfg->tpm_dir = arg;
	return 0;
}

static int add_net(struct vm_config *cfg, const char *arg, struct err *err)
{
	if (strcmp(arg, "none") == 0) {
		cfg->n_nets = 0;
		return 0;
	}
	if (strncmp(arg, "tap=", 4) != 0 && strcmp(arg, "user") != 0 &&
	    strncmp(arg, "user,", 5) != 0 && strncmp(arg, "host=", 5) != 0)
		return err_set(err, -EINVAL, "--net: `%s' is none of none, user, tap=, host=", arg);
	if (arg[0] == 'h') {
		unsigned int port;
		int rc = number(arg + 5, 1, 65535, &port, err);

		if (rc)
			return rc;
	}
	if (cfg->n_nets == NICS_MAX)
		return err_set(err, -EINVAL, "more than %d networks", NICS_MAX);
	cfg->nets[cfg->n_nets++] = arg;
	return 0;
}

static int set_vars(struct vm_config *cfg, char *arg, struct err *err)
{
	char *save = NULL;

	cfg->vars = strtok_r(arg, ",", &save);
	for (char *o; (o = strtok_r(NULL, ",", &save));) {
		if (strcmp(o, "rw") == 0)
			cfg->vars_write_through = true;
		else if (strncmp(o, "record=", 7) == 0)
			cfg->vars_record = o + 7;
		else
			return err_set(err, -EINVAL, "--vars: unknown option `%s'", o);
	}
	if (!cfg->vars || (cfg->vars_record && !cfg->vars_write_through))
		return err_set(err, -EINVAL, "--vars FILE[,rw[,record=LOG]]");
	return 0;
}

static int set_accel(struct vm_config *cfg, const char *arg, struct err *err)
{
	if (strcmp(arg, "auto") != 0 && strcmp(arg, "kvm") != 0 && strcmp(arg, "tcg") != 0)
		return err_set(err, -EINVAL, "--accel: `%s' is none of auto, kvm, tcg", arg);
	cfg->accel = arg;
	return 0;
}

static int add_extra(struct vm_config *cfg, char *arg, struct err *err)
{
	char **v = realloc(cfg->extra, ((size_t)cfg->n_extra + 1) * sizeof(*v));

	if (!v)
		return err_sys(err, -ENOMEM, "--qemu");
	cfg->extra = v;
	v[cfg->n_extra++] = arg;
	return 0;
}

static int set_end_key(struct run_options *o, const char *arg, struct err *err)
{
	if (arg[0] != '^' || arg[1] < '@' || arg[1] > '_' || arg[2])
		return err_set(err, -EINVAL, "--end-key: `%s' is no key like ^C", arg);
	o->end_key = (char)(arg[1] & 0x1f);
	return 0;
}

static int take(struct request *q, int opt, char *arg, struct err *err)
{
	switch (opt) {
	case OPT_DISK:
		return add_disk(&q->cfg, arg, err);
	case OPT_MEM:
		return number(arg, 16, 1 << 20, &q->cfg.mem_mib, err);
	case OPT_CPUS:
		return number(arg, 1, 64, &q->cfg.cpus, err);
	case OPT_TPM:
		return set_tpm(&q->cfg, arg);
	case OPT_NET:
		return add_net(&q->cfg, arg, err);
	case OPT_NIC:
		q->cfg.nic = arg;
		return 0;
	case OPT_ACCEL:
		return set_accel(&q->cfg, arg, err);
	case OPT_SECUREBOOT:
		return on_off(arg, &q->cfg.secureboot, err);
	case OPT_PRESET:
		if (q->cfg.n_presets == VM_PRESETS_MAX)
			return err_set(err, -EINVAL, "at most %d --preset", VM_PRESETS_MAX);
		q->cfg.presets[q->cfg.n_presets++] = arg;
		return 0;
	case OPT_ENROL:
		q->cfg.cert = arg;
		return 0;
	case OPT_VARS:
		return set_vars(&q->cfg, arg, err);
	case OPT_WATCHDOG:
		q->cfg.watchdog = true;
		return 0;
	case OPT_RTC:
		q->cfg.rtc = arg;
		return 0;
	case OPT_NO_REBOOT:
		q->cfg.no_reboot = true;
		return 0;
	case OPT_QEMU:
		return add_extra(&q->cfg, arg, err);
	case OPT_LOG:
		q->cfg.log = arg;
		return 0;
	case OPT_QUIET:
		q->quiet = true;
		return 0;
	case OPT_INTERACTIVE:
		q->run.interactive = true;
		return 0;
	case OPT_END_KEY:
		return set_end_key(&q->run, arg, err);
	case OPT_BOX:
		q->run.box = true;
		return 0;
	case OPT_STORM:
		q->run.storm = true;
		return 0;
	case OPT_FAIL:
		return steps_set_fail(&q->steps, arg, err);
	case OPT_TIMEOUT:
		return number(arg, 1, 86400, &q->timeout_s, err);
	default:
		return steps_add(&q->steps, (enum step_kind)(opt - OPT_STEP), arg, q->timeout_s,
				 err);
	}
}

static int parse(struct request *q, int argc, char **argv, struct err *err)
{
	const char *scale = getenv("CAIRN_TIMEOUT_SCALE");
	double factor = scale && *scale ? strtod(scale, NULL) : 1;
	int opt, rc;

	if (factor < 0.1 || factor > 100)
		return err_set(err, -EINVAL, "CAIRN_TIMEOUT_SCALE: 0.1 to 100");
	q->cfg = (struct vm_config){
		.mem_mib = 512, .cpus = 2, .tpm = TPM_TIS, .accel = "auto", .nic = "virtio-net-pci"
	};
	q->run = (struct run_options){ .end_key = 'C' & 0x1f,
				       .timeout_scale_percent = (unsigned int)(factor * 100) };
	q->timeout_s = 60;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == '?')
			return err_set(err, -EINVAL, "see cairn-vm --help");
		if (opt == OPT_HELP) {
			(void)fputs(usage_text, stdout);
			exit(0);
		}
		if (opt == OPT_KVM_WORKS)
			exit(accel_kvm_works() ? 0 : EXIT_REFUSED);
		if (opt == OPT_RELAY)
			exit(relay(optarg) ? EXIT_SYSTEM : 0);
		rc = take(q, opt, optarg, err);
		if (rc)
			return rc;
	}
	if (optind < argc)
		return err_set(err, -EINVAL, "unexpected `%s'", argv[optind]);
	if (!q->cfg.n_disks)
		return err_set(err, -EINVAL, "no --disk");
	q->run.notes = !q->run.interactive;
	return 0;
}

/* Boots, runs the steps, ends everything; the exit status. */
static int boot(struct request *q, struct err *err)
{
	int log _cleanup_close_ = -1;
	enum run_end end = RUN_SYSTEM;
	struct console c;
	struct machine m;
	int rc;

	if (q->cfg.log) {
		log = open(q->cfg.log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (log < 0) {
			(void)err_sys(err, -errno, "%s", q->cfg.log);
			return EXIT_SYSTEM;
		}
	}
	console_init(&c, log, q->quiet ? -1 : STDOUT_FILENO);
	machine_init(&m);
	rc = machine_start(&m, &q->cfg, err);
	if (!rc)
		end = run(&m, &c, &q->steps, &q->run, err);
	(void)machine_end(&m);
	if (end == RUN_SYSTEM)
		machine_complaints(&m, STDERR_FILENO);
	if (end == RUN_FAILED && q->quiet)
		(void)fprintf(stderr, "--- the console's last lines:\n%s\n---\n",
			      console_tail(&c, TAIL_LINES));
	machine_release(&m);
	console_release(&c);
	if (end == RUN_DONE)
		return 0;
	return end == RUN_FAILED ? EXIT_REFUSED : EXIT_SYSTEM;
}

int main(int argc, char **argv)
{
	static struct request q;
	struct err err = { "" };
	int status = EXIT_USAGE;

	/* A closed pipe is an error of write(2), so that everything is still cleaned up. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (!parse(&q, argc, argv, &err))
		status = boot(&q, &err);
	if (status)
		(void)fprintf(stderr, "cairn-vm: %s\n", err.msg);
	steps_release(&q.steps);
	for (int i = 0; i < q.cfg.n_disks; i++)
		free(q.cfg.disks[i].path);
	free(q.cfg.extra);
	return status;
}
