/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the C forms of mm operations need beside libc.
 *
 * Memory is an arena of pages at a fixed place. A page has four words, spread
 * evenly over it; a store writes the number of its operation, so that every
 * load names the store it sees. RESULT() turns what a call returns into one
 * number: its value (of a pointer, the page), -errno, or one of the codes below.
 *
 * Open files and pipes belong to no process: their table is in shared memory, and
 * fork_actor() shares the descriptors, so all processes can use what one opened.
 *
 * Not promised: thread safety. The caller lets one operation run at a time.
 */
#ifndef MMFARM_OPS_H
#define MMFARM_OPS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <linux/falloc.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Results that no errno stands for. */
#define RESULT_SIGSEGV	(-1001)
#define RESULT_SIGBUS	(-1002)
#define RESULT_SKIPPED	(-1003)	/* the handle is not open */

#define NR_FILES	4
#define NR_PIPES	8
#define NR_UFFDS	4
#define NR_WORDS	4	/* of a page */

/* The headers of a distribution may be older than its kernel. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102
#define MADV_GUARD_REMOVE	103
#endif
#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE		0x08
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4
#endif

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY	1
#endif
#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED	(1 << 13)
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC		(1 << 15)
#endif
#ifndef UFFDIO_POISON
#define UFFDIO_POISON_MODE_DONTWAKE	1
struct uffdio_poison {
	struct uffdio_range range;
	__u64 mode;
	__s64 updated;
};
#define UFFDIO_POISON	_IOWR(UFFDIO, 0x08, struct uffdio_poison)
#endif
/* No feature of UFFDIO_API: a flag of userfaultfd(). */
#define UFFD_OPEN_USER_ONLY	(1 << 30)

/* How fork_actor() makes a child; who has other wishes defines it first. */
#ifndef FORK_FLAGS
#define FORK_FLAGS	(CLONE_FILES | SIGCHLD)
#endif

struct open_files {
	int file[NR_FILES];		/* -1: not open */
	int pipe[NR_PIPES][2];
	int uffd[NR_UFFDS];
};

static char *arena;
static unsigned long psize;
static struct open_files *open_files;		/* in shared memory */
static __thread int this_actor;
static __thread sigjmp_buf *fault_exit;	/* set while a fault is expected */

#define P(page)		(arena + (page) * psize)
#define W(page, word)	(P(page) + (word) * (psize / NR_WORDS))

static inline long result_of_pointer(const void *result)
{
	if (result == MAP_FAILED)
		return -errno;
	return ((const char *)result - arena) / psize;
}

static inline long result_of_int(int result)
{
	return result < 0 ? -errno : result;
}

/* The functions of this file answer with results. */
static inline long result_of_long(long result)
{
	return result;
}

#define RESULT(call) _Generic((call),		\
	void *: result_of_pointer,		\
	int: result_of_int,			\
	long: result_of_long)(call)

static inline void on_fault(int sig)
{
	if (fault_exit)
		siglongjmp(*fault_exit, sig);
	signal(sig, SIG_DFL);	/* no access of an operation: die of it */
}

static inline void catch_faults(void)
{
	struct sigaction action = {
		.sa_handler = on_fault,
		.sa_flags = SA_NODEFER,
	};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* The arena's first page, and shared memory for the table of open files. */
static inline void set_up_ops(void *first_page, struct open_files *files)
{
	arena = first_page;
	psize = sysconf(_SC_PAGESIZE);
	open_files = files;
	memset(files, -1, sizeof(*files));
	catch_faults();
}

static inline long result_of_signal(int sig)
{
	fault_exit = NULL;
	return sig == SIGBUS ? RESULT_SIGBUS : RESULT_SIGSEGV;
}

/* A fault of what follows comes back to env. */
static inline void expect_fault(sigjmp_buf *env)
{
	fault_exit = env;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline void expect_no_fault(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	fault_exit = NULL;
}

static inline long load(const void *addr)
{
	sigjmp_buf env;
	int sig = sigsetjmp(env, 0);
	long value;

	if (sig)
		return result_of_signal(sig);
	expect_fault(&env);
	value = __atomic_load_n((const long *)addr, __ATOMIC_RELAXED);
	expect_no_fault();
	return value;
}

static inline long store(void *addr, long value)
{
	sigjmp_buf env;
	int sig = sigsetjmp(env, 0);

	if (sig)
		return result_of_signal(sig);
	expect_fault(&env);
	__atomic_store_n((long *)addr, value, __ATOMIC_RELAXED);
	expect_no_fault();
	return 0;
}

/* The child returns too, as another actor. */
static inline long fork_actor(int child)
{
	long pid = syscall(SYS_clone, (long)FORK_FLAGS, NULL, NULL, NULL, NULL);

	if (pid < 0)
		return -errno;
	if (!pid)
		this_actor = child;
	return child;
}

static inline int file_fd(int file)
{
	return open_files->file[file];
}

static inline long open_memfd(int file, long pages)
{
	char name[] = { 'f', '0' + file, '\0' };
	int fd;

	if (file_fd(file) >= 0)
		return -EEXIST;
	fd = memfd_create(name, MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, pages * psize)) {
		long error = errno;

		close(fd);
		return -error;
	}
	open_files->file[file] = fd;
	return 0;
}

/* Files are read and written in words, whole ones, so that their sizes are. */
#define WORD_SIZE	(psize / NR_WORDS)
#define MAX_WORD	((64 << 10) / NR_WORDS)	/* of the largest page */

static inline off_t file_offset(long page, int word)
{
	return page * psize + word * WORD_SIZE;
}

/* A word behind the end of the file reads as zero. */
static inline long file_read(int file, long page, int word)
{
	long value = 0;

	if (file_fd(file) < 0)
		return RESULT_SKIPPED;
	if (pread(file_fd(file), &value, sizeof(value), file_offset(page, word)) < 0)
		return -errno;
	return value;
}

static inline long file_write(int file, long page, int word, long value)
{
	long buffer[MAX_WORD / sizeof(long)] = { value };

	if (file_fd(file) < 0)
		return RESULT_SKIPPED;
	if (pwrite(file_fd(file), buffer, WORD_SIZE, file_offset(page, word)) < 0)
		return -errno;
	return 0;
}

static inline long file_read_next(int file)
{
	long buffer[MAX_WORD / sizeof(long)] = { 0 };

	if (file_fd(file) < 0)
		return RESULT_SKIPPED;
	if (read(file_fd(file), buffer, WORD_SIZE) < 0)
		return -errno;
	return buffer[0];
}

static inline long file_write_next(int file, long value)
{
	long buffer[MAX_WORD / sizeof(long)] = { value };

	if (file_fd(file) < 0)
		return RESULT_SKIPPED;
	if (write(file_fd(file), buffer, WORD_SIZE) < 0)
		return -errno;
	return 0;
}

static inline long file_truncate(int file, long pages, int words)
{
	if (file_fd(file) < 0)
		return RESULT_SKIPPED;
	return ftruncate(file_fd(file), file_offset(pages, words)) ? -errno : 0;
}

static inline long file_allocate(int file, long page, long pages, int mode)
{
	if (file_fd(file) < 0)
		return RESULT_SKIPPED;
	return fallocate(file_fd(file), mode, page * psize, pages * psize) ? -errno : 0;
}

/* The position, in words. */
static inline long file_seek(int file, long page, int word, int whence)
{
	off_t result;

	if (file_fd(file) < 0)
		return RESULT_SKIPPED;
	result = lseek(file_fd(file), file_offset(page, word), whence);
	return result < 0 ? -errno : (long)(result / WORD_SIZE);
}

#define STAT_SIZE	0
#define STAT_BLOCKS	1

/* The size in words, or how many pages have blocks. */
static inline long file_stat(int file, int what)
{
	struct stat stat;

	if (file_fd(file) < 0)
		return RESULT_SKIPPED;
	if (fstat(file_fd(file), &stat))
		return -errno;
	return what == STAT_SIZE ? stat.st_size / WORD_SIZE : stat.st_blocks * 512 / psize;
}

/*
 * Files of the calling process are opened through thread-self: self is the
 * thread group's leader, which may have exited.
 */
static inline long mem_read(const void *addr)
{
	int fd = open("/proc/thread-self/mem", O_RDONLY | O_CLOEXEC);
	long value, result;

	if (fd < 0)
		return -errno;
	result = pread(fd, &value, sizeof(value), (off_t)(uintptr_t)addr) < 0 ? -errno : value;
	close(fd);
	return result;
}

static inline long mem_write(void *addr, long value)
{
	int fd = open("/proc/thread-self/mem", O_WRONLY | O_CLOEXEC);
	long result;

	if (fd < 0)
		return -errno;
	result = pwrite(fd, &value, sizeof(value), (off_t)(uintptr_t)addr) < 0 ? -errno : 0;
	close(fd);
	return result;
}

#define CLEAR_REFS	"/proc/thread-self/clear_refs"

static inline long clear_refs(int what)
{
	int fd = open(CLEAR_REFS, O_WRONLY | O_CLOEXEC);
	char digit = '0' + what;
	long result;

	if (fd < 0)
		return -errno;
	result = write(fd, &digit, 1) < 0 ? -errno : 0;
	close(fd);
	return result;
}

/* Bits 55 to 63: all but the frame number, which is never the same twice. */
static inline long pagemap_entry(const void *addr)
{
	int fd = open("/proc/thread-self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry;
	long result;

	if (fd < 0)
		return -errno;
	result = pread(fd, &entry, sizeof(entry), (uintptr_t)addr / psize * sizeof(entry));
	result = result < 0 ? -errno : (long)(entry >> 55);
	close(fd);
	return result;
}

/* How many pages of a range are in core. */
static inline long pages_in_core(char *addr, unsigned long length)
{
	unsigned char in_core[1024];
	long count = 0;

	for (char *end = addr + length; addr < end; addr += sizeof(in_core) * psize) {
		unsigned long rest = (end - addr) / psize;
		unsigned long pages = rest < sizeof(in_core) ? rest : sizeof(in_core);

		if (mincore(addr, pages * psize, in_core))
			return -errno;
		for (unsigned long i = 0; i < pages; i++)
			count += in_core[i] & 1;
	}
	return count;
}

static inline long pipe_close(int pipe)
{
	int *ends = open_files->pipe[pipe];

	if (ends[0] < 0)
		return RESULT_SKIPPED;
	close(ends[0]);
	close(ends[1]);
	ends[0] = ends[1] = -1;
	return 0;
}

/* The pipe holds a reference to the page, not a copy of it. */
static inline long pipe_splice(int pipe, void *addr)
{
	struct iovec page = { .iov_base = addr, .iov_len = psize };
	int *ends = open_files->pipe[pipe];
	long error;

	if (ends[0] >= 0)
		return -EEXIST;
	if (pipe2(ends, O_CLOEXEC)) {
		ends[0] = ends[1] = -1;
		return -errno;
	}
	if (vmsplice(ends[1], &page, 1, 0) >= 0)
		return 0;
	error = errno;
	pipe_close(pipe);
	return -error;
}

static inline long pipe_read(int pipe, int word)
{
	static long buffer[(64 << 10) / sizeof(long)];	/* the largest page */
	long result;

	if (open_files->pipe[pipe][0] < 0)
		return RESULT_SKIPPED;
	result = read(open_files->pipe[pipe][0], buffer, psize);
	result = result < 0 ? -errno : buffer[word * (psize / NR_WORDS / sizeof(long))];
	pipe_close(pipe);
	return result;
}

/* The result of an ioctl on an open userfaultfd. */
static inline long uffd_ioctl(int uffd, unsigned long request, void *argument)
{
	if (open_files->uffd[uffd] < 0)
		return RESULT_SKIPPED;
	return ioctl(open_files->uffd[uffd], request, argument) ? -errno : 0;
}

static inline long uffd_close(int uffd)
{
	int fd = open_files->uffd[uffd];

	if (fd < 0)
		return RESULT_SKIPPED;
	open_files->uffd[uffd] = -1;
	close(fd);
	return 0;
}

static inline long uffd_open(int uffd, long features)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = features & ~UFFD_OPEN_USER_ONLY,
	};
	int flags = O_CLOEXEC | O_NONBLOCK;
	long result;

	if (open_files->uffd[uffd] >= 0)
		return -EEXIST;
	if (features & UFFD_OPEN_USER_ONLY)
		flags |= UFFD_USER_MODE_ONLY;
	open_files->uffd[uffd] = syscall(SYS_userfaultfd, flags);
	if (open_files->uffd[uffd] < 0)
		return -errno;
	result = uffd_ioctl(uffd, UFFDIO_API, &api);
	if (result)
		uffd_close(uffd);
	return result;
}

static inline long uffd_register(int uffd, void *addr, unsigned long length, int mode)
{
	struct uffdio_register argument = {
		.range = { (uintptr_t)addr, length },
		.mode = mode,
	};

	return uffd_ioctl(uffd, UFFDIO_REGISTER, &argument);
}

static inline long uffd_unregister(int uffd, void *addr, unsigned long length)
{
	struct uffdio_range range = { (uintptr_t)addr, length };

	return uffd_ioctl(uffd, UFFDIO_UNREGISTER, &range);
}

static inline long uffd_wake(int uffd, void *addr, unsigned long length)
{
	struct uffdio_range range = { (uintptr_t)addr, length };

	return uffd_ioctl(uffd, UFFDIO_WAKE, &range);
}

static inline long uffd_copy(int uffd, void *addr, unsigned long length, void *source, int mode)
{
	struct uffdio_copy argument = {
		.dst = (uintptr_t)addr,
		.src = (uintptr_t)source,
		.len = length,
		.mode = mode,
	};

	return uffd_ioctl(uffd, UFFDIO_COPY, &argument);
}

static inline long uffd_zeropage(int uffd, void *addr, unsigned long length, int mode)
{
	struct uffdio_zeropage argument = {
		.range = { (uintptr_t)addr, length },
		.mode = mode,
	};

	return uffd_ioctl(uffd, UFFDIO_ZEROPAGE, &argument);
}

static inline long uffd_continue(int uffd, void *addr, unsigned long length, int mode)
{
	struct uffdio_continue argument = {
		.range = { (uintptr_t)addr, length },
		.mode = mode,
	};

	return uffd_ioctl(uffd, UFFDIO_CONTINUE, &argument);
}

static inline long uffd_poison(int uffd, void *addr, unsigned long length, int mode)
{
	struct uffdio_poison argument = {
		.range = { (uintptr_t)addr, length },
		.mode = mode,
	};

	return uffd_ioctl(uffd, UFFDIO_POISON, &argument);
}

static inline long uffd_writeprotect(int uffd, void *addr, unsigned long length, int mode)
{
	struct uffdio_writeprotect argument = {
		.range = { (uintptr_t)addr, length },
		.mode = mode,
	};

	return uffd_ioctl(uffd, UFFDIO_WRITEPROTECT, &argument);
}

/* Of a page fault: its page times 16, and its flags. */
static inline long uffd_read(int uffd)
{
	struct uffd_msg msg;

	if (open_files->uffd[uffd] < 0)
		return RESULT_SKIPPED;
	if (read(open_files->uffd[uffd], &msg, sizeof(msg)) < 0)
		return -errno;
	return ((char *)(uintptr_t)msg.arg.pagefault.address - arena) / psize * 16 +
		(long)msg.arg.pagefault.flags;
}

#endif /* MMFARM_OPS_H */
