/* SPDX-License-Identifier: MIT */
/*
 * loader.c: forks kept apart from the use of the dynamic loader.
 */
#include <pthread.h>
#include <time.h>

#include "base/loader.h"

/* Longer than a library takes to come from a busy network file system; only a library whose constructor forks
 * at that very moment waits in vain. */
#define LONGEST_S 10

static pthread_mutex_t inside = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool entered, kept_out;

void gm_loader_enter(void)
{
	pthread_mutex_lock(&inside);
	entered = true;
}

void gm_loader_leave(void)
{
	entered = false;
	pthread_mutex_unlock(&inside);
}

void gm_loader_before_fork(void)
{
	struct timespec until;

	if (entered)
		return;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LONGEST_S;
	kept_out = pthread_mutex_timedlock(&inside, &until) == 0;
}

void gm_loader_after_fork(void)
{
	if (kept_out)
		pthread_mutex_unlock(&inside);
	kept_out = false;
}

void gm_loader_in_child(void)
{
	/* Whoever held it is not here. */
	if (!entered)
		pthread_mutex_init(&inside, NULL);
	kept_out = false;
}
