/* SPDX-License-Identifier: MIT */
/*
 * thread.c: starting and stopping the agent's thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent/thread.h"

/* What the C library puts on a stack (thread-local variables of every library) may be large. */
#define LEAST_STACK (1ul << 20)
#define LARGEST_STACK (64ul << 20)

static struct {
	pthread_t thread;
	bool running;
	void *stack;
	size_t stack_bytes;
	void (*fn)(void);
	sigset_t application_signals;
	_Atomic uint32_t leave;
} self;

/*
 * Private, as a forked child unlinks the thread from lists that run through its stack, and with a
 * file's name, so that the scan does not take it for the application's memory.
 */
static void *stack_new(size_t bytes)
{
	int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_NORESERVE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

	if (fd >= 0)
		close(fd);
	return p == MAP_FAILED ? NULL : p;
}

static void stack_free(void)
{
	if (self.stack)
		munmap(self.stack, self.stack_bytes);
	self.stack = NULL;
}

static void *thread_main(void *unused)
{
	(void)unused;
	prctl(PR_SET_NAME, "gpumem", 0, 0, 0);
	self.fn();
	/* The last thread of a process runs its exit handlers. */
	pthread_sigmask(SIG_SETMASK, &self.application_signals, NULL);
	return NULL;
}

static int create(size_t stack_bytes)
{
	pthread_attr_t attr;
	sigset_t all;
	int rc;

	self.stack_bytes = stack_bytes;
	self.stack = stack_new(stack_bytes);
	if (!self.stack)
		return ENOMEM;
	rc = pthread_attr_init(&attr);
	if (rc == 0) {
		pthread_attr_setstack(&attr, self.stack, stack_bytes);
		/* The application's signals are for its own threads: blocked before this one exists. */
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &self.application_signals);
		rc = pthread_create(&self.thread, &attr, thread_main, NULL);
		pthread_sigmask(SIG_SETMASK, &self.application_signals, NULL);
		pthread_attr_destroy(&attr);
	}
	if (rc != 0)
		stack_free();
	return rc;
}

void gm_thread_start(void (*fn)(void))
{
	size_t stack = LEAST_STACK;
	int rc = EINVAL;

	self.fn = fn;
	atomic_store(&self.leave, 0);
	/* EINVAL: the thread-local variables alone fill it. Nobody tells their size. */
	for (; rc == EINVAL && stack <= LARGEST_STACK; stack *= 4)
		rc = create(stack);
	self.running = rc == 0;
}

bool gm_thread_stop(void (*wake)(void))
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	if (!self.running)
		return false;
	atomic_store(&self.leave, 1);
	do {
		syscall(SYS_futex, &self.leave, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
		wake();
		nanosleep(&nap, NULL);
	} while (pthread_tryjoin_np(self.thread, NULL) == EBUSY);
	self.running = false;
	stack_free();
	return true;
}

void gm_thread_forget(void)
{
	self.running = false;
	stack_free();
}

bool gm_thread_leaving(void)
{
	return atomic_load(&self.leave);
}

void gm_thread_sleep(uint64_t ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};

	syscall(SYS_futex, &self.leave, FUTEX_WAIT_PRIVATE, 0, &ts, NULL, 0);
}
