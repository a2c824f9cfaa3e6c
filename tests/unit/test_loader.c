/* SPDX-License-Identifier: MIT */
/*
 * test_loader: a process that forks while another thread opens the device's library. dlopen() is replaced by one
 * that takes its time, and finds nothing.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/loader.h"
#include "place/svm.h"

#define IN_DLOPEN 7

static atomic_bool inside;
static int (*meanwhile)(void);
static int status_of_meanwhile;

void *__wrap_dlopen(const char *name, int flags);
void *__wrap_dlopen(const char *name, int flags)
{
	(void)name;
	(void)flags;
	atomic_store(&inside, true);
	if (meanwhile)
		status_of_meanwhile = meanwhile();
	else
		usleep(300000);
	atomic_store(&inside, false);
	return NULL;
}

/* A child that uses the loader as its agent would; 0 when it began after dlopen(). */
static int fork_once(void)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		bool half_made = atomic_load(&inside);

		alarm(20);
		if (!meanwhile) {
			gm_loader_enter();
			gm_loader_leave();
		}
		_exit(half_made ? IN_DLOPEN : 0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void *opener(void *unused)
{
	struct gm_place_devices devices = { 0 };
	struct gm_kfd *kfd;

	(void)unused;
	return (void *)(intptr_t)gm_kfd_hsakmt.open(&devices, &kfd);
}

static void test_fork_waits(void **state)
{
	pthread_t thread;
	void *rc;

	(void)state;
#ifndef HAVE_HSAKMT
	skip(); /* nothing is opened then */
#endif
	assert_int_equal(fork_once(), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pthread_create(&thread, NULL, opener, NULL), 0);
		while (!atomic_load(&inside))
			usleep(1000);
		assert_int_equal(fork_once(), 0);
		assert_int_equal(pthread_join(thread, &rc), 0);
		assert_int_equal((intptr_t)rc, -ENOSYS);
	}
}

/* A library's constructor that forks does not wait for itself. */
static void test_fork_inside(void **state)
{
	struct timespec before, after;

	(void)state;
#ifndef HAVE_HSAKMT
	skip();
#endif
	meanwhile = fork_once;
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal((intptr_t)opener(NULL), -ENOSYS);
	clock_gettime(CLOCK_MONOTONIC, &after);
	meanwhile = NULL;
	assert_int_equal(status_of_meanwhile, IN_DLOPEN);
	assert_true(after.tv_sec - before.tv_sec < 5);
	assert_int_equal(fork_once(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_fork_waits),
					    cmocka_unit_test(test_fork_inside) };

	pthread_atfork(gm_loader_before_fork, gm_loader_after_fork, gm_loader_in_child);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
