/* SPDX-License-Identifier: MIT */
/*
 * headroom.h: what surrounds the process's moves: the memory cgroup it is charged to, how full the
 * devices are, what other jobs on the node reserve.
 */
#ifndef GM_HEADROOM_H
#define GM_HEADROOM_H

#include <limits.h>
#include <stdbool.h>

#include "ledger/ledger.h"

struct gm_headroom {
	uint64_t not_before_ns; /* of the next look */
	char state_dir[PATH_MAX]; /* with the records of all jobs of the node; "" unknown */
	uint64_t neighbours_ns; /* no look at the other jobs before */
	char memcg[PATH_MAX]; /* folder of the innermost cgroup with a limit; "" none */
	bool memcg_known;
	bool memcg_near;		       /* less than a margin is left below memory.max */
	uint64_t pressure[GPUMEM_MAX_DEVICES]; /* bytes that a device lacks, this process's part */
	uint64_t reserved[GPUMEM_MAX_DEVICES]; /* kept free for other jobs */
};

/* `job_dir` is the folder of the own record. */
void gm_headroom_init(struct gm_headroom *h, const char *job_dir);
/* Looks again, at most twice a second. Costs a few reads of /sys and /sys/fs/cgroup. */
void gm_headroom_look(struct gm_headroom *h, const struct gm_ledger *ledger, uint64_t now_ns);

/* Bytes that may still move to the device before it is nearly full; UINT64_MAX when the driver does not
 * say. One read of sysfs. */
uint64_t gm_headroom_of(const struct gm_limits_device *device);
/* The part of a device's lack of free memory that a holder of `own` of `used` bytes gives: free memory
 * should not fall below 1/64 of the device. Pure. */
uint64_t gm_pressure_part(uint64_t total, uint64_t used, uint64_t own);

#endif
