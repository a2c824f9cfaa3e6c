/* SPDX-License-Identifier: MIT */
/*
 * scan.c: the pass through the process's memory: what came, went and moved since the last one,
 * and bringing memory in on the way, while the facts are fresh.
 */
#include <unistd.h>

#include "agent/batch.h"
#include "base/clock.h"
#include "base/procfs.h"

#define FORGIVE_AFTER 64u /* passes that a chunk stayed where it was moved */
#define LEAST_IDLE_NS 2000000000ull  /* between passes while nothing happens */
/* Times what a pass may cost: between passes while pages are written that may be new, and while none are. */
#define SOON 4u
#define IDLE 30u
#define FULL_EVERY 16u /* passes between two full looks at a chunk that does not change */

/* Forgets chunks that the pass did not see, except those the application keeps out. */
static void forget_gone(struct gm_proc *p)
{
	uint32_t id;

	for (id = gm_chunks_next(&p->chunks, GM_NO_CHUNK); id != GM_NO_CHUNK;
	     id = gm_chunks_next(&p->chunks, id)) {
		struct gm_chunk *c = gm_chunk_at(&p->chunks, id);

		if (c->pass == (uint8_t)p->pass)
			continue;
		gm_account(p, id, 0, false);
		c->host_pages = c->present_pages = 0;
		if (c->flags & GM_CHUNK_OUT)
			continue;
		if (p->engine_on)
			gm_engine_gone(&p->engine, id);
		gm_trace_add(&p->trace, 'g', gm_chunk_number(&p->chunks, id));
		gm_chunks_remove(&p->chunks, id);
	}
}

static bool parent_lives(const struct gm_proc *p)
{
	uint64_t parent = p->ledger.slot ? atomic_load(&p->ledger.slot->parent) : 0;

	return parent && gm_proc_alive(gm_owner_pid(parent), gm_owner_start(parent));
}

/* Bytes that may come in now. */
static uint64_t room(const struct gm_proc *p)
{
	uint64_t bytes = 0;

	if (!p->weave.on)
		return p->admit_index == GM_PLACE_HOST ? 0 : p->admit_bytes;
	for (size_t i = 0; i < p->place.devices.count; i++)
		bytes += p->weave.room[i];
	return bytes;
}

/* What did not come in before may come now. */
static bool may_come(const struct gm_proc *p)
{
	if (p->admit_index == GM_PLACE_HOST)
		return false;
	return p->admit_index != p->pass_admit_index ||
	       room(p) >= p->pass_admit_bytes + GPUMEM_CHUNK_BYTES ||
	       (!p->weave.on && p->cold_bytes > p->pass_cold_bytes &&
		p->cold_bytes - p->pass_cold_bytes >= GPUMEM_CHUNK_BYTES);
}

/* Whether another pass would find anything that the last one did not. */
static bool is_due(const struct gm_proc *p)
{
	uint64_t now = gm_now_ns(CLOCK_MONOTONIC);
	struct gm_signs s;

	if (!p->ledger.slot || now >= p->pass_not_before_ns || p->changed || p->waits ||
	    (p->trade_waits && !p->sweep.quiet) || p->sweep.unseen || may_come(p) ||
	    (p->parent_alive && !parent_lives(p)))
		return true;
	gm_signs_read(&s);
	if (gm_signs_of_change(&s, &p->pass_signs))
		return true;
	/* New pages, or old ones that are written again: the second is more likely. */
	return s.faults >= p->pass_signs.faults + GM_SIGNS_FEW && now >= p->pass_soon_ns;
}

static bool pass_begin(struct gm_proc *p)
{
	p->pass++;
	p->at_range = 0;
	p->at_addr = 0;
	p->pass_host_bytes = 0;
	p->changed = p->waits = p->trade_waits = p->sweep.unseen = false;
	gm_signs_read(&p->pass_signs);
	p->pass_admit_index = p->admit_index;
	p->pass_admit_bytes = room(p);
	p->pass_cold_bytes = p->cold_bytes;
	p->pass_cost_ns = 0;
	p->parent_alive = parent_lives(p);
	p->inherits = !p->parent_alive && gm_ledger_inherits(&p->ledger);
	return gm_maps_read(&p->ranges) == 0;
}

static void schedule(struct gm_proc *p)
{
	unsigned permille = p->ledger.slot ? p->ledger.limits->cpu_budget_permille : 0;
	uint64_t wait = p->pass_cost_ns * 1000u / (permille ? permille : 1);
	uint64_t now = gm_now_ns(CLOCK_MONOTONIC);

	p->pass_soon_ns = now + SOON * wait;
	p->pass_not_before_ns = now + (IDLE * wait > LEAST_IDLE_NS ? IDLE * wait : LEAST_IDLE_NS);
}

static void pass_end(struct gm_proc *p)
{
	forget_gone(p);
	gm_weave_pass(&p->weave);
	p->host_bytes = p->pass_host_bytes;
	p->at_range = 0;
	p->at_addr = 0;
	if (p->inherits)
		gm_ledger_inherited(&p->ledger);
	p->inherits = false;
	if (p->ledger.slot)
		atomic_store(&p->ledger.slot->host_bytes, p->host_bytes);
}

/* The next chunk of the pass; 0 at its end. */
static uint64_t next_chunk(struct gm_proc *p)
{
	while (p->at_range < p->ranges.count && p->ranges.range[p->at_range].end <= p->at_addr)
		p->at_range++;
	if (p->at_range == p->ranges.count)
		return 0;
	if (p->at_addr < p->ranges.range[p->at_range].start)
		p->at_addr = p->ranges.range[p->at_range].start;
	return p->at_addr / GPUMEM_CHUNK_BYTES;
}

/* Facts of one chunk. GM_NO_CHUNK when there is nothing in it, or no memory for its entry. */
static uint32_t look(struct gm_proc *p, uint64_t number, struct gm_chunk_view *view)
{
	uint32_t id = gm_chunks_find(&p->chunks, number);
	struct gm_chunk *c;
	bool sample, appeared = false;

	if (gm_view_present(p, number, p->at_range, view) < 0 ||
	    (id == GM_NO_CHUNK && view->present == 0))
		return GM_NO_CHUNK;
	if (id == GM_NO_CHUNK) {
		id = gm_chunks_get(&p->chunks, number);
		if (id == GM_NO_CHUNK)
			return id;
		appeared = true;
	}
	c = gm_chunk_at(&p->chunks, id);
	c->pass = (uint8_t)p->pass;
	sample = gm_chunk_uniform(c) &&
		 (c->present_pages == 0 || c->present_pages == view->present) &&
		 (p->pass + number) % FULL_EVERY != 0;
	if (gm_view_sort(number, sample, view) < 0)
		return GM_NO_CHUNK;
	/* There before, as many pages as before, and now at home: the device was full and the driver
	 * made room. Bringing it back at once would only push out the next one. */
	if (c->device_pages && !view->count.device && view->present == c->present_pages)
		gm_move_failed(p, c, GPUMEM_FAIL_TAKEN_BACK);
	else if (c->fails && view->count.device == view->present &&
		 (uint16_t)(p->pass - c->retry_pass) > FORGIVE_AFTER &&
		 (int16_t)(p->pass - c->retry_pass) > 0)
		c->fails = 0;
	gm_view_account(p, id, view);
	/* What appears was just written. */
	if (appeared && p->engine_on && gm_chunk_matters(c))
		gm_engine_touched(&p->engine, id);
	return id;
}

/* The device that a chunk in system memory may go to now; GM_PLACE_HOST: none. */
static size_t target_of(const struct gm_proc *p, uint64_t number, const struct gm_chunk *c)
{
	size_t to;

	if (!p->weave.on || p->admit_index == GM_PLACE_HOST)
		return p->admit_index;
	to = gm_weave_target(&p->weave, &p->plan, number,
			     (uint64_t)c->host_pages * gm_page_bytes());
	/* A chunk is on one device at a time. */
	return c->device_pages && c->device != to ? GM_PLACE_HOST : to;
}

static bool wants_in(const struct gm_proc *p, const struct gm_chunk *c,
		     const struct gm_chunk_view *view)
{
	bool settled = view->present == gm_chunk_pages() || view->present == c->present_pages;
	bool cold = p->engine_on && c->order && !c->heat && p->admit_index == p->home;

	if (cold && !c->device_pages && p->cold_bytes < GPUMEM_CHUNK_BYTES)
		return false;
	return p->admit_bytes && c->host_pages >= gm_min_run() &&
	       settled && !(c->flags & GM_CHUNK_OUT) &&
	       (int16_t)((uint16_t)p->pass - c->retry_pass) >= 0;
}

/* False: bw= allows no more for now, and the chunk is to be looked at again. */
static bool bring_in(struct gm_proc *p, struct gm_batch *batch, uint32_t id, const struct gm_chunk_view *view,
		     size_t index, uint64_t begun_ns)
{
	uint64_t bytes;
	bool full = false;

	if (!gm_proc_bandwidth(p, false))
		return false;
	bytes = gm_batch_in(p, batch, id, view, index, gm_min_run(), GPUMEM_REASON_ROOM, &full);
	p->cold_bytes -= bytes < p->cold_bytes ? bytes : p->cold_bytes;
	p->admit_bytes -= bytes < p->admit_bytes ? bytes : p->admit_bytes;
	if (p->weave.on) {
		p->weave.room[index] -= bytes < p->weave.room[index] ? bytes : p->weave.room[index];
		if (full)
			p->weave.room[index] = 0;
	}
	if ((full && !p->weave.on) || !gm_proc_has_room(p, bytes))
		p->admit_index = GM_PLACE_HOST;
	/* To look at what moves is a part of moving it, not of watching. */
	p->move_cpu_ns += gm_now_ns(CLOCK_THREAD_CPUTIME_ID) - begun_ns;
	return true;
}

static void move_batch(struct gm_proc *p, struct gm_batch *batch)
{
	uint64_t cpu;

	if (batch->count == 0)
		return;
	cpu = gm_now_ns(CLOCK_THREAD_CPUTIME_ID);
	gm_batch_move(p, batch);
	for (size_t k = 0; k < batch->count; k++) {
		const struct gm_batched *b = &batch->chunk[k];

		p->weave.moved |= b->moved > 0;
		/* Pieces that are too small to move are no failure. */
		if (b->moved || b->failed)
			gm_proc_note(p, b->id, b->moved * gm_page_bytes(),
				     b->moved ? b->reason : GPUMEM_REASON_FAILED);
	}
	batch->count = 0;
	p->move_cpu_ns += gm_now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
}

/* One chunk of the pass. False: the pass has to pause before it. */
static bool visit(struct gm_proc *p, struct gm_batch *batch, uint64_t number)
{
	uint64_t begun_ns = p->admit_index == GM_PLACE_HOST ? 0 : gm_now_ns(CLOCK_THREAD_CPUTIME_ID);
	struct gm_chunk_view view;
	uint32_t id = look(p, number, &view);
	struct gm_chunk *c;

	if (id != GM_NO_CHUNK) {
		size_t to;

		c = gm_chunk_at(&p->chunks, id);
		to = target_of(p, number, c);
		if (c->fails && to != GM_PLACE_HOST)
			p->waits = true;
		/* How long it waits is counted in passes. */
		if (c->fails && c->host_pages >= gm_min_run() && p->exchange)
			p->trade_waits = true;
		if (to != GM_PLACE_HOST && wants_in(p, c, &view) && gm_place_is_open(&p->place) &&
		    !bring_in(p, batch, id, &view, to, begun_ns))
			return false;
	}
	p->at_addr = (uintptr_t)(number + 1) * GPUMEM_CHUNK_BYTES;
	if (id == GM_NO_CHUNK)
		return true;
	if (c->present_pages != view.present)
		p->changed = true;
	c->present_pages = (uint16_t)view.present;
	p->pass_host_bytes += (uint64_t)c->host_pages * gm_page_bytes();
	return true;
}

void gm_proc_restart(struct gm_proc *p)
{
	pthread_mutex_lock(&p->lock);
	p->at_range = 0;
	p->at_addr = 0;
	p->pass_not_before_ns = 0;
	pthread_mutex_unlock(&p->lock);
}

bool gm_proc_scan(struct gm_proc *p, uint64_t cpu_ns, uint64_t slice_ns)
{
	uint64_t end = gm_now_ns(CLOCK_MONOTONIC) + slice_ns, moved0 = p->move_cpu_ns, cpu0;
	bool done = false, ended = false, more = true;
	struct gm_batch batch;
	unsigned looks = 0; /* since the batch began */

	batch.count = 0;
	/* The lock is let go between chunks, or batches of them, so that a call of the application waits for one at
	 * most. */
	pthread_mutex_lock(&p->lock);
	if (p->at_addr == 0 && !is_due(p)) {
		pthread_mutex_unlock(&p->lock);
		return true;
	}
	cpu0 = gm_now_ns(CLOCK_THREAD_CPUTIME_ID);
	if (p->at_addr == 0 && !pass_begin(p))
		done = true;
	while (!done) {
		uint64_t number = next_chunk(p);

		if (number == 0) {
			move_batch(p, &batch);
			pass_end(p);
			done = ended = true;
			break;
		}
		/* Not even looked at, as the look would be repeated. */
		if (p->admit_index != GM_PLACE_HOST && !gm_proc_may_move(p))
			break;
		more = visit(p, &batch, number);
		looks = batch.count ? looks + 1 : 0;
		if (batch.count == gm_batch_most(p) || looks == 2 * GM_BATCH_MOST) {
			move_batch(p, &batch);
			looks = 0;
		}
		if (!more || gm_now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu0 - (p->move_cpu_ns - moved0) >= cpu_ns ||
		    gm_now_ns(CLOCK_MONOTONIC) >= end)
			break;
		if (batch.count)
			continue;
		pthread_mutex_unlock(&p->lock);
		pthread_mutex_lock(&p->lock);
	}
	move_batch(p, &batch);
	p->pass_cost_ns += gm_now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu0 - (p->move_cpu_ns - moved0);
	if (ended)
		schedule(p);
	pthread_mutex_unlock(&p->lock);
	/* New memory is known to the others before the first sweep is over. */
	if (done && p->changed)
		gm_proc_publish(p);
	return done;
}
