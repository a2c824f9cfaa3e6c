/* SPDX-License-Identifier: MIT */
/*
 * product.c: the real engine, told what an agent would tell it.
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "device.h"

#define BATCH 64u /* of lib/agent/exchange.c */

struct gm_chunk *device_chunk(struct device *d, uint32_t n)
{
	return gm_chunk_at(&d->chunks, d->id[n]);
}

void device_in(struct device *d, uint32_t id)
{
	struct gm_chunk *c = gm_chunk_at(&d->chunks, id);

	c->device_pages += c->host_pages;
	c->host_pages = 0;
	gm_engine_came(&d->engine, id);
	d->moves++;
}

void device_out(struct device *d, uint32_t id)
{
	struct gm_chunk *c = gm_chunk_at(&d->chunks, id);

	c->host_pages += c->device_pages;
	c->device_pages = 0;
	gm_engine_went(&d->engine, id, true);
}

static void miss(struct device *d, uint32_t n)
{
	enum gpumem_reason reason;
	uint32_t out;

	if (d->when == MOVES_AT_SCANS)
		return;
	gm_engine_faulted(&d->engine, d->id[n]);
	if (d->engine.resident >= d->room) {
		bool may_stay = d->when == MOVES_COHERENT;

		if (gm_engine_victims(&d->engine, 1, !may_stay, &out) == 0)
			return;
		if (may_stay && !gm_engine_swap(&d->engine, d->id[n], out, &reason))
			return;
		device_out(d, out);
	}
	device_in(d, d->id[n]);
}

bool device_access(struct device *d, uint32_t n)
{
	bool hit = device_chunk(d, n)->device_pages != 0;

	d->bit[n] = 1;
	if (!hit)
		miss(d, n);
	return hit;
}

void device_scan(struct device *d)
{
	for (uint32_t n = 0; n < d->numbers; n++)
		if (d->bit[n])
			gm_engine_touched(&d->engine, d->id[n]);
	memset(d->bit, 0, d->numbers);
	gm_engine_epoch(&d->engine);
}

void device_exchange(struct device *d)
{
	uint32_t in[BATCH], out[BATCH];
	size_t wanted = gm_engine_wanted(&d->engine, BATCH, in), next = 0;
	size_t victims = gm_engine_victims(&d->engine, BATCH, false, out);
	enum gpumem_reason reason;

	for (size_t k = 0; k < wanted; k++) {
		if (d->engine.resident < d->room) {
			device_in(d, in[k]);
			continue;
		}
		if (next == victims)
			break;
		if (!gm_engine_swap(&d->engine, in[k], out[next], &reason)) {
			if (reason != GPUMEM_REASON_PINNED)
				break;
			continue;
		}
		device_out(d, out[next++]);
		device_in(d, in[k]);
	}
}

void device_set_room(struct device *d, uint32_t room)
{
	d->room = room;
	gm_engine_set_room(&d->engine, room);
}

void device_begin(struct device *d, const struct product *product, uint32_t chunks, uint64_t seed)
{
	memset(d, 0, sizeof(*d));
	d->when = product->when;
	d->numbers = chunks;
	d->bit = must_alloc(chunks, 1);
	d->id = must_alloc(chunks, sizeof(*d->id));
	if (gm_engine_init(&d->engine, &d->chunks, 0, (enum gpumem_evict_order)product->order, seed) < 0 ||
	    (d->when == MOVES_DEMAND && gm_engine_force(&d->engine) < 0)) {
		fputs("replay: out of memory\n", stderr);
		exit(1);
	}
	d->engine.without = product->without;
	for (uint32_t n = 0; n < chunks; n++) {
		d->id[n] = gm_chunks_get(&d->chunks, 0x3f80000 + n);
		device_chunk(d, n)->host_pages = 512;
	}
}

void device_end(struct device *d)
{
	gm_engine_fini(&d->engine);
	gm_chunks_free(&d->chunks);
	free(d->id);
	free(d->bit);
}

struct outcome product_run(const struct product *product, const struct workload *w, uint32_t room,
			   uint32_t scan_every, uint64_t seed)
{
	struct outcome o = {0};
	struct device d;

	device_begin(&d, product, w->chunks, seed);
	device_set_room(&d, room);
	for (size_t i = 0; i < w->count; i++) {
		o.hits += device_access(&d, w->access[i]);
		if ((i + 1) % scan_every != 0)
			continue;
		device_scan(&d);
		if (d.when == MOVES_AT_SCANS)
			device_exchange(&d);
	}
	o.moves = d.moves;
	o.switches = d.engine.switches;
	device_end(&d);
	return o;
}
