/* SPDX-License-Identifier: MIT */
/*
 * cgroup.c: finding the job's cgroup from inside a step.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "discover/cgroup.h"

/* Cuts the line before, or behind, the folder whose name begins with "step_". */
static int level(const char *line, int with_step, char *buf, size_t len)
{
	const char *step;
	size_t n;

	if (strncmp(line, "0::/", 4) != 0)
		return -ENOENT;
	line += 3;
	step = strstr(line, "/step_");
	if (!step || step == line)
		return -ENOENT;
	n = (size_t)(step - line);
	if (with_step)
		n += 1 + strcspn(step + 1, "/\n");
	if (n >= len)
		return -ENOSPC;
	memcpy(buf, line, n);
	buf[n] = '\0';
	return 0;
}

int gm_job_level(const char *line, char *buf, size_t len)
{
	return level(line, 0, buf, len);
}

int gm_step_level(const char *line, char *buf, size_t len)
{
	return level(line, 1, buf, len);
}

static int own(int with_step, char *buf, size_t len)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/cgroup", "re");
	char line[4096], path[4096];

	while (f && fgets(line, sizeof(line), f)) {
		int n;

		if (level(line, with_step, path, sizeof(path)) < 0)
			continue;
		n = snprintf(buf, len, GM_CGROUP_MOUNT "%s", path);
		return n < 0 || (size_t)n >= len ? -ENOSPC : 0;
	}
	return -ENOENT;
}

int gm_own_job_cgroup(char *buf, size_t len)
{
	return own(0, buf, len);
}

int gm_own_step_cgroup(char *buf, size_t len)
{
	return own(1, buf, len);
}
