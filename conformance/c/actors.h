/* SPDX-License-Identifier: MIT */
/*
 * A program: threads and processes that run operations one after the other.
 *
 * T0 and the actors that no fork names are threads of the first process.
 */
#ifndef ACTORS_H
#define ACTORS_H

#define CPU_SECONDS	10	/* of one process; a time-out usually comes first */
#define STACK_BYTES	(64 << 10)

static pid_t server_pid;

/* The server is the parent of all processes, so all die with it. */
static void die_with_server(void)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != server_pid)
		_exit(1);
}

/*
 * An exit is over when the address space is gone. The last thread of a process
 * leaves the turn to the server, who sees that.
 */
static void leave(int self)
{
	int last = 1;

	control->alive[self] = 0;
	control->results[control->ops[control->turn++].index] = 0;
	for (int i = 0; i < NR_ACTORS; i++)
		if (control->alive[i] && control->process[i] == control->process[self])
			last = 0;
	if (last) {
		control->leaving = getpid();
		_exit(0);
	}
	hand_over(-1);
}

/* Run operations until the turn is somebody else's. */
static void run_turn(void)
{
	int self = this_actor;

	do {
		struct op *op = &control->ops[control->turn];
		long result;

		if (op->code == OP_EXIT)
			leave(self);
		if (op->code == OP_FORK)
			control->process[op->a[0]] = op->a[0];
		result = run_op(op->code, op->a, op->uid);
		if (this_actor != self) {	/* the child of a fork */
			die_with_server();
			open_proc_files();
			return;
		}
		if (op->code == OP_FORK && result >= 0)
			control->alive[result] = 1;
		control->results[op->index] = result;
		if (control->request.every_op)
			observe(op->uid);
		control->turn++;
	} while (!hand_over(self));
}

static void *actor_main(void *actor)
{
	this_actor = (intptr_t)actor;
	for (;;)
		switch (wait_for_call(this_actor)) {
		case OBSERVE:
			observe(0);
			hand_over(-1);
			break;
		case QUIT:
			_exit(0);
		default:
			run_turn();
		}
	return NULL;
}

static void start_thread(int actor, void *(*thread_main)(void *))
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	errno = pthread_create(&thread, &attributes, thread_main, (void *)(intptr_t)actor);
	if (errno)
		give_up("pthread_create");
}

static void begin_program(void)
{
	struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS };

	die_with_server();
	if (setsid() < 0 || (control->request.kind == RUN_PROGRAM && setrlimit(RLIMIT_CPU, &cpu)))
		give_up("setsid, setrlimit");
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	open_proc_files();
}

/* In a child of the server. */
static void run_program(void)
{
	uint32_t used = 1;

	begin_program();
	for (uint32_t i = 0; i < control->request.nr_ops; i++)
		used |= 1u << control->ops[i].actor;
	used &= ~control->request.children | 1;
	for (int i = 0; i < NR_ACTORS; i++)
		if (used >> i & 1) {
			control->alive[i] = 1;
			if (i)
				start_thread(i, actor_main);
		}
	if (!hand_over(0))
		call_actor(0, RUN);
	actor_main(0);
}

#endif /* ACTORS_H */
