/* SPDX-License-Identifier: MIT */
/*
 * cgroup.h: the cgroup of the job that the calling slurmstepd serves.
 */
#ifndef GM_CGROUP_H
#define GM_CGROUP_H

#include <stddef.h>

/* The job's level of a line "0::/…/job_5/step_0/slurm" of /proc/PID/cgroup, without a mount point.
 * Its name is Slurm's business and never built from the job id. Pure. Errors: ENOENT, ENOSPC. */
int gm_job_level(const char *line, char *buf, size_t len);
/* The folder of the own job's cgroup (v2). Errors: ENOENT, ENOSPC. */
int gm_own_job_cgroup(char *buf, size_t len);

#endif
