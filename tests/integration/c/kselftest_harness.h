/* SPDX-License-Identifier: MIT */
/*
 * Stands in for the kernel's header of this name, whose licence is another one: as much of its
 * interface as exported selftests use. Each test runs in a process of its own, with metadata
 * that its children share; results are printed as KTAP. No filters, variants or teardown.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KSFT_PASS = 0, KSFT_FAIL = 1, KSFT_SKIP = 4 };

#define TIMEOUT_SECONDS 30

struct __test_metadata {
	const char *name;
	void (*run)(struct __test_metadata *);
	struct __test_metadata *next;
	int exit_code;
	char reason[256];
};

static struct __test_metadata *first_test, **last_test = &first_test;

static inline void add_test(const char *name, void (*run)(struct __test_metadata *))
{
	struct __test_metadata *test = mmap(NULL, sizeof(*test), PROT_READ | PROT_WRITE,
					    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	test->name = name;
	test->run = run;
	*last_test = test;
	last_test = &test->next;
}

#define UNUSED __attribute__((unused))

#define FIXTURE(f) struct fixture_##f
#define FIXTURE_SETUP(f) static void f##_setup( \
	UNUSED struct __test_metadata *_metadata, UNUSED struct fixture_##f *self)
#define FIXTURE_TEARDOWN(f) static UNUSED void f##_teardown(void)

#define TEST_F(f, t) \
	static void f##_##t(struct __test_metadata *_metadata); \
	static void f##_##t##_run(struct __test_metadata *_metadata) \
	{ \
		struct fixture_##f self = {}; \
		f##_setup(_metadata, &self); \
		if (!_metadata->exit_code) \
			f##_##t(_metadata); \
	} \
	static __attribute__((constructor)) void f##_##t##_add(void) \
	{ \
		add_test(#f "." #t, f##_##t##_run); \
	} \
	static void f##_##t(UNUSED struct __test_metadata *_metadata)

#define SKIP(statement, ...) do { \
	snprintf(_metadata->reason, sizeof(_metadata->reason), __VA_ARGS__); \
	_metadata->exit_code = KSFT_SKIP; \
	statement; \
} while (0)

/* A statement that follows is done before a failed assertion ends the process. */
#define CHECK(a, b, op, fatal) \
	for (bool __failed = ({ \
		__typeof__(a) __a = (a); \
		__typeof__(b) __b = (b); \
		if (!(__a op __b)) { \
			printf("# %s:%d: %s %s %s, but %jd %s %jd\n", __FILE__, __LINE__, \
			       #a, #op, #b, (intmax_t)__a, #op, (intmax_t)__b); \
			_metadata->exit_code = KSFT_FAIL; \
		} \
		!(__a op __b); \
	}); __failed; __failed = end_check(fatal))

static inline bool end_check(int fatal)
{
	fflush(stdout);
	if (fatal)
		abort();
	return false;
}

#define TH_LOG(format, ...) printf("# " format "\n", ##__VA_ARGS__)

#define ASSERT_EQ(a, b) CHECK(a, b, ==, 1)
#define ASSERT_NE(a, b) CHECK(a, b, !=, 1)
#define ASSERT_GE(a, b) CHECK(a, b, >=, 1)
#define ASSERT_TRUE(a) CHECK(a, 0, !=, 1)

#define EXPECT_STREQ(a, b) do { \
	const char *__a = (a), *__b = (b); \
	if (strcmp(__a, __b)) { \
		printf("# %s:%d: %s is '%s', not '%s'\n", __FILE__, __LINE__, #a, __a, __b); \
		fflush(stdout); \
		_metadata->exit_code = KSFT_FAIL; \
	} \
} while (0)

static inline void run_test(struct __test_metadata *test)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		setpgid(0, 0);
		alarm(TIMEOUT_SECONDS);
		test->run(test);
		_exit(KSFT_PASS);
	}
	waitpid(pid, &status, 0);
	kill(-pid, SIGKILL);
	if (status)
		test->exit_code = KSFT_FAIL;
}

static inline int run_all_tests(void)
{
	int number = 0, failed = 0;

	printf("TAP version 13\n");
	for (struct __test_metadata *test = first_test; test; test = test->next)
		number++;
	printf("1..%d\n", number);
	number = 0;
	for (struct __test_metadata *test = first_test; test; test = test->next) {
		fflush(stdout);
		run_test(test);
		failed += test->exit_code == KSFT_FAIL;
		printf("%sok %d %s%s%s\n", test->exit_code == KSFT_FAIL ? "not " : "", ++number,
		       test->name, test->exit_code == KSFT_SKIP ? " # SKIP " : "", test->reason);
	}
	return failed ? KSFT_FAIL : KSFT_PASS;
}

#define TEST_HARNESS_MAIN int main(void) { return run_all_tests(); }
