/* SPDX-License-Identifier: MIT */
/*
 * decide.c: evict, admit or leave alone.
 */
#include "agent/decide.h"

static uint64_t share(uint64_t own, uint64_t sum, uint64_t limit)
{
	if (sum <= limit || own == 0)
		return 0;
	/* Rounded up: what each rounds down, nobody evicts. */
	return (uint64_t)(((unsigned __int128)(sum - limit) * own + sum - 1) / sum);
}

struct gm_decision gm_decide(const struct gm_standing *s)
{
	struct gm_decision d = { 0 };
	uint64_t step;

	if (s->request == GPUMEM_REQUEST_EVICT ||
	    (s->placement == GPUMEM_PLACE_HOST && s->request != GPUMEM_REQUEST_MIGRATE)) {
		d.evict_bytes = s->own;
		return d;
	}
	d.evict_bytes = share(s->own, s->job, s->job_limit);
	step = share(s->own, s->step, s->step_limit);
	if (step > d.evict_bytes)
		d.evict_bytes = step;
	d.admit = d.evict_bytes == 0 && s->job < s->job_limit && s->step < s->step_limit &&
		  (s->request == GPUMEM_REQUEST_MIGRATE ||
		   (s->first_choice && (s->placement == GPUMEM_PLACE_PREFER ||
					s->placement == GPUMEM_PLACE_BIND)));
	return d;
}
