/* SPDX-License-Identifier: MIT */
/*
 * decide.h: what a process should do about one device, from what the ledger, the plan and its
 * surroundings say. Pure: no system call, no clock.
 */
#ifndef GM_DECIDE_H
#define GM_DECIDE_H

#include <stdbool.h>

#include "engine/share.h"
#include "gpumem.h"

struct gm_standing {
	enum gpumem_placement placement;
	enum gpumem_request request;
	bool first_choice; /* the device is the plan's nearest */
	bool suspended;	   /* the job is about to be stopped, and its policy is to let go */
	bool trades;	   /* by the rule, hotter chunks may replace colder ones */
	bool memcg_near;   /* moving in could cost the job its life */
	uint64_t own, job, job_limit;
	uint64_t step, step_high; /* of the own step; UINT64_MAX: no limit of its own */
	uint64_t pressure;	  /* bytes that the device lacks */
	bool weaves;	      /* interleave: the device holds its part of what the process has */
	uint64_t weave_bytes; /* that part */
	struct gm_share share;
};

struct gm_decision {
	uint64_t evict_bytes; /* take these off the device, rounded up to chunks */
	enum gpumem_reason evict_reason;
	bool must;	      /* also what is settling or protected */
	uint64_t admit_bytes; /* may be brought in without taking anything off */
	uint64_t cold_bytes;  /* of them, of what was there before and is not in use */
	bool all;	      /* nothing is to stay there, whatever it is */
	bool exchange;	      /* hotter chunks may replace colder ones */
	enum gpumem_reason stay_reason; /* why nothing comes that otherwise would; 0: the room decides */
};

struct gm_decision gm_decide(const struct gm_standing *s);

#endif
