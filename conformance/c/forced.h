/* SPDX-License-Identifier: MIT */
/*
 * A program whose actors run at the same time, each on a CPU of its own, one operation
 * whenever its bell is rung.
 *
 * Who rings is outside of this machine (conformance/forced): it sees the page of bells in
 * the guest's memory and reads and writes it while the guest runs. Between operations an
 * actor spins in user space, so that its CPU answers interrupts and keeps its TLB.
 */
#ifndef FORCED_H
#define FORCED_H

enum order { ORDER_WARM, ORDER_RUN, ORDER_OBSERVE, ORDER_QUIT };

/* Beside the op table: what tests write by hand. */
enum raw { RAW_SYSCALL = 250, RAW_LOAD, RAW_STORE };

#define BELL_SLOTS	8
#define KEPT_AT		(512l << 20)	/* behind the arena, within its gigabyte */
#define WARM_BYTES	(24 << 10)	/* of stack, more than an operation uses */

struct bell {
	uint32_t ring;		/* outside: one more for each order */
	uint32_t done;		/* here: the last order that has ended */
	uint32_t cpu;		/* outside: where the actor lives */
	uint8_t order, code, unused[2];
	int64_t uid;
	int64_t result;
	int64_t a[BELL_SLOTS];
};

static struct bell *bells;	/* NR_ACTORS of them, in one page */
static uint64_t bells_at;	/* its physical address */

/* A fork leaves pages of stack and data that the next store faults on: now, not in an operation. */
static void __attribute__((noinline)) warm(void)
{
	volatile char stack[WARM_BYTES];
	sigjmp_buf env;

	for (size_t i = 0; i < sizeof(stack); i += 512)
		stack[i] = 0;
	expect_fault(&env);
	expect_no_fault();
	*(volatile int *)&errno = 0;
	*(volatile unsigned long *)&psize = *(volatile unsigned long *)&psize;
}

/* The first signal of a process brings in pages of code: now. Each actor that begins does this. */
static void warm_up(void)
{
	warm();
	load(NULL);
	warm();
}

static void set_up_bells(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry;

	bells = mmap(NULL, psize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE,
		     -1, 0);
	if (bells == MAP_FAILED || mlock(bells, psize) || fd < 0 ||
	    pread(fd, &entry, sizeof(entry), (uintptr_t)bells / psize * sizeof(entry)) !=
	    sizeof(entry))
		fatal("the page of bells");
	close(fd);
	bells_at = (entry & ((1ull << 55) - 1)) * psize;
}

static void live_on(pid_t task, int cpu)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(cpu, &here);
	if (sched_setaffinity(task, sizeof(here), &here))
		give_up("sched_setaffinity");
}

static long fork_forced(int child)
{
	long pid;

	control->process[child] = child;
	pid = syscall(SYS_clone, (long)FORK_FLAGS, NULL, NULL, NULL, NULL);
	if (pid < 0)
		return -errno;
	if (!pid) {
		this_actor = child;
		return 0;
	}
	control->alive[child] = 1;
	live_on(pid, bells[child].cpu);
	return child;
}

static long raw_result(long result)
{
	return result < 0 ? -errno : result;
}

static long run_forced(const struct bell *bell)
{
	const int64_t *a = bell->a;

	switch (bell->code) {
	case RAW_SYSCALL:
		return raw_result(syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]));
	case RAW_LOAD:
		return load((void *)a[0]);
	case RAW_STORE:
		return store((void *)a[0], a[1]);
	case OP_FORK:
		return fork_forced(a[0]);
	default:
		return run_op(bell->code, a, bell->uid);
	}
}

/* The last thread's exit is over when the address space is gone: the server sees that. */
static void leave_forced(struct bell *bell)
{
	int self = this_actor;
	int last = 1;

	control->alive[self] = 0;
	for (int i = 0; i < NR_ACTORS; i++)
		if (control->alive[i] && control->process[i] == control->process[self])
			last = 0;
	if (last) {
		control->leaver = self;
		control->leaving = getpid();
		_exit(0);
	}
	bell->result = 0;
	__atomic_store_n(&bell->done, bell->ring, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static void __attribute__((noreturn)) answer_bell(void)
{
	for (;;) {
		struct bell *bell = &bells[this_actor];
		int self = this_actor;
		uint32_t ring;
		long result = 0;

		while ((ring = __atomic_load_n(&bell->ring, __ATOMIC_ACQUIRE)) == bell->done)
			__builtin_ia32_pause();
		switch (bell->order) {
		case ORDER_WARM:
			warm();
			break;
		case ORDER_OBSERVE:
			observe(0);
			break;
		case ORDER_QUIT:
			control->over = 1;
			_exit(0);
		default:
			if (bell->code == OP_EXIT)
				leave_forced(bell);
			result = run_forced(bell);
		}
		if (this_actor != self) {	/* the child of a fork */
			die_with_server();
			open_proc_files();
			warm_up();
			bell = &bells[this_actor];
			ring = 1;		/* that it is there */
		}
		bell->result = result;
		__atomic_store_n(&bell->done, ring, __ATOMIC_RELEASE);
	}
}

/* In the server. */
static void finish_leaving(void)
{
	struct bell *bell = &bells[control->leaver];

	bell->result = 0;
	__atomic_store_n(&bell->done, bell->ring, __ATOMIC_RELEASE);
}

static void *forced_main(void *actor)
{
	this_actor = (intptr_t)actor;
	live_on(0, bells[this_actor].cpu);
	warm_up();
	__atomic_store_n(&bells[this_actor].done, 1, __ATOMIC_RELEASE);
	answer_bell();
}

/* Page tables have as many levels above the arena's as the model has, none, that come and go. */
static void keep_upper_tables(void)
{
	if (mmap(arena + KEPT_AT, psize, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_POPULATE, -1, 0) ==
	    MAP_FAILED)
		give_up("the page behind the arena");
}

/* In a child of the server. Orders begin at 2: 1 is that the actor is there. */
static void run_forced_program(void)
{
	uint32_t actors = control->request.actors | 1;

	begin_program();
	keep_upper_tables();
	for (int i = NR_ACTORS - 1; i >= 0; i--)
		if (actors >> i & 1 & ~(control->request.children >> i)) {
			control->alive[i] = 1;
			if (i)
				start_thread(i, forced_main);
		}
	forced_main(0);
}

#endif /* FORCED_H */
