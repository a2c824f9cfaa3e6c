/* SPDX-License-Identifier: MIT */
/*
 * single.c: calls that the kernel allows to a process with one thread only. A program that has
 * one thread of its own (a container's launcher, say) must not fail for ours, so it leaves while
 * the call runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent/agent.h"

#define PUBLIC __attribute__((visibility("default")))
#define TRIES 100 /* a thread that is joined needs a moment until the kernel no longer counts it */

static long call(long number, long a, long b)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	long rc = syscall(number, a, b);
	bool stopped;

	if (rc == 0 || errno != EINVAL)
		return rc;
	stopped = gm_agent_pause();
	for (int i = 0; stopped && i < TRIES && rc < 0 && errno == EINVAL; i++) {
		nanosleep(&nap, NULL);
		rc = syscall(number, a, b);
	}
	if (stopped) {
		int saved = errno;

		gm_agent_resume();
		errno = saved;
	}
	return rc;
}

PUBLIC int unshare(int flags)
{
	return (int)call(SYS_unshare, flags, 0);
}

PUBLIC int setns(int fd, int type)
{
	return (int)call(SYS_setns, fd, type);
}
