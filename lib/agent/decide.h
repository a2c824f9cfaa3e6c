/* SPDX-License-Identifier: MIT */
/*
 * decide.h: what a process should do about one device, from what the ledger and the plan say.
 * Pure: no system call, no clock.
 */
#ifndef GM_DECIDE_H
#define GM_DECIDE_H

#include <stdbool.h>

#include "gpumem.h"

struct gm_standing {
	enum gpumem_placement placement;
	enum gpumem_request request;
	bool first_choice; /* the device is the plan's nearest */
	uint64_t own, job, step;	   /* bytes charged */
	uint64_t job_limit, step_limit; /* UINT64_MAX: none */
};

struct gm_decision {
	uint64_t evict_bytes; /* take these off the device, rounded up to chunks */
	bool admit;	      /* bring memory in, as far as charges allow */
};

/* Over a limit every process gives in proportion to what it holds, so that all together reach it
 * in one round whatever they know of each other. */
struct gm_decision gm_decide(const struct gm_standing *s);

#endif
