/* SPDX-License-Identifier: MIT */
/*
 * What server and program share, and how a program goes from actor to actor.
 *
 * One actor at a time has the turn. It runs operations as long as they are its
 * own, hands over to the actor of the next one, and sleeps on its word of
 * `call`. All of this is in shared memory, so actors may be threads or processes.
 */
#ifndef CONTROL_H
#define CONTROL_H

#define NR_ACTORS	8	/* T0 to T7 */
#define MAX_OPS		4096
#define MAX_PAGES	4096	/* of the arena: 16 MiB */

/* What an actor is called for. */
enum call { SLEEP, RUN, OBSERVE, QUIT };

struct op {
	int64_t uid;
	uint16_t index;		/* place in the scenario: of its result */
	uint8_t actor;
	uint8_t code;
	uint32_t unused;
	int64_t a[MAX_SLOTS];
};

/* What the server reads: `nr_ops` operations follow. */
struct request {
	uint32_t kind;		/* enum kind */
	uint32_t nr_ops;
	uint32_t nr_pages;
	uint32_t every_op;	/* observe after every operation, not at the end */
	uint32_t children;	/* mask of the actors that forks name */
	uint32_t timeout_ms;
	uint32_t actors;	/* mask of those that there are: of RUN_FORCED, which has no operations */
	uint32_t thp;		/* of RUN_PROGRAM: as the machine's knob says; else no huge pages */
};

enum kind { RUN_PROGRAM, PROBE, RUN_FORCED, SYMBOLS };

/* One line of smaps within the arena. */
struct region {
	uint32_t start, end;	/* pages */
	uint8_t prot, shared;
	int8_t backing;		/* 0 anonymous, 1 + n of file n, -1 shared anonymous */
	uint8_t unused;
	uint32_t rss, anonymous;	/* pages */
	uint32_t unused_too;
	int64_t offset;		/* pages */
	char vm_flags[64];	/* as in the file, padded with spaces */
};

/* What was seen of a process: regions follow, then a uint32_t for each page. */
struct checkpoint {
	int64_t uid;		/* 0: the end */
	uint32_t actor;
	uint32_t nr_regions;
};

struct control {
	struct request request;
	struct op ops[MAX_OPS];
	int64_t results[MAX_OPS];
	struct open_files files;
	uint32_t call[NR_ACTORS];	/* futexes: enum call */
	uint8_t alive[NR_ACTORS];
	uint8_t process[NR_ACTORS];	/* which the actor belongs to: named after its first */
	int smaps[NR_ACTORS], pagemap[NR_ACTORS];	/* of processes: descriptors */
	uint64_t categories;		/* of PAGEMAP_SCAN, those that the kernel knows */
	uint32_t turn;			/* the operation that runs, or is next */
	uint32_t observed;		/* processes asked for their end state so far */
	uint32_t over;
	int32_t leaving;		/* process that exits as its operation says */
	int32_t leaver;			/* the actor of that operation: of RUN_FORCED */
	char error[160];		/* why the program cannot go on */
	uint32_t nr_checkpoints;
	size_t seen_bytes;
	char seen[SEEN_BYTES];		/* checkpoints */
	char scratch[SCRATCH_BYTES];
};

static struct control *control;

/* A program ends here: what went wrong is no answer of the kernel. */
static void give_up(const char *what)
{
	snprintf(control->error, sizeof(control->error), "%s: %s", what, strerror(errno));
	_exit(1);
}

static void call_actor(int actor, enum call what)
{
	__atomic_store_n(&control->call[actor], what, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &control->call[actor], FUTEX_WAKE, 1, NULL, NULL, 0);
}

static enum call wait_for_call(int actor)
{
	enum call what;

	while (!(what = __atomic_exchange_n(&control->call[actor], SLEEP, __ATOMIC_SEQ_CST)))
		syscall(SYS_futex, &control->call[actor], FUTEX_WAIT, SLEEP, NULL, NULL, 0);
	return what;
}

/* The actor who speaks for its process: the first that is alive. */
static int is_first(int actor)
{
	if (!control->alive[actor])
		return 0;
	for (int i = 0; i < actor; i++)
		if (control->alive[i] && control->process[i] == control->process[actor])
			return 0;
	return 1;
}

/* Give the turn to whoever is next; false: that is `self`, who goes on with RUN. */
static int hand_over(int self)
{
	int process = control->process[this_actor];

	for (; control->turn < control->request.nr_ops; control->turn++) {
		struct op *op = &control->ops[control->turn];

		if (control->alive[op->actor]) {
			if (op->actor == self)
				return 0;
			call_actor(op->actor, RUN);
			return 1;
		}
		control->results[op->index] = RESULT_SKIPPED;
	}
	while (control->observed < NR_ACTORS && !control->request.every_op)
		if (is_first(control->observed++)) {
			call_actor(control->observed - 1, OBSERVE);
			return 1;
		}
	control->over = 1;
	/* The own process last, for its exit ends this thread. */
	for (int own = 0; own <= 1; own++)
		for (int i = 0; i < NR_ACTORS; i++)
			if (is_first(i) && own == (control->process[i] == process))
				call_actor(i, QUIT);
	return 1;
}

#endif /* CONTROL_H */
