/* SPDX-License-Identifier: MIT */
/*
 * queues.c: the rules that keep chunks in lists: fault order, LRU, MRU, SIEVE, S3-FIFO, 2Q, ARC.
 * Written from their descriptions; those that count hits get them from the scans, but for LRU.
 */
#include <stdlib.h>
#include <string.h>

#include "replay.h"

#define NOBODY UINT32_MAX
#define LISTS 4u

/* Doubly linked; each chunk is in one list or none. */
struct lists {
	uint32_t *newer, *older; /* by chunk */
	uint8_t *in; /* 1 + list, 0 none */
	uint8_t *count; /* hits, as far as the rule counts */
	uint32_t newest[LISTS], oldest[LISTS], size[LISTS];
	uint32_t hand; /* SIEVE */
	double target; /* ARC: aim for the size of list 0 */
	uint8_t *ghost_of; /* ARC, 2Q: where a fault was remembered */
	bool promote; /* the fault that is being served was remembered */
};

static void lists_begin(struct sim *s)
{
	struct lists *l = must_alloc(1, sizeof(*l));
	uint32_t n = s->workload->chunks;

	l->newer = must_alloc(n, sizeof(*l->newer));
	l->older = must_alloc(n, sizeof(*l->older));
	l->in = must_alloc(n, 1);
	l->count = must_alloc(n, 1);
	for (unsigned i = 0; i < LISTS; i++)
		l->newest[i] = l->oldest[i] = NOBODY;
	l->hand = NOBODY;
	s->state = l;
}

static void lists_end(struct sim *s)
{
	struct lists *l = s->state;

	free(l->newer);
	free(l->older);
	free(l->in);
	free(l->count);
	free(l);
}

static void take(struct lists *l, uint32_t c)
{
	unsigned i = l->in[c] - 1u;

	if (l->in[c] == 0)
		return;
	if (l->newer[c] == NOBODY)
		l->newest[i] = l->older[c];
	else
		l->older[l->newer[c]] = l->older[c];
	if (l->older[c] == NOBODY)
		l->oldest[i] = l->newer[c];
	else
		l->newer[l->older[c]] = l->newer[c];
	l->in[c] = 0;
	l->size[i]--;
}

static void push(struct lists *l, unsigned i, uint32_t c)
{
	take(l, c);
	l->newer[c] = NOBODY;
	l->older[c] = l->newest[i];
	if (l->newest[i] != NOBODY)
		l->newer[l->newest[i]] = c;
	else
		l->oldest[i] = c;
	l->newest[i] = c;
	l->in[c] = (uint8_t)(i + 1);
	l->size[i]++;
}

static void push_first(struct sim *s, uint32_t c)
{
	push(s->state, 0, c);
}

static uint32_t victim_oldest(struct sim *s, uint32_t wanted)
{
	struct lists *l = s->state;
	uint32_t c = l->oldest[0];

	(void)wanted;
	take(l, c);
	return c;
}

static uint32_t victim_newest(struct sim *s, uint32_t wanted)
{
	struct lists *l = s->state;
	uint32_t c = l->newest[0];

	(void)wanted;
	take(l, c);
	return c;
}

const struct peer peer_lrf = {"lrf", false,	    lists_begin, NULL,
			      NULL,  victim_oldest, push_first,	 lists_end};
const struct peer peer_lru = {"lru*", true,	     lists_begin, push_first,
			      NULL,   victim_oldest, push_first,  lists_end};
const struct peer peer_mru = {"mru", false,	    lists_begin, NULL,
			      NULL,  victim_newest, push_first,	 lists_end};

/* ---- SIEVE: the hand goes from old to new, spares who was visited once */

static void visited(struct sim *s, uint32_t c)
{
	struct lists *l = s->state;

	l->count[c] = 1;
}

static uint32_t sieve_victim(struct sim *s, uint32_t wanted)
{
	struct lists *l = s->state;
	uint32_t c = l->hand == NOBODY ? l->oldest[0] : l->hand;

	(void)wanted;
	while (l->count[c]) {
		l->count[c] = 0;
		c = l->newer[c] == NOBODY ? l->oldest[0] : l->newer[c];
	}
	l->hand = l->newer[c];
	take(l, c);
	return c;
}

static void sieve_came(struct sim *s, uint32_t c)
{
	struct lists *l = s->state;

	l->count[c] = 0;
	push(l, 0, c);
}

const struct peer peer_sieve = {"sieve", false,	       lists_begin, visited,
				NULL,	 sieve_victim, sieve_came,  lists_end};

/* ---- S3-FIFO: small 0 (a tenth), main 1, ghost 2 */

static void s3_hit(struct sim *s, uint32_t c)
{
	struct lists *l = s->state;

	if (l->count[c] < 3)
		l->count[c]++;
}

static void remember(struct lists *l, unsigned ghost, uint32_t c, uint32_t most)
{
	push(l, ghost, c);
	if (l->size[ghost] > most)
		take(l, l->oldest[ghost]);
}

static uint32_t s3_victim(struct sim *s, uint32_t wanted)
{
	struct lists *l = s->state;
	uint32_t small = s->room / 10;

	l->promote = l->in[wanted] == 3;
	take(l, wanted);
	for (;;) {
		uint32_t c;

		if (l->size[0] >= small || l->size[1] == 0) {
			c = l->oldest[0];
			if (l->count[c] > 1) {
				push(l, 1, c);
				l->count[c] = 0;
				continue;
			}
			remember(l, 2, c, s->room - small);
			return c;
		}
		c = l->oldest[1];
		if (l->count[c]) {
			l->count[c]--;
			push(l, 1, c);
			continue;
		}
		take(l, c);
		return c;
	}
}

static void s3_came(struct sim *s, uint32_t c)
{
	struct lists *l = s->state;

	push(l, l->promote ? 1 : 0, c);
	l->promote = false;
	l->count[c] = 0;
}

const struct peer peer_s3fifo = {"s3-fifo", false,     lists_begin, s3_hit,
				 NULL,	    s3_victim, s3_came,	    lists_end};

/* ---- 2Q: new 0 (a fifth), main 1 (LRU), remembered 2 (half) */

static void twoq_hit(struct sim *s, uint32_t c)
{
	struct lists *l = s->state;

	if (l->in[c] == 2)
		push(l, 1, c);
}

static uint32_t twoq_victim(struct sim *s, uint32_t wanted)
{
	struct lists *l = s->state;
	uint32_t c;

	l->promote = l->in[wanted] == 3;
	take(l, wanted);
	if (l->size[0] > s->room / 5 || l->size[1] == 0) {
		c = l->oldest[0];
		remember(l, 2, c, s->room / 2);
		return c;
	}
	c = l->oldest[1];
	take(l, c);
	return c;
}

static void twoq_came(struct sim *s, uint32_t c)
{
	struct lists *l = s->state;

	push(l, l->promote ? 1 : 0, c);
	l->promote = false;
}

const struct peer peer_2q = {"2q", false,	lists_begin, twoq_hit,
			     NULL, twoq_victim, twoq_came,   lists_end};

/* ---- ARC: once 0, often 1, and their ghosts 2 and 3 */

static void arc_hit(struct sim *s, uint32_t c)
{
	push(s->state, 1, c);
}

static uint32_t arc_replace(struct lists *l, bool from_ghost_often)
{
	unsigned i = 1;
	uint32_t c;

	if (l->size[0] && (l->size[0] > l->target ||
			   (from_ghost_often && l->size[0] >= l->target) || l->size[1] == 0))
		i = 0;
	c = l->oldest[i];
	push(l, 2 + i, c);
	return c;
}

static uint32_t arc_victim(struct sim *s, uint32_t wanted)
{
	struct lists *l = s->state;
	double ratio;
	uint32_t c;

	l->promote = l->in[wanted] >= 3;
	if (l->in[wanted] == 3) {
		ratio = (double)l->size[3] / l->size[2];
		l->target += ratio > 1 ? ratio : 1;
		if (l->target > s->room)
			l->target = s->room;
		return arc_replace(l, false);
	}
	if (l->in[wanted] == 4) {
		ratio = (double)l->size[2] / l->size[3];
		l->target -= ratio > 1 ? ratio : 1;
		if (l->target < 0)
			l->target = 0;
		return arc_replace(l, true);
	}
	if (l->size[0] + l->size[2] >= s->room) {
		if (l->size[0] < s->room) {
			take(l, l->oldest[2]);
			return arc_replace(l, false);
		}
		c = l->oldest[0];
		take(l, c);
		return c;
	}
	if (l->size[0] + l->size[1] + l->size[2] + l->size[3] >= 2 * s->room)
		take(l, l->oldest[3]);
	return arc_replace(l, false);
}

static void arc_came(struct sim *s, uint32_t c)
{
	struct lists *l = s->state;

	push(l, l->promote ? 1 : 0, c);
	l->promote = false;
}

const struct peer peer_arc = {"arc", false,	 lists_begin, arc_hit,
			      NULL,  arc_victim, arc_came,    lists_end};
