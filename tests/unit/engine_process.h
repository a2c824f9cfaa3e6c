/* SPDX-License-Identifier: MIT */
/*
 * engine_process.h: a process of the tests, as the engine sees it.
 */
#ifndef ENGINE_PROCESS_H
#define ENGINE_PROCESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/engine.h"

#define MOST 4096u

/* A process whose chunk numbers are 0, 1, 2 ... */
struct process {
	struct gm_chunks chunks;
	struct gm_engine engine;
	uint32_t id[MOST];
};

static inline void begin(struct process *p, enum gpumem_evict_order order, uint32_t chunks, uint32_t room)
{
	memset(p, 0, sizeof(*p));
	assert_int_equal(gm_engine_init(&p->engine, &p->chunks, 3, order, 42), 0);
	for (uint32_t n = 0; n < chunks; n++)
		p->id[n] = gm_chunks_get(&p->chunks, n);
	gm_engine_set_room(&p->engine, room);
}

static inline void end(struct process *p)
{
	gm_engine_fini(&p->engine);
	gm_chunks_free(&p->chunks);
}

static inline void came(struct process *p, uint32_t n)
{
	struct gm_chunk *c = gm_chunk_at(&p->chunks, p->id[n]);

	c->device = 3;
	c->device_pages = 512;
	gm_engine_came(&p->engine, p->id[n]);
}

static inline void went(struct process *p, uint32_t n, bool evicted)
{
	gm_chunk_at(&p->chunks, p->id[n])->device_pages = 0;
	gm_engine_went(&p->engine, p->id[n], evicted);
}

static inline void touched(struct process *p, uint32_t n)
{
	gm_engine_touched(&p->engine, p->id[n]);
}

static inline void epochs(struct process *p, uint32_t count)
{
	while (count-- > 0)
		gm_engine_epoch(&p->engine);
}

/* The first to leave, as a number; -1 for none. */
static inline int64_t victim(struct process *p, bool force)
{
	uint32_t id;

	if (gm_engine_victims(&p->engine, 1, force, &id) == 0)
		return -1;
	return (int64_t)gm_chunk_number(&p->chunks, id);
}

#endif
