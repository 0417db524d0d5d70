/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What selftests need beside mmfarm_ops.h: actors that take turns, what can be
 * seen of the arena, and what a kernel may lack.
 *
 * Not to be included: corpus/kselftest/helpers.py takes from both files what a
 * test uses; a definition of this file replaces that of mmfarm_ops.h.
 */

/* Below all that the kernel places by itself, and aligned like a page table. */
#define ARENA		((char *)(uintptr_t)(sizeof(long) > 4 ? 0x200000000000 : 0x20000000))

/* All actors use one table of descriptors, and all processes are the test's children. */
#define FORK_FLAGS	(CLONE_FILES | CLONE_PARENT | SIGCHLD)

/* Of a stress test: whichever comes first. */
#define STRESS_ROUNDS	1000
#define STRESS_SECONDS	1

static char *arena = ARENA;

static void *shared_memory(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* Of the pages that a test uses. */
static bool arena_is_free(unsigned long nr_pages)
{
	void *at = mmap(arena, nr_pages * psize, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	return at == arena && !munmap(at, nr_pages * psize);
}

/* Linux's default, which growing stacks may meet. */
static void limit_stack(void)
{
	struct rlimit stack;

	getrlimit(RLIMIT_STACK, &stack);
	if (stack.rlim_cur > 8 << 20)
		stack.rlim_cur = 8 << 20;
	setrlimit(RLIMIT_STACK, &stack);
}

static void forget_files(void)
{
	memset(open_files, -1, sizeof(*open_files));
}

/* Threads of the first process, but for those that a fork names. */
enum actor { T0, T1, T2, T3, T4, T5, T6, T7 };

/* What the actors of a test share. */
struct turns {
	unsigned int now;	/* futex: which turn it is, from 1; or FAILED */
	pid_t leaving;		/* a process whose exit is a turn */
	unsigned int met[2];	/* how many actors are at the start, and at the end */
};

#define FAILED		UINT_MAX

static struct turns *turns;
static __thread unsigned int turn;	/* that this actor has come to */
static __thread int turn_actor;	/* who took it: a child comes out of its parent's turn */
static void (*actor_ops)(struct __test_metadata *);
static struct __test_metadata *actor_metadata;

static void set_turn(unsigned int now)
{
	__atomic_store_n(&turns->now, now, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &turns->now, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void wait_for_turn(unsigned int wanted)
{
	unsigned int now;

	while ((now = __atomic_load_n(&turns->now, __ATOMIC_SEQ_CST)) != wanted) {
		if (now == FAILED)
			_exit(KSFT_FAIL);
		syscall(SYS_futex, &turns->now, FUTEX_WAIT, now, NULL, NULL, 0);
	}
}

/* All actors come to all turns, in the same order; true for the one who takes it. */
static bool turn_of(int actor)
{
	turn++;
	if (this_actor != actor)
		return false;
	wait_for_turn(turn);
	turn_actor = actor;
	return true;
}

static bool end_turn(void)
{
	if (this_actor == turn_actor)
		set_turn(turn + 1);
	return false;
}

/* What follows is done by this actor alone, when all that stands before it has been done. */
#define ON(actor)	for (bool mine = turn_of(actor); mine; mine = end_turn())

/* Until all of them are there: nr actors at the start of a race, or at its end. */
static void meet(int place, unsigned int nr)
{
	__atomic_add_fetch(&turns->met[place], 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&turns->met[place], __ATOMIC_SEQ_CST) < nr) {
		if (__atomic_load_n(&turns->now, __ATOMIC_SEQ_CST) == FAILED)
			_exit(KSFT_FAIL);
		sched_yield();
	}
}

/* The process lives on: it has other threads. */
static void exit_thread(void)
{
	end_turn();
	syscall(SYS_exit, 0);
}

/* The turn ends when the address space is gone: run_actors() sees that. */
static void exit_process(void)
{
	turns->leaving = getpid();
	_exit(0);
}

static void *actor_main(void *actor)
{
	this_actor = (intptr_t)actor;
	actor_ops(actor_metadata);
	wait_for_turn(turn + 1);
	_exit(0);
}

/*
 * Run an actor in a process of its own, and those of the mask as threads of it.
 * All of them run ops; so do children, from their fork on.
 */
static void run_actors(struct __test_metadata *_metadata,
		       void (*ops)(struct __test_metadata *), unsigned int threads)
{
	pthread_t thread;
	int status, failed = 0;
	pid_t pid;

	if (!turns)
		turns = shared_memory(sizeof(*turns));
	ASSERT_NE(turns, MAP_FAILED);
	*turns = (struct turns){ .now = 1 };
	actor_ops = ops;
	actor_metadata = _metadata;
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		for (intptr_t i = 1; threads >> i; i++)
			if (threads >> i & 1 &&
			    pthread_create(&thread, NULL, actor_main, (void *)i))
				_exit(KSFT_FAIL);
		actor_main(0);
	}
	while ((pid = waitpid(-1, &status, 0)) > 0) {
		if (status || _metadata->exit_code) {
			failed = 1;	/* a failed assertion may exit with 0 */
			set_turn(FAILED);
		} else if (pid == turns->leaving) {
			turns->leaving = 0;
			set_turn(turns->now + 1);
		}
	}
	ASSERT_EQ(failed, 0);
}

/* Of a present page A or, of a file or of shared memory, F: lower case unless mapped once. */
static char page_letter(uint64_t entry)
{
	bool once = entry >> 56 & 1, file = entry >> 61 & 1;

	if (entry >> 63)
		return file ? (once ? 'F' : 'f') : (once ? 'A' : 'a');
	return entry >> 62 & 1 ? 's' : 0;	/* swapped, or a marker such as a guard */
}

#define RUNS_IN_LINE	4

/* " 3A 5-7f": which pages of a mapping are there, and how. */
static void print_pages(FILE *out, unsigned long start, unsigned long end)
{
	int fd = open("/proc/thread-self/pagemap", O_RDONLY | O_CLOEXEC);
	unsigned long first = start, page;
	uint64_t entry;
	char letter = 0, next;
	int runs = 0;

	for (page = start; page <= end; page++) {
		off_t at = ((uintptr_t)P(page) / psize) * sizeof(entry);

		next = 0;
		if (page < end && pread(fd, &entry, sizeof(entry), at) == sizeof(entry))
			next = page_letter(entry);
		if (next == letter)
			continue;
		if (letter && runs++ && runs % RUNS_IN_LINE == 1)
			fputc('\n', out);
		if (letter && page - first > 1)
			fprintf(out, " %lu-%lu%c", first, page - 1, letter);
		else if (letter)
			fprintf(out, " %lu%c", first, letter);
		first = page;
		letter = next;
	}
	close(fd);
}

/*
 * The mappings in the arena, each a line: "0-8 rw-p 3A" or "8-12 r--s f0+2 9f".
 * Numbers are pages. Nothing is touched that is looked at.
 */
static const char *arena_state(unsigned long nr_pages)
{
	FILE *maps = fopen("/proc/thread-self/maps", "r");
	char line[512], mode[5], *text, *name;
	unsigned long start, end, offset;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %4s %lx", &start, &end, mode, &offset) != 4 ||
		    start < (uintptr_t)P(0) || start >= (uintptr_t)P(nr_pages))
			continue;
		start = (start - (uintptr_t)P(0)) / psize;
		end = (end - (uintptr_t)P(0)) / psize;
		fprintf(out, "%lu-%lu %s", start, end, mode);
		name = strstr(line, "/memfd:f");
		if (name)
			fprintf(out, " f%c+%lu", name[8], offset / psize);
		print_pages(out, start, end);
		fputc('\n', out);
	}
	if (maps)
		fclose(maps);
	fclose(out);
	return text;
}

/* Pages at the start of the arena, the first one written, until the test maps its own. */
static void map_fresh(int nr_pages)
{
	mmap(P(0), nr_pages * psize, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	__atomic_store_n(P(0), 1, __ATOMIC_RELAXED);
}

static bool has_madvise(int advice)
{
	int result;

	map_fresh(1);
	result = madvise(P(0), psize, advice);
	munmap(P(0), psize);
	return !result;
}

static bool has_droppable(void)
{
	void *at = mmap(P(0), psize, PROT_READ, MAP_DROPPABLE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	munmap(P(0), psize);
	return at != MAP_FAILED;
}

/* CONFIG_PROC_MEM_ALWAYS_FORCE, and what came before there were others. */
static bool has_forced_write(void)
{
	bool has;

	map_fresh(1);
	has = !mprotect(P(0), psize, PROT_READ) && !mem_write(P(0), 7);
	munmap(P(0), psize);
	return has;
}

/* Let huge pages come, which other tests do without, where `mode` is the one in brackets. */
static bool allow_thp(const char *mode)
{
	char line[64] = "";
	int fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY);

	if (fd >= 0) {
		if (pread(fd, line, sizeof(line) - 1, 0) < 0)
			line[0] = 0;
		close(fd);
	}
	return strstr(line, mode) && !prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
}

/* Without CONFIG_MEM_SOFT_DIRTY the write to clear_refs succeeds, too. */
static bool has_soft_dirty(void)
{
	bool has;

	map_fresh(1);
	has = !clear_refs(4) && !(pagemap_entry(P(0)) & 1);
	__atomic_store_n(P(0), 2, __ATOMIC_RELAXED);
	has = has && pagemap_entry(P(0)) & 1;
	munmap(P(0), psize);
	return has;
}

/* Of all memory of the test: CAP_IPC_LOCK, or RLIMIT_MEMLOCK for more than that. */
static bool has_mlock(void)
{
	return !mlockall(MCL_CURRENT | MCL_ONFAULT) && !munlockall();
}

static bool has_userfaultfd(long features)
{
	return !uffd_open(0, features) && !uffd_close(0);
}

/* Linux 6.17. */
static bool has_mremap_of_several(void)
{
	void *at;

	map_fresh(4);
	mprotect(P(1), psize, PROT_READ);
	at = mremap(P(0), 2 * psize, 2 * psize, MREMAP_MAYMOVE | MREMAP_FIXED, P(2));
	munmap(P(0), 4 * psize);
	return at != MAP_FAILED;
}
