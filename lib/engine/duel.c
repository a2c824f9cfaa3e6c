/* SPDX-License-Identifier: MIT */
/*
 * duel.c: the shadows. A directory is a heap with the chunk on top that its arm would evict next.
 */
#include <string.h>

#include "base/shmem.h"
#include "engine/duel.h"

#define TABLE (2 * GM_DUEL_SAMPLES)
#define NOBODY UINT32_MAX
#define MISS_ONE 256u /* misses have eight binary places */
#define HEAT_ONE 16384u

struct sample {
	uint32_t id;
	uint32_t heat;
};

struct directory {
	uint64_t key[GM_DUEL_SAMPLES];	    /* by slot; the smallest leaves first */
	uint16_t heap[GM_DUEL_SAMPLES + 1]; /* slots; [0] unused, so that a place of 0 is "not here" */
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
	struct directory arm[GM_DUEL_ARMS];
};

struct gm_shadow *gm_duel_new(void)
{
	return gm_shmem_new(sizeof(struct gm_shadow));
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

static uint64_t key_of(enum gm_arm arm, const struct sample *sample, uint32_t order)
{
	return arm == GM_ARM_PIN ? UINT32_MAX - order : (uint64_t)sample->heat << 32 | order;
}

static void touch(struct gm_shadow *s, uint32_t id)
{
	uint32_t slot = slot_of(s, id);
	struct sample *sample = &s->sample[slot % GM_DUEL_SAMPLES];

	if (slot == NOBODY)
		return;
	sample->heat += HEAT_ONE;
	s->order++;
	s->touches += MISS_ONE;
	for (uint32_t a = 0; a < GM_DUEL_ARMS; a++) {
		struct directory *d = &s->arm[a];

		if (d->place[slot]) {
			if (a == GM_ARM_HEAT) {
				d->key[slot] = key_of(a, sample, (uint32_t)d->key[slot]);
				sift_down(d, d->place[slot], (uint16_t)slot);
			}
			continue;
		}
		d->misses += MISS_ONE;
		if (d->count >= d->room && d->count)
			leave(d, d->heap[1]);
		if (d->count >= d->room)
			continue;
		d->key[slot] = key_of(a, sample, s->order);
		sift_up(d, ++d->count, (uint16_t)slot);
	}
}

void gm_duel_faulted(struct gm_shadow *s, uint32_t id)
{
	touch(s, id);
}

void gm_duel_touched(struct gm_shadow *s, uint32_t id)
{
	touch(s, id);
}

static void cool(struct gm_shadow *s)
{
	struct directory *d = &s->arm[GM_ARM_HEAT];

	for (uint32_t i = 0; i < s->slots; i++)
		s->sample[i].heat = s->sample[i].heat * 45875u >> 16;
	for (uint32_t i = 1; i <= d->count; i++) {
		uint16_t slot = d->heap[i];

		d->key[slot] = key_of(GM_ARM_HEAT, &s->sample[slot], (uint32_t)d->key[slot]);
	}
	for (uint32_t i = d->count / 2; i > 0; i--)
		sift_down(d, i, d->heap[i]);
}

enum gm_arm gm_duel_epoch(struct gm_shadow *s, uint32_t room, uint32_t chunks, enum gm_arm arm)
{
	enum gm_arm other = arm == GM_ARM_PIN ? GM_ARM_HEAT : GM_ARM_PIN;
	bool change = s->arm[other].misses + MISS_ONE < s->arm[arm].misses / 10 * 9;

	s->touches = s->touches / 5 * 4;
	for (uint32_t a = 0; a < GM_DUEL_ARMS; a++) {
		struct directory *d = &s->arm[a];

		d->misses = d->misses / 5 * 4;
		d->room = chunks > s->used ? (uint32_t)((uint64_t)room * s->used / chunks) : room;
		if (d->room > GM_DUEL_SAMPLES)
			d->room = GM_DUEL_SAMPLES;
		while (d->count > d->room)
			leave(d, d->heap[1]);
	}
	cool(s);
	if (s->shift && s->used < GM_DUEL_SAMPLES / 8)
		s->shift--;
	return change ? other : arm;
}

uint32_t gm_duel_hit_permille(const struct gm_shadow *s, enum gm_arm arm)
{
	uint64_t misses = s->arm[arm].misses;

	if (s->touches == 0 || misses >= s->touches)
		return 0;
	return (uint32_t)(1000 - 1000 * misses / s->touches);
}
