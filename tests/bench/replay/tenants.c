/* SPDX-License-Identifier: MIT */
/*
 * tenants.c: two processes, each with an engine and a chunk table of its own, on one device. Who
 * holds how much is what lib/engine/share.c says at each scan.
 */
#include <stdio.h>
#include <stdlib.h>

#include "device.h"
#include "engine/share.h"

#define TENANTS 2u
#define SIZES 3u
#define WANTED_CLASS 1u /* of lib/agent/sweep.c */

enum { HOTSET = 0, ZIPF = 1, CYCLIC = 2 };

static const unsigned oversubscribed[SIZES] = {125, 156, 200};

static const struct product products[] = {
	{"duel", GPUMEM_EVICT_DUEL, MOVES_DEMAND, 0},
	{"duel+c", GPUMEM_EVICT_DUEL, MOVES_COHERENT, 0},
	{"duel+s", GPUMEM_EVICT_DUEL, MOVES_AT_SCANS, 0},
};
#define PRODUCTS (sizeof(products) / sizeof(*products))

static const struct pair {
	const char *name;
	unsigned which[TENANTS];
	bool late; /* the second comes after a third of the time */
} pairs[] = {
	{"hot+str", {HOTSET, CYCLIC}, false},
	{"zipf+late", {ZIPF, HOTSET}, true},
};
#define PAIRS (sizeof(pairs) / sizeof(*pairs))

struct play {
	struct workload w[TENANTS], merged;
	uint8_t *turn; /* whose each access of `merged` is */
	size_t alone; /* accesses of the first before the second comes */
};

static struct play play_make(const struct pair *pair, const struct further *f)
{
	uint32_t half = f->chunks / TENANTS;
	struct play p = {.merged = {.name = pair->name, .chunks = f->chunks, .count = f->accesses}};
	size_t count[TENANTS] = {0}, at[TENANTS] = {0};
	uint64_t random = f->seed;

	p.alone = pair->late ? p.merged.count / 3 : 0;
	p.turn = must_alloc(p.merged.count, 1);
	p.merged.access = must_alloc(p.merged.count, sizeof(*p.merged.access));
	for (size_t i = 0; i < p.merged.count; i++) {
		p.turn[i] = i < p.alone ? 0 : (uint8_t)random_below(&random, TENANTS);
		count[p.turn[i]]++;
	}
	for (unsigned t = 0; t < TENANTS; t++)
		p.w[t] = workload_make(pair->which[t], half, count[t], f->seed + t);
	for (size_t i = 0; i < p.merged.count; i++) {
		unsigned t = p.turn[i];

		p.merged.access[i] = t * half + p.w[t].access[at[t]++];
	}
	return p;
}

static void play_free(struct play *p)
{
	for (unsigned t = 0; t < TENANTS; t++)
		workload_free(&p->w[t]);
	workload_free(&p->merged);
	free(p->turn);
}

/* ---- one device */

struct node {
	struct device d[TENANTS];
	struct gm_levels levels;
	uint32_t most; /* chunks at the high mark */
	uint32_t may[TENANTS]; /* chunks each may hold until the next scan */
	uint64_t hits[TENANTS], held[TENANTS];
};

/* What gm_proc_publish() does. */
static void publish(struct device *d, struct gm_holder *ret)
{
	*ret = (struct gm_holder){.charged = d->engine.resident * GPUMEM_CHUNK_BYTES};
	for (uint32_t n = 0; n < d->numbers; n++) {
		unsigned class = gm_engine_class(&d->engine, d->id[n]);

		if (device_chunk(d, n)->device_pages)
			ret->class_bytes[class] += GPUMEM_CHUNK_BYTES;
		else if (class >= WANTED_CLASS)
			ret->wanted += GPUMEM_CHUNK_BYTES;
	}
}

static void evict(struct device *d, uint64_t bytes)
{
	uint32_t out;

	for (uint64_t done = 0; done < bytes; done += GPUMEM_CHUNK_BYTES) {
		if (gm_engine_victims(&d->engine, 1, true, &out) == 0)
			return;
		device_out(d, out);
	}
}

/* What gm_proc_settle() does for tenant t. */
static void settle(struct node *o, struct gm_holder *holder, unsigned t)
{
	uint64_t sum = 0, room, owed;
	struct gm_share share;

	for (unsigned k = 0; k < TENANTS; k++)
		sum += holder[k].charged;
	if (sum > o->levels.high)
		o->levels.draining = true;
	else if (sum <= o->levels.low)
		o->levels.draining = false;
	gm_share(holder, TENANTS, t, &o->levels, &share);
	room = holder[t].charged + share.room;
	owed = holder[t].charged + holder[t].wanted;
	owed = owed < share.fair ? owed : share.fair;
	device_set_room(&o->d[t], (uint32_t)((room > owed ? room : owed) / GPUMEM_CHUNK_BYTES));
	evict(&o->d[t], share.give);
	if (share.give)
		share.room = 0;
	holder[t].charged = o->d[t].engine.resident * GPUMEM_CHUNK_BYTES;
	o->may[t] = (uint32_t)((holder[t].charged + share.room) / GPUMEM_CHUNK_BYTES);
	o->d[t].room = o->may[t];
	if (o->d[t].when == MOVES_AT_SCANS && !share.give)
		device_exchange(&o->d[t]);
	holder[t].charged = o->d[t].engine.resident * GPUMEM_CHUNK_BYTES;
}

static void scan(struct node *o)
{
	struct gm_holder holder[TENANTS];

	for (unsigned t = 0; t < TENANTS; t++) {
		device_scan(&o->d[t]);
		publish(&o->d[t], &holder[t]);
		o->held[t] += o->d[t].engine.resident;
	}
	for (unsigned t = 0; t < TENANTS; t++)
		settle(o, holder, t);
}

static struct node node_run(const struct product *product, const struct play *p, uint32_t room,
			    const struct further *f)
{
	struct node o = {.most = room * GPUMEM_HIGH_PERCENT / 100};
	size_t at[TENANTS] = {0};

	o.levels.high = o.most * GPUMEM_CHUNK_BYTES;
	o.levels.low = room * GPUMEM_LOW_PERCENT / 100 * GPUMEM_CHUNK_BYTES;
	for (unsigned t = 0; t < TENANTS; t++) {
		device_begin(&o.d[t], product, p->w[t].chunks, f->seed + t);
		device_set_room(&o.d[t], o.most / TENANTS);
		o.may[t] = o.most / TENANTS;
	}
	for (size_t i = 0; i < p->merged.count; i++) {
		unsigned t = p->turn[i];
		uint32_t sum = o.d[0].engine.resident + o.d[1].engine.resident;

		/* Both were told of the same free room: who comes second finds it taken. */
		o.d[t].room = sum >= o.most ? o.d[t].engine.resident : o.may[t];
		if (o.d[t].room > o.may[t])
			o.d[t].room = o.may[t];
		o.hits[t] += device_access(&o.d[t], p->w[t].access[at[t]++]);
		if ((i + 1) % f->scan_every == 0)
			scan(&o);
	}
	for (unsigned t = 0; t < TENANTS; t++)
		device_end(&o.d[t]);
	return o;
}

/* ---- tables */

static double percent(uint64_t hits, uint64_t of)
{
	return of ? 100 * (double)hits / (double)of : 0;
}

/* Returns the lowest sum. */
static double one_size(const struct play *p, unsigned size, const struct further *f)
{
	uint32_t room = f->chunks * 100 / size;
	uint32_t alone = p->alone && room > p->w[0].chunks ? p->w[0].chunks : room;
	uint64_t most = belady_hits(&p->merged, room), fair[TENANTS];
	double lowest = 100;

	fair[0] = belady_hits_until(&p->w[0], p->alone ? alone : room / 2, p->alone, room / 2);
	fair[1] = belady_hits(&p->w[1], room / 2);
	for (size_t i = 0; i < PRODUCTS; i++) {
		struct node o = node_run(&products[i], p, room, f);
		struct outcome one =
			product_run(&products[i], &p->merged, o.most, f->scan_every, f->seed);
		double sum = percent(o.hits[0] + o.hits[1], most);

		printf("%-9s%4u%9s%9.1f%9.1f%9.1f%9.1f%9.1f%9.1f%9.1f\n", p->merged.name, size,
		       products[i].name, percent(o.hits[0], fair[0]), percent(o.hits[1], fair[1]),
		       sum, percent(fair[0] + fair[1], most), percent(one.hits, most),
		       percent(peer_hits(&peer_lrf, &p->merged, room, f->scan_every, f->seed),
			       most),
		       percent(o.held[0], o.held[0] + o.held[1]));
		if (sum < lowest)
			lowest = sum;
	}
	return lowest;
}

double tenants_print(const struct further *f)
{
	double lowest = 100;

	printf("%-13s%9s%9s%9s%9s%9s%9s%9s%9s\n", "tenants", "", "first", "second", "both", "fair",
	       "one", "lrf", "held");
	for (size_t i = 0; i < PAIRS; i++) {
		struct play p = play_make(&pairs[i], f);

		for (unsigned k = 0; k < SIZES; k++) {
			double low = one_size(&p, oversubscribed[k], f);

			lowest = low < lowest ? low : lowest;
		}
		play_free(&p);
	}
	puts("");
	return lowest;
}
