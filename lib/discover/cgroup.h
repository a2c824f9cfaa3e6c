/* SPDX-License-Identifier: MIT */
/*
 * cgroup.h: cgroups (v2) as facts: that of the job which the calling slurmstepd serves, and what the
 * dmem controller counts.
 */
#ifndef GM_CGROUP_H
#define GM_CGROUP_H

#include <stddef.h>

#define GM_CGROUP_MOUNT "/sys/fs/cgroup"
#define GM_DMEM_REGION_MAX 96

struct gm_root;

/* The job's level of a line "0::/…/job_5/step_0/slurm" of /proc/PID/cgroup, without a mount point.
 * Its name is Slurm's business and never built from the job id. Pure. Errors: ENOENT, ENOSPC. */
int gm_job_level(const char *line, char *buf, size_t len);
/* The same of the step's level: "/…/job_5/step_0". */
int gm_step_level(const char *line, char *buf, size_t len);
/* The folder of the own job's cgroup (v2). Errors: ENOENT, ENOSPC. */
int gm_own_job_cgroup(char *buf, size_t len);
/* The folder of the own step's. Errors: ENOENT, ENOSPC. */
int gm_own_step_cgroup(char *buf, size_t len);

/* The name by which the dmem controller counts the device's memory. Errors: ENOTSUP the kernel has
 * no such controller, ENOENT it does not count this device. */
int gm_dmem_region(struct gm_root *root, const char *pci, char *buf, size_t len);

#endif
