/* SPDX-License-Identifier: MIT */
/*
 * often.c: the mean of touches per epoch.
 */
#include "engine/often.h"

#define WHOLE 4096u
#define FIRST_PACE 64u
#define FAULT_ONE 256u /* what decays has eight binary places */
#define ROUNDS 64u /* of touching every chunk once: how long the memory is */

void gm_often_begin(struct gm_often *o)
{
	*o = (struct gm_often){.pace = FIRST_PACE, .per_bit = GM_OFTEN_BIT};
}

void gm_often_fault(struct gm_often *o, bool first)
{
	o->faults += FAULT_ONE;
	o->faulted += first ? FAULT_ONE : 0;
}

void gm_often_epoch(struct gm_often *o, uint64_t touches, uint32_t chunks)
{
	uint64_t all = touches + (uint64_t)ROUNDS * chunks;

	o->per_bit = o->faulted ? (uint32_t)(GM_OFTEN_BIT * o->faults / o->faulted) : GM_OFTEN_BIT;
	/* Both stay at the same rest, and a bit at one touch. */
	o->faults -= o->faults / 4;
	o->faulted -= o->faulted / 4;
	o->pace = touches ? (uint32_t)(WHOLE * touches / all) : 0;
	if (o->pace == 0 && touches)
		o->pace = 1;
}

static uint16_t at_most(uint32_t value)
{
	return (uint16_t)(value < UINT16_MAX ? value : UINT16_MAX);
}

bool gm_often_better(const struct gm_often *o, uint16_t in, uint16_t out)
{
	uint32_t touch = GM_OFTEN_ONE * o->pace / WHOLE;

	return in > out + out / 8u && (uint32_t)(in - out) > touch + touch / 2;
}

uint16_t gm_often_more(const struct gm_often *o, uint16_t value)
{
	return at_most(value + GM_OFTEN_ONE * o->pace / WHOLE);
}

uint16_t gm_often_value(const struct gm_often *o, uint16_t value, bool touched, bool counted)
{
	uint64_t seen = 0;

	if (counted)
		seen = GM_OFTEN_ONE;
	else if (touched)
		seen = (uint64_t)GM_OFTEN_ONE * o->per_bit / GM_OFTEN_BIT;
	value = (uint16_t)(value - (uint32_t)value * o->pace / WHOLE);
	return at_most((uint32_t)(value + seen * o->pace / WHOLE));
}
