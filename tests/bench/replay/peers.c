/* SPDX-License-Identifier: MIT */
/*
 * peers.c: the simulation that all other rules run in, and those that give each chunk a figure:
 * random, age, heat, and the duel as it was first published, with one chunk in eight sampled.
 */
#include <stdlib.h>
#include <string.h>

#include "replay.h"

/* The last one takes the place of who leaves, as in any array: the published figures of 2Q and ARC hang on it. */
static void leave(struct sim *s, uint32_t c)
{
	uint32_t last = s->who[--s->resident_count];

	s->resident[c] = 0;
	s->who[s->place[c]] = last;
	s->place[last] = s->place[c];
}

static void come(struct sim *s, uint32_t c)
{
	s->resident[c] = 1;
	s->place[c] = s->resident_count;
	s->who[s->resident_count++] = c;
}

static void scan(struct sim *s, const struct peer *peer)
{
	if (peer->scan)
		peer->scan(s);
	for (uint32_t k = 0; k < s->resident_count && peer->hit && !peer->exact; k++)
		if (s->bit[s->who[k]])
			peer->hit(s, s->who[k]);
	memset(s->bit, 0, s->workload->chunks);
}

uint64_t peer_hits(const struct peer *peer, const struct workload *w, uint32_t room,
		   uint32_t scan_every, uint64_t seed)
{
	struct sim s = {.workload = w, .room = room, .scan_every = scan_every, .random = seed};
	uint64_t hits = 0;

	s.resident = must_alloc(w->chunks, 1);
	s.bit = must_alloc(w->chunks, 1);
	s.who = must_alloc(w->chunks, sizeof(*s.who));
	s.place = must_alloc(w->chunks, sizeof(*s.place));
	peer->begin(&s);
	for (size_t i = 0; i < w->count; i++) {
		uint32_t c = w->access[i];

		s.bit[c] = 1; /* by a fault too, once it is served */
		if (s.resident[c]) {
			hits++;
			if (peer->exact)
				peer->hit(&s, c);
		} else {
			if (s.resident_count == room)
				leave(&s, peer->victim(&s, c));
			come(&s, c);
			s.faults++;
			peer->came(&s, c);
		}
		if ((i + 1) % scan_every == 0)
			scan(&s, peer);
	}
	peer->end(&s);
	free(s.resident);
	free(s.bit);
	free(s.who);
	free(s.place);
	return hits;
}

/* ---- figures */

#define SAMPLING 8u

/* One of the published shadows: as many places as are sampled. */
struct shadow {
	double miss;
	uint8_t *in;
	uint32_t *order;
	uint32_t count;
};

struct figures {
	double *figure; /* the lowest leaves */
	uint32_t *order; /* of the last fault; the oldest of equals leaves */
	uint32_t clock, epoch;
	uint32_t *fault, faults; /* sampled ones of this epoch */
	uint8_t *fresh;	   /* faulted in this epoch: replayed as that, not as a bit too */
	double *cool; /* the shadows' own counters */
	struct shadow shadow[2]; /* heat, pin */
	uint32_t clock_shadow;
	unsigned winner;
};

static void figures_begin(struct sim *s)
{
	struct figures *f = must_alloc(1, sizeof(*f));
	uint32_t n = s->workload->chunks;

	f->figure = must_alloc(n, sizeof(*f->figure));
	f->order = must_alloc(n, sizeof(*f->order));
	f->cool = must_alloc(n, sizeof(*f->cool));
	f->fresh = must_alloc(n, 1);
	f->fault = must_alloc(s->scan_every, sizeof(*f->fault));
	for (int i = 0; i < 2; i++) {
		f->shadow[i].in = must_alloc(n, 1);
		f->shadow[i].order = must_alloc(n, sizeof(uint32_t));
	}
	s->state = f;
}

static void figures_end(struct sim *s)
{
	struct figures *f = s->state;

	for (int i = 0; i < 2; i++) {
		free(f->shadow[i].in);
		free(f->shadow[i].order);
	}
	free(f->figure);
	free(f->order);
	free(f->cool);
	free(f->fresh);
	free(f->fault);
	free(f);
}

static uint32_t lowest(const uint8_t *in, const double *figure, const uint32_t *order, uint32_t n)
{
	uint32_t best = UINT32_MAX;

	for (uint32_t c = 0; c < n; c++)
		if (in[c] && (best == UINT32_MAX || figure[c] < figure[best] ||
			      (figure[c] == figure[best] && order[c] < order[best])))
			best = c;
	return best;
}

static uint32_t latest(const uint8_t *in, const uint32_t *order, uint32_t n)
{
	uint32_t best = UINT32_MAX;

	for (uint32_t c = 0; c < n; c++)
		if (in[c] && (best == UINT32_MAX || order[c] > order[best]))
			best = c;
	return best;
}

static uint32_t victim_lowest(struct sim *s, uint32_t wanted)
{
	struct figures *f = s->state;

	(void)wanted;
	return lowest(s->resident, f->figure, f->order, s->workload->chunks);
}

static uint32_t victim_any(struct sim *s, uint32_t wanted)
{
	uint32_t c;

	(void)wanted;
	do
		c = random_below(&s->random, s->workload->chunks);
	while (!s->resident[c]);
	return c;
}

static void nothing(struct sim *s, uint32_t c)
{
	(void)s;
	(void)c;
}

const struct peer peer_rand = {"rand", false,	   figures_begin, NULL,
			       NULL,   victim_any, nothing,	  figures_end};

/* Age: the figure is the epoch of the last touch. */
static void age_scan(struct sim *s)
{
	struct figures *f = s->state;

	f->epoch++;
}

static void age_hit(struct sim *s, uint32_t c)
{
	struct figures *f = s->state;

	f->figure[c] = f->epoch;
}

static void age_came(struct sim *s, uint32_t c)
{
	struct figures *f = s->state;

	f->figure[c] = f->epoch;
	f->order[c] = ++f->clock;
}

const struct peer peer_age = {"age",	false,	       figures_begin, age_hit,
			      age_scan, victim_lowest, age_came,      figures_end};

static void heat_scan(struct sim *s)
{
	struct figures *f = s->state;

	for (uint32_t c = 0; c < s->workload->chunks; c++)
		f->figure[c] *= 0.7;
}

static void heat_hit(struct sim *s, uint32_t c)
{
	struct figures *f = s->state;

	f->figure[c] += 1;
}

static void heat_came(struct sim *s, uint32_t c)
{
	struct figures *f = s->state;

	f->figure[c] += 1;
	f->order[c] = ++f->clock;
}

const struct peer peer_heat = {"heat",	  false,	 figures_begin, heat_hit,
			       heat_scan, victim_lowest, heat_came,	figures_end};

/* ---- the published duel */

static bool sampled(uint32_t c)
{
	uint32_t h = c;

	h = (h ^ h >> 16) * 0x85ebca6bu;
	h = (h ^ h >> 13) * 0xc2b2ae35u;
	return (h ^ h >> 16) >> 29 == 0;
}

static void replay_one(struct sim *s, struct figures *f, uint32_t c)
{
	uint32_t room = s->room / SAMPLING, n = s->workload->chunks, out;

	f->cool[c] += 1;
	f->clock_shadow++;
	for (unsigned i = 0; i < 2; i++) {
		struct shadow *d = &f->shadow[i];

		if (d->in[c])
			continue;
		d->miss += 1;
		if (d->count == room) {
			out = i ? latest(d->in, d->order, n) : lowest(d->in, f->cool, d->order, n);
			d->in[out] = 0;
		} else {
			d->count++;
		}
		d->in[c] = 1;
		d->order[c] = f->clock_shadow;
	}
}

static void duel_scan(struct sim *s)
{
	struct figures *f = s->state;
	double *miss[2] = {&f->shadow[f->winner].miss, &f->shadow[!f->winner].miss};

	heat_scan(s);
	for (uint32_t c = 0; c < s->workload->chunks; c++)
		f->cool[c] *= 0.7;
	f->shadow[0].miss *= 0.8;
	f->shadow[1].miss *= 0.8;
	for (uint32_t i = 0; i < f->faults; i++)
		replay_one(s, f, f->fault[i]);
	for (uint32_t c = 0; c < s->workload->chunks; c++)
		if (sampled(c) && s->bit[c] && !f->fresh[c])
			replay_one(s, f, c);
	f->faults = 0;
	memset(f->fresh, 0, s->workload->chunks);
	if (*miss[1] < 0.9 * *miss[0] - 1)
		f->winner = !f->winner;
}

static uint32_t duel_victim(struct sim *s, uint32_t wanted)
{
	struct figures *f = s->state;

	if (f->winner == 1 && random_below(&s->random, 32) != 0)
		return latest(s->resident, f->order, s->workload->chunks);
	return victim_lowest(s, wanted);
}

static void duel_came(struct sim *s, uint32_t c)
{
	struct figures *f = s->state;

	heat_came(s, c);
	f->fresh[c] = 1;
	if (sampled(c))
		f->fault[f->faults++] = c;
}

const struct peer peer_duel = {"duel-1/8", false,	figures_begin, heat_hit,
			       duel_scan,  duel_victim, duel_came,     figures_end};
