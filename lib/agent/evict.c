/* SPDX-License-Identifier: MIT */
/*
 * evict.c: taking off a device what has to leave.
 */
#include "agent/batch.h"
#include "agent/evict.h"
#include "base/clock.h"

#define EVICT_BATCH 64u
#define FIRST_WAIT_NS 1000000000ull
#define MAX_WAITS 6u
#define ASIDE_NS 30000000000ull /* before a chunk that would not move is tried again for an exchange */

/* What became of a chunk that was to leave. */
static void note_out(struct gm_proc *p, const struct gm_batched *b)
{
	uint64_t bytes = b->moved * gm_page_bytes();

	if (b->reason == GPUMEM_REASON_SUSPENDED && bytes) {
		gm_chunk_at(&p->chunks, b->id)->flags |= GM_CHUNK_BACK;
		p->returning = true;
	}
	gm_proc_note(p, b->id, bytes, bytes ? b->reason : GPUMEM_REASON_FAILED);
}

/* Looks at the chunk and adds what of it is on a device. False: that cannot be seen. */
static bool add_out(struct gm_proc *p, struct gm_batch *batch, uint32_t id, enum gpumem_reason reason,
		    uint64_t *ret_bytes)
{
	const struct gm_chunk *c = gm_chunk_at(&p->chunks, id);
	struct gm_chunk_view view;

	if (gm_view_present(p, gm_chunk_number(&p->chunks, id), 0, &view) < 0 ||
	    gm_view_sort(gm_chunk_number(&p->chunks, id), gm_chunk_uniform(c), &view) < 0)
		return false;
	*ret_bytes = gm_batch_out(p, batch, id, &view, reason);
	return true;
}

uint64_t gm_proc_out(struct gm_proc *p, uint32_t id, enum gpumem_reason reason)
{
	struct gm_batch one;
	uint64_t bytes;

	one.count = 0;
	if (!add_out(p, &one, id, reason, &bytes))
		return 0;
	gm_batch_move(p, &one);
	note_out(p, &one.chunk[0]);
	return one.chunk[0].moved * gm_page_bytes();
}

/* Chunks of a device that is not the engine's: those that came first leave first. */
static size_t oldest(const struct gm_proc *p, size_t device, uint32_t *ret, size_t n)
{
	size_t count = 0;

	for (uint32_t id = gm_chunks_next(&p->chunks, GM_NO_CHUNK); id != GM_NO_CHUNK;
	     id = gm_chunks_next(&p->chunks, id)) {
		const struct gm_chunk *c = gm_chunk_at(&p->chunks, id);
		size_t at;

		if (!c->device_pages || c->device != device ||
		    (count == n && c->order >= gm_chunk_at(&p->chunks, ret[n - 1])->order))
			continue;
		at = count == n ? n - 1 : count++;
		for (; at > 0 && gm_chunk_at(&p->chunks, ret[at - 1])->order > c->order; at--)
			ret[at] = ret[at - 1];
		ret[at] = id;
	}
	return count;
}

static size_t victims(struct gm_proc *p, size_t i, bool must, uint32_t *ret)
{
	size_t n;

	pthread_mutex_lock(&p->lock);
	n = p->engine_on && i == p->home ?
		    gm_engine_victims(&p->engine, EVICT_BATCH, must, ret) :
		    oldest(p, i, ret, EVICT_BATCH);
	pthread_mutex_unlock(&p->lock);
	return n;
}

/* Out of the engine's sight, so that it does not stand before the others. */
void gm_proc_set_aside(struct gm_proc *p, uint32_t id)
{
	gm_engine_went(&p->engine, id, false);
	if (!p->aside_until_ns)
		p->aside_until_ns = gm_now_ns(CLOCK_MONOTONIC) + ASIDE_NS;
}

static void put_all_back(struct gm_proc *p)
{
	pthread_mutex_lock(&p->lock);
	p->aside_until_ns = 0;
	for (uint32_t id = gm_chunks_next(&p->chunks, GM_NO_CHUNK); p->engine_on && id != GM_NO_CHUNK;
	     id = gm_chunks_next(&p->chunks, id)) {
		const struct gm_chunk *c = gm_chunk_at(&p->chunks, id);

		if (c->device_pages && c->device == p->home)
			gm_engine_came(&p->engine, id);
	}
	pthread_mutex_unlock(&p->lock);
}

void gm_proc_put_back(struct gm_proc *p)
{
	if (p->aside_until_ns && gm_now_ns(CLOCK_MONOTONIC) >= p->aside_until_ns)
		put_all_back(p);
}

static void stayed(struct gm_proc *p, uint32_t id, size_t i)
{
	if (p->engine_on && i == p->home)
		gm_proc_set_aside(p, id);
	else
		gm_chunk_at(&p->chunks, id)->order = ++p->move_order;
	p->round[i].stayed = true;
}

static void end_round(struct gm_round *r)
{
	r->going = false;
	r->not_before_ns = r->stayed ? gm_now_ns(CLOCK_MONOTONIC) + (FIRST_WAIT_NS << r->waits) : 0;
	if (!r->stayed)
		r->waits = 0;
	else if (r->waits < MAX_WAITS)
		r->waits++;
}

/* What leaves at once whatever it costs, and what may wait for bw=. */
static bool is_urgent(enum gpumem_reason reason)
{
	return reason == GPUMEM_REASON_LIMIT || reason == GPUMEM_REASON_SUSPENDED ||
	       reason == GPUMEM_REASON_ASKED || reason == GPUMEM_REASON_PRESSURE;
}

enum went { GOES_ON, HELD_BY_BW, ALL_HAD_TURN };

/* Adds those of the list from *at on that are still there, as many as may go together and `bytes` ask for. */
static enum went gather(struct gm_proc *p, size_t i, const struct gm_decision *d, const uint32_t *list, size_t count,
			uint64_t bytes, size_t *at, struct gm_batch *batch)
{
	uint64_t added = 0, more;

	for (; *at < count && batch->count < gm_batch_most(p) && added < bytes; ++*at) {
		const struct gm_chunk *c = gm_chunk_at(&p->chunks, list[*at]);

		/* Set aside in this round: all others had their turn. */
		if (c && i != p->home && (int32_t)(c->order - p->round[i].last) > 0)
			return ALL_HAD_TURN;
		if (!c || !c->device_pages || c->device != i)
			continue;
		if (!gm_proc_bandwidth(p, is_urgent(d->evict_reason)))
			return HELD_BY_BW;
		if (add_out(p, batch, list[*at], d->evict_reason, &more))
			added += more;
		else
			stayed(p, list[*at], i);
	}
	return GOES_ON;
}

/* One batch of the list; adds to *done the bytes that left. */
static enum went take_off(struct gm_proc *p, size_t i, const struct gm_decision *d, const uint32_t *list, size_t count,
			  size_t *at, uint64_t *done)
{
	struct gm_batch batch;
	enum went went;
	uint64_t cpu;

	batch.count = 0;
	pthread_mutex_lock(&p->lock);
	cpu = gm_now_ns(CLOCK_THREAD_CPUTIME_ID);
	went = gather(p, i, d, list, count, d->evict_bytes - *done, at, &batch);
	gm_batch_move(p, &batch);
	for (size_t k = 0; k < batch.count; k++) {
		const struct gm_batched *b = &batch.chunk[k];

		note_out(p, b);
		*done += b->moved * gm_page_bytes();
		if (gm_chunk_at(&p->chunks, b->id)->device_pages)
			stayed(p, b->id, i);
	}
	p->move_cpu_ns += gm_now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	pthread_mutex_unlock(&p->lock);
	return went;
}

bool gm_proc_evict_down(struct gm_proc *p, size_t i, const struct gm_decision *d, uint64_t until)
{
	struct gm_round *r = &p->round[i];
	uint32_t list[EVICT_BATCH];
	uint64_t done = 0;
	size_t count;

	if (!r->going && gm_now_ns(CLOCK_MONOTONIC) < r->not_before_ns)
		return true;
	/* Each round tries all, those too that were set aside before. */
	if (!r->going && i == p->home && p->aside_until_ns)
		put_all_back(p);
	if (!r->going)
		*r = (struct gm_round){ .going = true, .last = p->move_order, .waits = r->waits };
	do {
		enum went went = GOES_ON;

		count = victims(p, i, d->must, list);
		for (size_t at = 0; at < count && went == GOES_ON;) {
			went = take_off(p, i, d, list, count, &at, &done);
			if (done >= d->evict_bytes) {
				*r = (struct gm_round){ 0 };
				return true;
			}
			if (went == HELD_BY_BW)
				return true;
			if (gm_now_ns(CLOCK_MONOTONIC) >= until)
				return false;
		}
		if (went == ALL_HAD_TURN)
			count = 0;
	} while (count);
	/* What stays cannot be waited for: below the high mark is good enough then. */
	if (r->stayed)
		atomic_store(&p->ledger.file->head.device[i].draining, 0);
	end_round(r);
	return true;
}
