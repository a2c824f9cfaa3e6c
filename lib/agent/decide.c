/* SPDX-License-Identifier: MIT */
/*
 * decide.c: evict, admit or leave alone.
 */
#include "agent/decide.h"

#define WEAVE_SLACK (2 * GPUMEM_CHUNK_BYTES)

/* Over a step's limit every process of the step gives in proportion to what it holds, so that all
 * together reach it in one round whatever they know of each other. */
static uint64_t in_proportion(uint64_t own, uint64_t sum, uint64_t limit)
{
	if (sum <= limit || own == 0)
		return 0;
	/* Rounded up: what each rounds down, nobody evicts. */
	return (uint64_t)(((unsigned __int128)(sum - limit) * own + sum - 1) / sum);
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static struct gm_decision all_out(const struct gm_standing *s, enum gpumem_reason reason)
{
	return (struct gm_decision){
		.evict_bytes = s->own,
		.evict_reason = reason,
		.must = true,
		.all = true,
	};
}

/* What has to leave, for whichever reason asks for most. */
static void give(const struct gm_standing *s, struct gm_decision *d)
{
	uint64_t step = in_proportion(s->own, s->step, s->step_high);
	bool over_limit = s->job > s->job_limit;

	d->evict_bytes = s->share.give;
	d->evict_reason = over_limit	? GPUMEM_REASON_LIMIT :
			  s->share.over ? GPUMEM_REASON_MARK :
					  GPUMEM_REASON_SHARE;
	if (step > d->evict_bytes) {
		d->evict_bytes = step;
		d->evict_reason = GPUMEM_REASON_LIMIT;
	}
	if (s->pressure && less(s->pressure, s->own) > d->evict_bytes) {
		d->evict_bytes = less(s->pressure, s->own);
		d->evict_reason = GPUMEM_REASON_PRESSURE;
	}
	if (d->evict_bytes)
		d->must = d->evict_reason != GPUMEM_REASON_PRESSURE;
}

/* Chunks go in turn to devices and system memory; what is there beyond the part has to go, once it is worth it. */
static struct gm_decision weave(const struct gm_standing *s, struct gm_decision d)
{
	uint64_t want = s->weave_bytes > s->own ? s->weave_bytes - s->own : 0;
	uint64_t beyond = s->own > s->weave_bytes ? s->own - s->weave_bytes : 0;

	if (beyond >= WEAVE_SLACK && beyond > d.evict_bytes) {
		d.evict_bytes = beyond;
		/* A limit that is passed as well is no less strict for it. */
		if (!d.must)
			d.evict_reason = GPUMEM_REASON_POLICY;
	}
	if (s->memcg_near) {
		d.stay_reason = GPUMEM_REASON_MEMCG;
		return d;
	}
	if (d.evict_bytes || s->pressure)
		return d;
	d.admit_bytes = less(s->share.room, want);
	/* Heat decides only where the limit leaves no room for the part. */
	d.exchange = s->share.room < want;
	if (s->step_high != UINT64_MAX)
		d.admit_bytes = less(d.admit_bytes,
				     s->step_high > s->step ? s->step_high - s->step : 0);
	d.cold_bytes = d.admit_bytes;
	return d;
}

static bool wants_in(const struct gm_standing *s)
{
	return s->request == GPUMEM_REQUEST_MIGRATE ||
	       (s->first_choice && (s->placement == GPUMEM_PLACE_PREFER ||
				    s->placement == GPUMEM_PLACE_BIND));
}

struct gm_decision gm_decide(const struct gm_standing *s)
{
	struct gm_decision d = { 0 };

	if (s->suspended)
		return all_out(s, GPUMEM_REASON_SUSPENDED);
	if (s->request == GPUMEM_REQUEST_EVICT)
		return all_out(s, GPUMEM_REASON_ASKED);
	if (s->placement == GPUMEM_PLACE_HOST && s->request != GPUMEM_REQUEST_MIGRATE)
		return all_out(s, GPUMEM_REASON_POLICY);
	give(s, &d);
	if (s->weaves && s->request != GPUMEM_REQUEST_MIGRATE)
		return weave(s, d);
	if (!wants_in(s))
		return d;
	if (s->memcg_near) {
		d.stay_reason = GPUMEM_REASON_MEMCG;
		return d;
	}
	if (d.evict_bytes)
		return d;
	d.exchange = true;
	d.admit_bytes = s->pressure ? 0 : s->share.room;
	/* The room that what is cold leaves free is for what is hot: where nothing is traded, nobody else takes it. */
	d.cold_bytes = s->request == GPUMEM_REQUEST_MIGRATE || !s->trades ? d.admit_bytes :
									    s->share.cold_room;
	if (s->step_high != UINT64_MAX)
		d.admit_bytes = less(d.admit_bytes,
				     s->step_high > s->step ? s->step_high - s->step : 0);
	return d;
}
