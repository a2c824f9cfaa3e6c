/* SPDX-License-Identifier: MIT */
/*
 * product.c: the real engine, told what an agent would tell it.
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "replay.h"

struct device {
	struct gm_chunks chunks;
	struct gm_engine engine;
	uint32_t *id; /* by number of the workload */
	uint32_t room;
	bool coherent;
	uint64_t moves;
};

static struct gm_chunk *chunk(struct device *d, uint32_t n)
{
	return gm_chunk_at(&d->chunks, d->id[n]);
}

static void move_in(struct device *d, uint32_t n)
{
	struct gm_chunk *c = chunk(d, n);

	c->device_pages = 512;
	c->host_pages = 0;
	gm_engine_came(&d->engine, d->id[n]);
	d->moves++;
}

static void move_out(struct device *d, uint32_t id)
{
	struct gm_chunk *c = gm_chunk_at(&d->chunks, id);

	c->device_pages = 0;
	c->host_pages = 512;
	gm_engine_went(&d->engine, id, true);
}

static void miss(struct device *d, uint32_t n)
{
	enum gpumem_reason reason;
	uint32_t out;

	gm_engine_faulted(&d->engine, d->id[n]);
	if (d->engine.resident >= d->room) {
		if (gm_engine_victims(&d->engine, 1, !d->coherent, &out) == 0)
			return;
		if (d->coherent && !gm_engine_swap(&d->engine, d->id[n], out, &reason))
			return;
		move_out(d, out);
	}
	move_in(d, n);
}

static void scan(struct device *d, uint8_t *bit, uint32_t chunks)
{
	for (uint32_t n = 0; n < chunks; n++)
		if (bit[n])
			gm_engine_touched(&d->engine, d->id[n]);
	memset(bit, 0, chunks);
	gm_engine_epoch(&d->engine);
}

struct outcome product_run(const struct product *product, const struct workload *w, uint32_t room,
			   uint32_t scan_every, uint64_t seed)
{
	struct device d = {.room = room, .coherent = product->coherent};
	uint8_t *bit = must_alloc(w->chunks, 1);
	struct outcome o = {0};

	d.id = must_alloc(w->chunks, sizeof(*d.id));
	if (gm_engine_init(&d.engine, &d.chunks, 0, (enum gpumem_evict_order)product->order, seed) <
	    0) {
		fputs("replay: out of memory\n", stderr);
		exit(1);
	}
	d.engine.without = product->without;
	for (uint32_t n = 0; n < w->chunks; n++) {
		d.id[n] = gm_chunks_get(&d.chunks, 0x3f80000 + n);
		chunk(&d, n)->host_pages = 512;
	}
	gm_engine_set_room(&d.engine, room);
	for (size_t i = 0; i < w->count; i++) {
		uint32_t n = w->access[i];

		bit[n] = 1;
		if (chunk(&d, n)->device_pages)
			o.hits++;
		else
			miss(&d, n);
		if ((i + 1) % scan_every == 0)
			scan(&d, bit, w->chunks);
	}
	o.moves = d.moves;
	o.switches = d.engine.switches;
	gm_engine_fini(&d.engine);
	gm_chunks_free(&d.chunks);
	free(d.id);
	free(bit);
	return o;
}
