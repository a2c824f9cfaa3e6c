/* SPDX-License-Identifier: MIT */
/*
 * signs.c: getrusage(2), clocks and /proc/self/statm.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "agent/signs.h"
#include "base/cleanup.h"
#include "base/clock.h"

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

uint64_t gm_signs_faults(void)
{
	struct rusage all = { 0 }, own = { 0 };

	getrusage(RUSAGE_SELF, &all);
	getrusage(RUSAGE_THREAD, &own);
	return less((uint64_t)all.ru_minflt + (uint64_t)all.ru_majflt,
		    (uint64_t)own.ru_minflt + (uint64_t)own.ru_majflt);
}

uint64_t gm_signs_cpu_ns(void)
{
	return less(gm_now_ns(CLOCK_PROCESS_CPUTIME_ID), gm_now_ns(CLOCK_THREAD_CPUTIME_ID));
}

void gm_signs_read(struct gm_signs *ret)
{
	_cleanup_close_ int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	unsigned long mapped = 0, resident = 0, shared = 0;
	char text[128];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	sscanf(text, "%lu %lu %lu", &mapped, &resident, &shared);
	ret->mapped = mapped;
	ret->own = less(resident, shared);
	ret->faults = gm_signs_faults();
}
