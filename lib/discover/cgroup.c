/* SPDX-License-Identifier: MIT */
/*
 * cgroup.c: finding the job's cgroup from inside a step.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "discover/cgroup.h"

#define MOUNT "/sys/fs/cgroup"

int gm_job_level(const char *line, char *buf, size_t len)
{
	const char *step;
	int n;

	if (strncmp(line, "0::/", 4) != 0)
		return -ENOENT;
	step = strstr(line + 3, "/step_");
	if (!step || step == line + 3)
		return -ENOENT;
	n = snprintf(buf, len, "%.*s", (int)(step - (line + 3)), line + 3);
	return n < 0 || (size_t)n >= len ? -ENOSPC : 0;
}

int gm_own_job_cgroup(char *buf, size_t len)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/cgroup", "re");
	char line[4096], level[4096];

	while (f && fgets(line, sizeof(line), f)) {
		int n;

		if (gm_job_level(line, level, sizeof(level)) < 0)
			continue;
		n = snprintf(buf, len, MOUNT "%s", level);
		return n < 0 || (size_t)n >= len ? -ENOSPC : 0;
	}
	return -ENOENT;
}
