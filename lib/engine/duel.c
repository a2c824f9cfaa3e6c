/* SPDX-License-Identifier: MIT */
/*
 * duel.c: the shadows. A directory is a heap with the chunk on top that its arm would evict next.
 */
#include <string.h>

#include "base/shmem.h"
#include "engine/duel.h"
#include "engine/trial.h"

#define TABLE (2 * GM_DUEL_SAMPLES)
#define NOBODY UINT32_MAX
#define MISS_ONE 256u /* misses have eight binary places */
#define RIPE_FAULTS 64u /* of samples, for a choice within an epoch */
#define BETTER_PERCENT 7u /* less to pay before the arm changes */
/* How long misses are remembered, in halves of a round of touching every chunk once: a sweep has to be seen
 * whole, however many epochs it takes. */
#define WINDOW_HALVES 5u
/* What pin must save to be chosen, in thousandths of the touches: it follows nobody who goes on to other data. */
#define PIN_BIAS 20u

/* In the order of `arm` in the shadow. */
static const enum gpumem_rule arms[GM_DUEL_ARMS] = {GPUMEM_RULE_HEAT, GPUMEM_RULE_PIN,
						    GPUMEM_RULE_OFTEN, GPUMEM_RULE_AGE};
enum { HEAT, PIN, OFTEN, AGE };

struct sample {
	uint32_t id;
	uint32_t heat;
	uint16_t often;
	uint8_t idle; /* epochs since it was touched */
	bool touched, faulted; /* in this epoch */
};

struct directory {
	uint64_t key[GM_DUEL_SAMPLES]; /* by slot; the smallest leaves first */
	uint16_t heap[GM_DUEL_SAMPLES +
		      1]; /* slots; [0] unused, so that a place of 0 is "not here" */
	uint16_t place[GM_DUEL_SAMPLES];
	uint32_t count, room;
	uint64_t misses; /* decayed */
};

struct gm_shadow {
	struct sample sample[GM_DUEL_SAMPLES];
	uint16_t table[TABLE]; /* hash of an id to 1 + slot, open addressing */
	uint16_t spare[GM_DUEL_SAMPLES];
	uint32_t spares, slots; /* slots that became free; those that were ever used */
	uint32_t used;
	uint32_t shift; /* one of 2^shift chunks is sampled */
	uint32_t order; /* counts up with each arrival in a directory */
	uint64_t touches; /* decayed */
	uint32_t fresh_touches; /* since the last epoch */
	uint32_t fresh_faults;	/* since the last choice */
	bool forced;
	const struct gm_often *often;
	struct directory arm[GM_DUEL_ARMS];
	struct gm_trial trial;
};

_Static_assert(GM_TRIAL_ARMS == GM_DUEL_ARMS, "every arm is tried");

struct gm_shadow *gm_duel_new(const struct gm_often *often, bool forced)
{
	struct gm_shadow *s = gm_shmem_new(sizeof(*s));

	if (s) {
		s->often = often;
		s->forced = forced;
	}
	return s;
}

void gm_duel_free(struct gm_shadow *s)
{
	gm_shmem_free(s, sizeof(*s));
}

static uint32_t hash(uint32_t id)
{
	id = (id ^ id >> 16) * 0x7feb352du;
	id = (id ^ id >> 15) * 0x846ca68bu;
	return id ^ id >> 16;
}

static bool sampled(const struct gm_shadow *s, uint32_t id)
{
	return s->shift == 0 || hash(id) >> (32 - s->shift) == 0;
}

/* ---- the heap of a directory */

static void put(struct directory *d, uint32_t at, uint16_t slot)
{
	d->heap[at] = slot;
	d->place[slot] = (uint16_t)at;
}

static void sift_up(struct directory *d, uint32_t at, uint16_t slot)
{
	for (; at > 1 && d->key[d->heap[at / 2]] > d->key[slot]; at /= 2)
		put(d, at, d->heap[at / 2]);
	put(d, at, slot);
}

static void sift_down(struct directory *d, uint32_t at, uint16_t slot)
{
	for (uint32_t child = 2 * at; child <= d->count; child = 2 * at) {
		if (child < d->count && d->key[d->heap[child + 1]] < d->key[d->heap[child]])
			child++;
		if (d->key[slot] <= d->key[d->heap[child]])
			break;
		put(d, at, d->heap[child]);
		at = child;
	}
	put(d, at, slot);
}

static void leave(struct directory *d, uint16_t slot)
{
	uint32_t at = d->place[slot];
	uint16_t last = d->heap[d->count--];

	d->place[slot] = 0;
	if (last == slot)
		return;
	if (at > 1 && d->key[d->heap[at / 2]] > d->key[last])
		sift_up(d, at, last);
	else
		sift_down(d, at, last);
}

/* ---- the samples */

static uint32_t probe(const struct gm_shadow *s, uint32_t id)
{
	uint32_t i = hash(id) % TABLE;

	while (s->table[i] && s->sample[s->table[i] - 1].id != id)
		i = (i + 1) % TABLE;
	return i;
}

static void forget_at(struct gm_shadow *s, uint32_t hole)
{
	uint16_t slot = (uint16_t)(s->table[hole] - 1);

	for (uint32_t a = 0; a < GM_DUEL_ARMS; a++)
		if (s->arm[a].place[slot])
			leave(&s->arm[a], slot);
	memset(&s->sample[slot], 0, sizeof(s->sample[slot]));
	s->spare[s->spares++] = slot;
	s->used--;
	for (uint32_t i = (hole + 1) % TABLE; s->table[i]; i = (i + 1) % TABLE) {
		uint32_t home = hash(s->sample[s->table[i] - 1].id) % TABLE;

		if ((i - home) % TABLE < (i - hole) % TABLE)
			continue;
		s->table[hole] = s->table[i];
		hole = i;
	}
	s->table[hole] = 0;
}

void gm_duel_gone(struct gm_shadow *s, uint32_t id)
{
	uint32_t at = sampled(s, id) ? probe(s, id) : 0;

	if (sampled(s, id) && s->table[at])
		forget_at(s, at);
}

/* Halves the sample until there is room for one more. */
static void thin_out(struct gm_shadow *s)
{
	while (s->used == GM_DUEL_SAMPLES) {
		s->shift++;
		for (uint32_t i = 0; i < TABLE;) {
			if (s->table[i] && !sampled(s, s->sample[s->table[i] - 1].id))
				forget_at(s, i); /* another may stand here now: look again */
			else
				i++;
		}
	}
}

static uint32_t slot_of(struct gm_shadow *s, uint32_t id)
{
	uint32_t at, slot;

	if (!sampled(s, id))
		return NOBODY;
	at = probe(s, id);
	if (s->table[at])
		return s->table[at] - 1u;
	if (s->used == GM_DUEL_SAMPLES) {
		thin_out(s);
		return slot_of(s, id);
	}
	slot = s->spares ? s->spare[--s->spares] : s->slots++;
	s->table[at] = (uint16_t)(slot + 1);
	s->sample[slot].id = id;
	s->used++;
	return slot;
}

/* ---- the replay */

static uint64_t key_of(unsigned a, const struct sample *sample, uint32_t order)
{
	return gm_duel_key(arms[a], sample->heat, sample->often, sample->idle, order);
}

static bool newest_first(unsigned a)
{
	return a == PIN || a == OFTEN;
}

static uint32_t order_of(unsigned a, uint64_t key)
{
	return newest_first(a) ? UINT32_MAX - (uint32_t)key : (uint32_t)key;
}

/* As gm_engine_swap() has it. */
static bool would_come(const struct gm_shadow *s, unsigned a, const struct sample *in, const struct sample *out)
{
	switch (a) {
	case PIN:
		return false;
	case OFTEN:
		return gm_often_better(s->often, in->often, out->often);
	case AGE:
		return out->idle > in->idle;
	default:
		return gm_duel_better(in->heat, out->heat);
	}
}

static void come(struct gm_shadow *s, unsigned a, uint16_t slot)
{
	struct directory *d = &s->arm[a];
	struct sample as = s->sample[slot];

	if (s->forced)
		as.often = gm_duel_newcomer(as.often);
	d->key[slot] = key_of(a, &as, s->order);
	sift_up(d, ++d->count, slot);
}

static void miss(struct gm_shadow *s, unsigned a, uint16_t slot, uint32_t price)
{
	struct directory *d = &s->arm[a];

	d->misses += price;
	if (d->room == 0)
		return;
	if (d->count >= d->room) {
		uint16_t out = d->heap[1];

		if (!s->forced && !would_come(s, a, &s->sample[slot], &s->sample[out]))
			return;
		leave(d, out);
	}
	come(s, a, slot);
}

static void touch(struct gm_shadow *s, uint32_t id, bool fault)
{
	uint32_t slot = slot_of(s, id), price = MISS_ONE;
	struct sample *sample;

	if (slot == NOBODY)
		return;
	/* Who misses comes and leaves again in between; where he may stay remote, the second time he comes. */
	if (!fault && s->forced)
		price = price * s->often->per_bit / GM_OFTEN_BIT;
	sample = &s->sample[slot];
	if (fault && sample->touched)
		sample->often = gm_often_more(s->often, sample->often);
	sample->heat += GM_HEAT_ONE;
	sample->idle = 0;
	sample->touched = true;
	sample->faulted |= fault;
	s->order++;
	s->touches += price;
	s->fresh_touches++;
	s->fresh_faults += fault;
	for (unsigned a = 0; a < GM_DUEL_ARMS; a++) {
		struct directory *d = &s->arm[a];

		if (!d->place[slot]) {
			miss(s, a, (uint16_t)slot, price);
		} else if (!newest_first(a)) {
			d->key[slot] = key_of(a, sample, order_of(a, d->key[slot]));
			sift_down(d, d->place[slot], (uint16_t)slot);
		}
	}
}

void gm_duel_pinned(struct gm_shadow *s)
{
	struct directory *d = &s->arm[PIN];

	while (d->count)
		leave(d, d->heap[d->count]);
}

void gm_duel_holds(struct gm_shadow *s, uint32_t id)
{
	struct directory *d = &s->arm[PIN];
	uint32_t slot = d->count < d->room ? slot_of(s, id) : NOBODY;

	if (slot == NOBODY || d->place[slot])
		return;
	s->order++;
	come(s, PIN, (uint16_t)slot);
}

void gm_duel_faulted(struct gm_shadow *s, uint32_t id)
{
	touch(s, id, true);
}

void gm_duel_touched(struct gm_shadow *s, uint32_t id)
{
	touch(s, id, false);
}

static void cool(struct gm_shadow *s)
{
	for (uint32_t i = 0; i < s->slots; i++) {
		struct sample *sample = &s->sample[i];

		sample->heat = sample->heat * GM_HEAT_COOLING >> 8;
		sample->often = gm_often_value(s->often, sample->often, sample->touched, sample->faulted);
		sample->idle = (uint8_t)(sample->idle + (!sample->touched && sample->idle < UINT8_MAX));
		sample->touched = sample->faulted = false;
	}
}

static void sort_again(struct gm_shadow *s, unsigned a)
{
	struct directory *d = &s->arm[a];

	for (uint32_t i = 1; i <= d->count; i++) {
		uint16_t slot = d->heap[i];

		d->key[slot] = key_of(a, &s->sample[slot], order_of(a, d->key[slot]));
	}
	for (uint32_t i = d->count / 2; i > 0; i--)
		sift_down(d, i, d->heap[i]);
}

void gm_duel_epoch(struct gm_shadow *s, uint32_t room)
{
	uint64_t window = (uint64_t)s->used * WINDOW_HALVES / 2, all = window + s->fresh_touches;

	cool(s);
	s->fresh_touches = 0;
	s->touches = all ? s->touches * window / all : 0;
	room >>= s->shift;
	for (unsigned a = 0; a < GM_DUEL_ARMS; a++) {
		struct directory *d = &s->arm[a];

		d->misses = all ? d->misses * window / all : 0;
		d->room = room < GM_DUEL_SAMPLES ? room : GM_DUEL_SAMPLES;
		sort_again(s, a);
		while (d->count > d->room)
			leave(d, d->heap[1]);
	}
	if (s->shift && s->used < GM_DUEL_SAMPLES / 8)
		s->shift--;
}

bool gm_duel_ripe(const struct gm_shadow *s)
{
	return s->fresh_faults >= RIPE_FAULTS;
}

static unsigned index_of(enum gpumem_rule arm)
{
	unsigned a = GM_DUEL_ARMS - 1;

	while (a > 0 && arms[a] != arm)
		a--;
	return a;
}

enum gpumem_rule gm_duel_judge(struct gm_shadow *s, enum gpumem_rule arm, uint32_t faults,
			       uint32_t touched)
{
	return arms[gm_trial_epoch(&s->trial, index_of(arm), faults, touched,
				   (uint64_t)s->used << s->shift)];
}

enum gpumem_rule gm_duel_choose(struct gm_shadow *s, enum gpumem_rule arm, unsigned without)
{
	uint64_t cost[GM_DUEL_ARMS];
	unsigned now = index_of(arm), best = now;

	s->fresh_faults = 0;
	for (unsigned a = 0; a < GM_DUEL_ARMS; a++)
		cost[a] = s->arm[a].misses;
	if (!(without & GM_WITHOUT_BIAS))
		cost[PIN] += s->touches * PIN_BIAS / 1000;
	for (unsigned a = 0; a < GM_DUEL_ARMS; a++)
		if (cost[a] < cost[best] && !gm_trial_is_out(&s->trial, a) &&
		    !(a == OFTEN && without & GM_WITHOUT_OFTEN) &&
		    !(a == AGE && without & GM_WITHOUT_AGE))
			best = a;
	if (cost[best] + MISS_ONE >= cost[now] / 100 * (100 - BETTER_PERCENT))
		best = now;
	if (best != now && !(without & GM_WITHOUT_TRIALS))
		gm_trial_begin(&s->trial, now, (uint64_t)s->used << s->shift);
	return arms[best];
}

uint32_t gm_duel_hit_permille(const struct gm_shadow *s, enum gpumem_rule arm)
{
	uint64_t misses = s->arm[index_of(arm)].misses;

	if (s->touches == 0 || misses >= s->touches)
		return 0;
	return (uint32_t)(1000 - 1000 * misses / s->touches);
}
