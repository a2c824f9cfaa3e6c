/* SPDX-License-Identifier: MIT */
/*
 * loader.c: forks kept apart from the use of the dynamic loader.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/loader.h"

/* Longer than a library takes to come from a busy network file system; only a library whose constructor forks
 * at that very moment waits in vain. */
#define LONGEST_S 10

static pthread_mutex_t inside = PTHREAD_MUTEX_INITIALIZER;
/* Threads, 0 for none. No thread-local variables: they would make the agent depend on the loader by name. */
static atomic_ulong entered, kept_out;

static unsigned long self(void)
{
	return (unsigned long)pthread_self();
}

void gm_loader_enter(void)
{
	pthread_mutex_lock(&inside);
	atomic_store(&entered, self());
}

void gm_loader_leave(void)
{
	atomic_store(&entered, 0);
	pthread_mutex_unlock(&inside);
}

void gm_loader_before_fork(void)
{
	struct timespec until;

	if (atomic_load(&entered) == self())
		return;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LONGEST_S;
	if (pthread_mutex_timedlock(&inside, &until) == 0)
		atomic_store(&kept_out, self());
}

void gm_loader_after_fork(void)
{
	if (atomic_load(&kept_out) != self())
		return;
	atomic_store(&kept_out, 0);
	pthread_mutex_unlock(&inside);
}

void gm_loader_in_child(void)
{
	/* Whoever else held it is not here; the thread that forked is the same. */
	if (atomic_load(&entered) == self())
		return;
	atomic_store(&entered, 0);
	atomic_store(&kept_out, 0);
	pthread_mutex_init(&inside, NULL);
}
