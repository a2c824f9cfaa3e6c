/* SPDX-License-Identifier: MIT */
/*
 * record.h: what a job finds on a node, made without Slurm: the device list and a job's record.
 */
#ifndef BENCH_RECORD_H
#define BENCH_RECORD_H

#include <limits.h>

#include "gpumem.h"

struct bench_job {
	char dir[PATH_MAX];	    /* for GPUMEM_JOB */
	char plan[GPUMEM_PLAN_LEN]; /* for GPUMEM_PLAN */
};

/* Record 1 below state_dir, for the caller, under "prefer" without a limit. */
int bench_record(struct gpumem_ctx *ctx, const struct gpumem_devices *devices,
		 const char *state_dir, struct bench_job *ret, struct gpumem_error *err);

#endif
