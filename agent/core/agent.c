// SPDX-License-Identifier: Apache-2.0
/*
 * agent - the main part (agent/core/parts.h has the whole picture): starts the others, gives up
 * its rights, watches init's services and writes the verdict to the console.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/core/facts.h"
#include "agent/core/initclient.h"
#include "agent/core/notify.h"
#include "agent/core/parts.h"
#include "agent/core/privileges.h"
#include "agent/trust/client.h"
#include "io.h"

#define RUN_DIR "/run/cairn"
#define STATUS_SOCKET RUN_DIR "/status.sock"
#define VERDICT_DIR RUN_DIR "/agent"
#define DEADLINE_MS_DEFAULT 60000u
#define TPM_PATIENCE_MS 20000u
#define ASK_FAST_MS 20u	  /* until the first verdict: ready is said when it is so */
#define ASK_SLOW_MS 1000u /* later */
#define TPM_AGAIN_MS 60000u

struct agent {
	uint64_t deadline_ms;
	int trust_fd, front_fd, signal_fd; /* trust_fd -1: not connected */
	struct notify notify;
	struct initclient init;
	uint64_t ask_init_ms, ask_tpm_ms, tpm_asked_ms; /* CLOCK_MONOTONIC; 0: none */
	struct status status;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* The verdict. */

static bool same_verdict(const struct status_verdict *a, const struct status_verdict *b)
{
	/* The time in `why` of a service that is late goes on; the verdict does not change by it.
	 */
	return a->kind == b->kind && strcmp(a->what, b->what) == 0;
}

/* publish - for other services: service update waits for it (docs/update.md). */
static void publish(const struct agent *a)
{
	char text[STATUS_VERDICT_TEXT_SIZE];
	int rc = io_replace_file(VERDICT_DIR "/verdict", text,
				 status_verdict_text(&a->status, text), 0644);

	if (rc)
		(void)fprintf(stderr, "agent: cannot write the verdict: %s\n", strerror(-rc));
}

static void judge(struct agent *a)
{
	char line[STATUS_LINE_SIZE];
	struct status_verdict v;
	bool changed;
	size_t len;

	facts_read_now(&a->status);
	status_judge(&a->status, a->deadline_ms, &v);
	/* The first verdict waits for the TPM, so that its line has the PCRs. */
	if (a->status.verdict.kind == STATUS_VERDICT_STARTING &&
	    a->status.measured.tpm == STATUS_TPM_ASKED)
		return;
	/* Once there was a verdict, a part that is asked again leaves it as it is. */
	if (v.kind == STATUS_VERDICT_STARTING && a->status.verdict.kind == STATUS_VERDICT_READY)
		return;
	changed = !same_verdict(&a->status.verdict, &v);
	a->status.verdict = v;
	if (!changed)
		return;
	if (v.kind == STATUS_VERDICT_READY && a->status.ready_ms == 0)
		a->status.ready_ms = a->status.uptime_ms;
	len = status_line(&a->status, line);
	/* init puts it on the consoles too (console=yes in agent.conf). */
	(void)!write(2, line, len);
	publish(a);
}

/* Parts. */

/* ask_tpm - service trust, which holds it; again where that is not there yet, or any more. */
static void ask_tpm(struct agent *a)
{
	static const struct trustd_request q = { .version = TRUSTD_VERSION, .op = TRUSTD_MEASURED };
	uint64_t now = now_ms();

	a->ask_tpm_ms = 0;
	if (a->tpm_asked_ms == 0)
		a->tpm_asked_ms = now;
	if (a->trust_fd < 0 && trustd_connect(TRUSTD_SOCKET, &a->trust_fd))
		a->trust_fd = -1;
	if (a->trust_fd >= 0 && trustd_send(a->trust_fd, &q, -1) < 0)
		io_close_p(&a->trust_fd);
	if (a->trust_fd < 0)
		a->ask_tpm_ms = now + (a->status.ready_ms ? ASK_SLOW_MS : ASK_FAST_MS);
}

static void on_tpm(struct agent *a)
{
	static struct trustd_reply r;
	struct status_measured m;
	int rc = trustd_take(a->trust_fd, &r, NULL);

	if (rc == 0)
		return;
	if (rc < 0 || r.rc || r.op != TRUSTD_MEASURED || r.len != sizeof(m)) {
		io_close_p(&a->trust_fd);
		a->ask_tpm_ms = now_ms() + ASK_SLOW_MS;
		return;
	}
	memcpy(&m, r.body, sizeof(m));
	m.why[sizeof(m.why) - 1] = m.vendor[sizeof(m.vendor) - 1] = '\0';
	a->status.measured = m;
	a->tpm_asked_ms = 0;
	/* Where there is no TPM there will be none. */
	a->ask_tpm_ms = m.tpm == STATUS_TPM_NONE ? 0 : now_ms() + TPM_AGAIN_MS;
	judge(a);
}

static int on_front(struct agent *a)
{
	struct part_ask ask;
	int rc = part_receive(a->front_fd, &ask, sizeof(ask));

	if (rc <= 0)
		return rc;
	if (ask.version != PART_VERSION)
		return -EBADMSG;
	facts_read_now(&a->status);
	facts_read_update(&a->status);
	return part_send(a->front_fd, &a->status, sizeof(a->status));
}

/* What is due by the clock. */
static void on_time(struct agent *a)
{
	uint64_t now = now_ms();

	notify_alive(&a->notify, now);
	if (a->ask_init_ms <= now) {
		initclient_ask(&a->init, now);
		a->ask_init_ms = now + (a->status.ready_ms ? ASK_SLOW_MS : ASK_FAST_MS);
	}
	if (a->tpm_asked_ms && now - a->tpm_asked_ms > TPM_PATIENCE_MS &&
	    a->status.measured.tpm != STATUS_TPM_FAILED) {
		a->status.measured.tpm = STATUS_TPM_FAILED;
		(void)snprintf(a->status.measured.why, sizeof(a->status.measured.why),
			       "the TPM has not answered for %u s", TPM_PATIENCE_MS / 1000);
		judge(a);
	}
	if (a->ask_tpm_ms && a->ask_tpm_ms <= now)
		ask_tpm(a);
}

static int wait_ms(const struct agent *a)
{
	uint64_t now = now_ms(), first = a->ask_init_ms;

	if (a->ask_tpm_ms && a->ask_tpm_ms < first)
		first = a->ask_tpm_ms;
	if (a->notify.next_ms && a->notify.next_ms < first)
		first = a->notify.next_ms;
	return first <= now ? 0 : (int)(first - now);
}

/* Returns 0 to end as asked, or -errno. */
static int serve(struct agent *a, struct err *err)
{
	for (;;) {
		struct pollfd fds[4] = {
			{ .fd = a->signal_fd, .events = POLLIN },
			{ .fd = a->trust_fd, .events = POLLIN },
			{ .fd = a->front_fd, .events = POLLIN },
			{ .fd = a->init.fd, .events = POLLIN },
		};
		struct signalfd_siginfo info;
		int rc;

		if (poll(fds, 4, wait_ms(a)) < 0 && errno != EINTR)
			return err_sys(err, -errno, "cannot wait");
		if (fds[0].revents && read(a->signal_fd, &info, sizeof(info)) == sizeof(info)) {
			if (info.ssi_signo == SIGTERM)
				return 0;
			return err_set(err, -ECHILD, "a part ended");
		}
		if (fds[1].revents)
			on_tpm(a);
		if (fds[2].revents && (rc = on_front(a)))
			return err_sys(err, rc, "the front part is lost");
		if (fds[3].revents && initclient_read(&a->init, &a->status, now_ms()))
			judge(a);
		on_time(a);
	}
}

/* Start-up, as root. */

static int make_places(struct err *err)
{
	const struct passwd *pw = getpwnam(PART_USER_MAIN);

	if ((mkdir(RUN_DIR, 0755) && errno != EEXIST) ||
	    (mkdir(PART_EMPTY_DIR, 0555) && errno != EEXIST))
		return err_sys(err, -errno, "cannot make " PART_EMPTY_DIR);
	if ((mkdir(VERDICT_DIR, 0755) && errno != EEXIST) ||
	    (pw && chown(VERDICT_DIR, pw->pw_uid, pw->pw_gid)))
		return err_sys(err, -errno, "cannot make " VERDICT_DIR);
	return 0;
}

static int listen_status(int *ret_fd, struct err *err)
{
	const struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = STATUS_SOCKET };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)unlink(STATUS_SOCKET);
	/* Everyone on the machine may ask: nothing in the document is a secret. */
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) ||
	    chmod(STATUS_SOCKET, 0666) || listen(fd, 8))
		return err_sys(err, -errno, "cannot listen on " STATUS_SOCKET);
	*ret_fd = fd;
	return 0;
}

/* start_front - a process with its end of a pair; it has no other descriptor but its log. */
static int start_front(struct agent *a, struct err *err)
{
	int listen_fd _cleanup_close_ = -1;
	int pair[2];
	pid_t pid;
	int rc = listen_status(&listen_fd, err);

	if (rc)
		return rc;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_sys(err, -errno, "cannot make a socket pair");
	pid = fork();
	if (pid < 0)
		return err_sys(err, -errno, "cannot start a part");
	if (pid == 0) {
		(void)close(pair[0]);
		io_close_p(&a->notify.fd);
		(void)fcntl(pair[1], F_SETFL, O_NONBLOCK);
		_exit(part_front(pair[1], listen_fd));
	}
	(void)close(pair[1]);
	(void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
	a->front_fd = pair[0];
	return 0;
}

static int run(struct agent *a, struct err *err)
{
	int rc;

	rc = make_places(err);
	rc = rc ? rc : start_front(a, err);
	rc = rc ? rc : part_signals(&a->signal_fd, err);
	if (rc)
		return rc;
	initclient_ask(&a->init, now_ms());
	facts_read_boot(&a->status);
	rc = sandbox_enter(privileges_of("agent"), err);
	if (rc)
		return rc;
	if (a->status.dev_keys)
		(void)fprintf(stderr, "cairn: insecure development keys: this machine runs what "
				      "anyone can sign\n");
	/* As who we are now: service trust looks at that. */
	ask_tpm(a);
	notify_ready(&a->notify);
	return serve(a, err);
}

int main(int argc, char **argv)
{
	static struct agent a;
	struct err err = { "" };
	int opt;

	a.deadline_ms = DEADLINE_MS_DEFAULT;
	a.trust_fd = a.front_fd = -1;
	while ((opt = getopt(argc, argv, "t:")) != -1) {
		if (opt != 't' || atoi(optarg) < 1 || atoi(optarg) > 3600) {
			(void)fprintf(stderr, "usage: agent [-t SECONDS-UNTIL-READY]\n");
			return 100;
		}
		a.deadline_ms = 1000u * (uint64_t)atoi(optarg);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	/* Before anything else is opened: the parts inherit nothing. */
	notify_init(&a.notify);
	initclient_init(&a.init);
	a.ask_init_ms = now_ms() + ASK_FAST_MS;
	if (run(&a, &err)) {
		(void)fprintf(stderr, "agent: %s\n", err.msg);
		return 111;
	}
	return 0;
}
