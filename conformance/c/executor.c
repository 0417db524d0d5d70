// SPDX-License-Identifier: MIT
/*
 * The executor: runs programs of mm operations on this kernel, one at a time.
 *
 * Reads requests on stdin and answers on stdout, until stdin ends; control.h has
 * the form of a request. An answer is three uint32_t: bytes that follow, 0 or 1
 * for a program that did not end as programs do, and the number of checkpoints.
 * Then come the results (or the error's text), and the checkpoints.
 *
 * Each program runs in a child with limits, in a session of its own. It leaves
 * nothing: its files are memory files and pipes, and when time is up the whole
 * group is killed. That there is no bug in this kernel is not promised.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* All processes use one table of descriptors, and all are children of the server. */
#define FORK_FLAGS	(CLONE_FILES | CLONE_PARENT | SIGCHLD)

/* Aligned like a page directory, and below all that the kernel places by itself. */
#define ARENA		((void *)0x200000000000)

#define SEEN_BYTES	(64 << 20)
#define SMAPS_BYTES	(16 << 10)	/* more than the page that seq_file fills */
#define SCRATCH_BYTES	(64 << 10)	/* a pagemap of MAX_PAGES, or regions of a scan */

#include "forms.h"
#include "control.h"
#include "observe.h"
#include "actors.h"

#define AS_BYTES	(1ul << 30)	/* of each process */
#define FILE_BYTES	(64 << 20)	/* of each memory file */
#define STACK_LIMIT	(8 << 20)	/* Linux's default, which growing stacks meet */
#define MAX_FILES	64
#define MORE_TASKS	4096		/* than there are now; root is exempt */
#define KILL_SECONDS	10		/* until a killed group must be gone */

static int child_signals;	/* a descriptor: a process of the program has ended */

static void fatal(const char *what)
{
	fprintf(stderr, "executor: %s: %s\n", what, strerror(errno));
	exit(1);
}

#include "init.h"
#include "forced.h"
#include "probes.h"

static void limit(int which, rlim_t value)
{
	struct rlimit old, new;

	if (getrlimit(which, &old))
		fatal("getrlimit");
	new.rlim_cur = new.rlim_max = value < old.rlim_max ? value : old.rlim_max;
	if (setrlimit(which, &new))
		fatal("setrlimit");
}

static rlim_t tasks_now(void)
{
	FILE *file = fopen("/proc/loadavg", "r");
	unsigned long tasks = 0;

	if (!file || fscanf(file, "%*s %*s %*s %*d/%lu", &tasks) != 1)
		fatal("/proc/loadavg");
	fclose(file);
	return tasks;
}

/* All that programs inherit. */
static void confine(void)
{
	sigset_t child;

	limit(RLIMIT_AS, AS_BYTES);
	limit(RLIMIT_FSIZE, FILE_BYTES);
	limit(RLIMIT_STACK, STACK_LIMIT);
	limit(RLIMIT_NOFILE, MAX_FILES);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NPROC, tasks_now() + MORE_TASKS);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) || sigprocmask(SIG_BLOCK, &child, NULL))
		fatal("prctl");
	child_signals = signalfd(-1, &child, SFD_CLOEXEC);
	if (child_signals < 0)
		fatal("signalfd");
}

static void set_up(void)
{
	control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (control == MAP_FAILED)
		fatal("mmap");
	set_up_ops(ARENA, &control->files);
	if ((char *)control < P(MAX_PAGES) || (char *)&control < P(MAX_PAGES)) {
		errno = EADDRINUSE;
		fatal("memory below the end of the arena");
	}
	control->categories = known_categories();
}

/* False at the end of stdin. */
static int read_all(void *at, size_t size)
{
	while (size) {
		ssize_t got = read(STDIN_FILENO, at, size);

		if (got <= 0)
			return 0;
		at = (char *)at + got;
		size -= got;
	}
	return 1;
}

static void write_all(const void *at, size_t size)
{
	while (size) {
		ssize_t put = write(STDOUT_FILENO, at, size);

		if (put < 0)
			fatal("stdout");
		at = (const char *)at + put;
		size -= put;
	}
}

/*
 * One CPU for a whole program, whichever it is: only one actor runs at a time,
 * handing over is cheap there, and what the kernel batches by CPU is the same
 * each time. Between programs the scheduler may move the server.
 */
static void stay_on_one_cpu(int stay)
{
	static cpu_set_t all;
	cpu_set_t here;

	if (!CPU_COUNT(&all) && sched_getaffinity(0, sizeof(all), &all))
		fatal("sched_getaffinity");
	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	if (sched_setaffinity(0, sizeof(here), stay ? &here : &all))
		fatal("sched_setaffinity");
}

static int read_request(void)
{
	struct request *request = &control->request;

	stay_on_one_cpu(0);
	if (!read_all(request, sizeof(*request)))
		return 0;
	stay_on_one_cpu(1);
	if (request->nr_ops > MAX_OPS || request->nr_pages > MAX_PAGES || request->kind > SYMBOLS) {
		errno = EPROTO;
		fatal("request");
	}
	if (prctl(PR_SET_THP_DISABLE, !request->thp, 0, 0, 0))	/* programs inherit it */
		fatal("prctl");
	if (!read_all(control->ops, request->nr_ops * sizeof(*control->ops)))
		return 0;
	for (uint32_t i = 0; i < request->nr_ops; i++) {
		struct op *op = &control->ops[i];

		if (op->actor >= NR_ACTORS || op->index >= request->nr_ops ||
		    (op->code == OP_FORK && (uint64_t)op->a[0] >= NR_ACTORS)) {
			errno = EPROTO;
			fatal("operation");
		}
	}
	memset(&control->files, -1, sizeof(control->files));
	memset(control->call, 0, sizeof(control->call));
	memset(control->alive, 0, sizeof(control->alive));
	memset(control->process, 0, sizeof(control->process));
	control->turn = control->observed = control->over = control->leaving = 0;
	control->nr_checkpoints = control->seen_bytes = 0;
	control->error[0] = '\0';
	return 1;
}

static void fail(const char *format, int64_t number)
{
	uint32_t turn = control->turn;
	size_t used;

	if (!control->error[0])
		snprintf(control->error, sizeof(control->error), format, (long)number);
	used = strlen(control->error);
	if (turn < control->request.nr_ops)
		snprintf(control->error + used, sizeof(control->error) - used, ", in op %ld",
			 (long)control->ops[turn].uid);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One child has gone; false if it should not have, or not like this. */
static int reaped(pid_t pid, int status)
{
	if (WIFSIGNALED(status))
		fail("a process died of signal %ld", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		fail("a process gave up with status %ld", WEXITSTATUS(status));
	else if (pid == control->leaving) {
		control->leaving = 0;
		if (control->request.kind == RUN_FORCED)
			finish_leaving();
		else
			hand_over(-1);
		return 1;
	} else if (control->over)
		return 1;
	else
		fail("a process left before its time", 0);
	return 0;
}

/*
 * Wait for the end of a process. 0 when time is up, -1 when nobody reads our
 * answers any more.
 */
static int wait_for_child(int64_t end_ms)
{
	struct pollfd what[] = { { child_signals, POLLIN, 0 }, { STDOUT_FILENO, 0, 0 } };
	struct signalfd_siginfo signal;
	int64_t left_ms = end_ms - now_ms();

	if (left_ms <= 0 || !poll(what, 2, left_ms))
		return 0;
	if (what[1].revents & POLLERR)
		return -1;
	return what[0].revents ? read(child_signals, &signal, sizeof(signal)) : 1;
}

static void kill_program(pid_t group)
{
	kill(-group, SIGKILL);
	kill(group, SIGKILL);	/* it may not have its session yet */
}

/* Until all processes of the program are gone; false if they had to be killed. */
static int supervise(pid_t group)
{
	int64_t end_ms = now_ms() + control->request.timeout_ms;
	int ok = 1;

	for (;;) {
		int status, woken = 1, was_ok = ok;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid < 0)
			return ok;
		if (pid > 0 && ok)
			ok = reaped(pid, status);
		else if (!pid)
			woken = wait_for_child(end_ms);
		if (woken < 0) {
			kill_program(group);
			exit(1);
		}
		if (!woken && !ok) {
			errno = ETIMEDOUT;
			fatal("killed processes stay");
		}
		if (!woken) {
			fail("no end after %ld ms", control->request.timeout_ms);
			ok = 0;
		}
		if (was_ok && !ok) {
			kill_program(group);
			end_ms = now_ms() + KILL_SECONDS * 1000;
		}
	}
}

static void reply(int ok)
{
	size_t results = control->request.nr_ops * sizeof(*control->results);
	uint32_t header[] = { results + control->seen_bytes, !ok, control->nr_checkpoints };

	if (!ok) {
		header[0] = strlen(control->error);
		write_all(header, sizeof(header));
		write_all(control->error, header[0]);
		return;
	}
	write_all(header, sizeof(header));
	write_all(control->results, results);
	write_all(control->seen, control->seen_bytes);
}

int main(void)
{
	server_pid = getpid();
	if (server_pid == 1)
		be_init();
	confine();
	set_up();
	if (server_pid == 1)
		set_up_bells();
	while (read_request()) {
		pid_t pid = fork();

		if (pid < 0)
			fatal("fork");
		if (!pid && (control->request.kind == PROBE || control->request.kind == SYMBOLS)) {
			die_with_server();
			if (control->request.kind == PROBE)
				probe();
			else
				read_symbols();
			control->over = 1;
			_exit(0);
		}
		if (!pid && control->request.kind == RUN_FORCED)
			run_forced_program();
		if (!pid)
			run_program();
		reply(supervise(pid));
	}
	return 0;
}
