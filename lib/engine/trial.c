/* SPDX-License-Identifier: MIT */
/*
 * trial.c: what became of the shadows' word.
 */
#include "engine/trial.h"

#define FIRST_ROUNDS 16u
#define MOST_ROUNDS 64u
#define RATE_ONE 1024u
#define TOLERATED_PERCENT 105u /* of the faults before */

static void start_over(struct gm_trial *t)
{
	t->faults = t->touched = 0;
}

void gm_trial_begin(struct gm_trial *t, unsigned before)
{
	t->before = (uint8_t)(before + 1);
	t->begun_within = true;
	start_over(t);
}

static bool has_failed(const struct gm_trial *t, unsigned arm, unsigned before)
{
	return t->rate[before] &&
	       (uint64_t)t->rate[arm] * 100 > (uint64_t)t->rate[before] * TOLERATED_PERCENT;
}

unsigned gm_trial_epoch(struct gm_trial *t, unsigned arm, uint32_t faults, uint32_t touched,
			uint64_t all)
{
	unsigned before;

	t->work += touched;
	if (t->begun_within) {
		t->begun_within = false;
		return arm;
	}
	t->faults += faults;
	t->touched += touched;
	if (t->touched < all || t->touched == 0)
		return arm;
	t->rate[arm] = (uint32_t)(t->faults * RATE_ONE / t->touched);
	start_over(t);
	if (t->before == 0)
		return arm;
	before = t->before - 1u;
	t->before = 0;
	if (!has_failed(t, arm, before)) {
		t->rounds[arm] = 0;
		return arm;
	}
	t->rounds[arm] = t->rounds[arm] ? 2 * t->rounds[arm] : FIRST_ROUNDS;
	if (t->rounds[arm] > MOST_ROUNDS)
		t->rounds[arm] = MOST_ROUNDS;
	t->out_until[arm] = t->work + t->rounds[arm] * all;
	t->begun_within = true;
	return before;
}

bool gm_trial_is_out(const struct gm_trial *t, unsigned arm)
{
	return t->work < t->out_until[arm];
}
