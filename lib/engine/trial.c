/* SPDX-License-Identifier: MIT */
/*
 * trial.c: what became of the shadows' word.
 */
#include "engine/trial.h"

#define FIRST_ROUNDS 16u
#define MOST_ROUNDS 64u
#define RATE_ONE 1024u
#define TOLERATED_PERCENT 105u /* of the faults before */
#define OTHER_DATA_PERCENT 150u /* of the faults when judged last, and this share of what was touched: */
#define OTHER_DATA_RATE (RATE_ONE / 16)

static void start_over(struct gm_trial *t)
{
	t->faults = t->touched = 0;
}

static void put_out(struct gm_trial *t, unsigned arm, uint64_t all)
{
	t->rounds[arm] = t->rounds[arm] ? 2 * t->rounds[arm] : FIRST_ROUNDS;
	if (t->rounds[arm] > MOST_ROUNDS)
		t->rounds[arm] = MOST_ROUNDS;
	t->out_until[arm] = t->work + t->rounds[arm] * all;
}

void gm_trial_begin(struct gm_trial *t, unsigned before, uint64_t all)
{
	if (t->before)
		put_out(t, before, all);
	t->before = (uint8_t)(before + 1);
	t->begun_within = true;
	start_over(t);
}

static bool has_failed(const struct gm_trial *t, unsigned arm, unsigned before)
{
	return t->rate[before] &&
	       (uint64_t)t->rate[arm] * 100 > (uint64_t)t->rate[before] * TOLERATED_PERCENT;
}

static bool went_on(const struct gm_trial *t, unsigned arm, uint32_t faults, uint32_t touched)
{
	return touched && t->rate[arm] &&
	       (uint64_t)faults * RATE_ONE / touched >
		       (uint64_t)t->rate[arm] * OTHER_DATA_PERCENT / 100 + OTHER_DATA_RATE;
}

static void forget_verdicts(struct gm_trial *t)
{
	for (unsigned a = 0; a < GM_TRIAL_ARMS; a++)
		t->out_until[a] = t->rate[a] = t->rounds[a] = 0;
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
	if (went_on(t, arm, faults, touched))
		forget_verdicts(t);
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
	put_out(t, arm, all);
	t->begun_within = true;
	return before;
}

bool gm_trial_is_out(const struct gm_trial *t, unsigned arm)
{
	return t->work < t->out_until[arm];
}
