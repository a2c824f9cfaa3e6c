/* SPDX-License-Identifier: MIT */
/*
 * exchange.c: what is hot comes in, for what is cold.
 */
#include "agent/batch.h"
#include "base/clock.h"

#define BATCH 512u
#define PEER_PERIOD_NS 10000000000ull
#define NOTES 4u /* chunks that stayed, of each epoch, are remembered */

/* Looks at the chunk and adds what of it may come in. False: nothing. */
static bool add_in(struct gm_proc *p, struct gm_batch *batch, uint32_t id, size_t index, enum gpumem_reason reason,
		   bool *ret_full)
{
	struct gm_chunk *c = gm_chunk_at(&p->chunks, id);
	uint64_t number = gm_chunk_number(&p->chunks, id);
	size_t had = batch->count;
	struct gm_chunk_view view;

	if (gm_view_present(p, number, 0, &view) < 0 || gm_view_sort(number, false, &view) < 0)
		return false;
	gm_view_account(p, id, &view);
	if (c->host_pages < gm_min_run())
		return false;
	gm_batch_in(p, batch, id, &view, index, gm_min_run(), reason, ret_full);
	c->present_pages = (uint16_t)view.present;
	if (batch->count == had)
		gm_proc_note(p, id, 0, *ret_full ? GPUMEM_REASON_FULL : GPUMEM_REASON_FAILED);
	return batch->count > had;
}

/* Returns the bytes that came. */
static uint64_t move_in(struct gm_proc *p, struct gm_batch *batch, bool full)
{
	uint64_t sum = 0;

	gm_batch_move(p, batch);
	for (size_t k = 0; k < batch->count; k++) {
		const struct gm_batched *b = &batch->chunk[k];
		uint64_t bytes = b->moved * gm_page_bytes();

		gm_proc_note(p, b->id, bytes, bytes ? b->reason :
					      full  ? GPUMEM_REASON_FULL :
						      GPUMEM_REASON_FAILED);
		sum += bytes;
	}
	batch->count = 0;
	return sum;
}

uint64_t gm_proc_in(struct gm_proc *p, uint32_t id, size_t index, enum gpumem_reason reason,
		    bool *ret_full)
{
	struct gm_batch one;

	one.count = 0;
	return add_in(p, &one, id, index, reason, ret_full) ? move_in(p, &one, *ret_full) : 0;
}

static bool may_come(const struct gm_proc *p, const struct gm_chunk *c)
{
	return !(c->flags & GM_CHUNK_OUT) && c->host_pages >= gm_min_run() &&
	       (c->device_pages == 0 || c->device == p->home) &&
	       (int16_t)((uint16_t)p->pass - c->retry_pass) >= 0;
}

struct market {
	uint32_t wanted[BATCH], victim[BATCH];
	size_t wanted_count, victim_count, next_victim;
	unsigned noted;
	bool moved; /* or tried to */
};

static void stays(struct gm_proc *p, struct market *m, uint32_t id, enum gpumem_reason reason)
{
	if (m->noted++ < NOTES)
		gm_proc_note(p, id, 0, reason);
}

/* One wanted chunk: into free room, or for the next victim. Returns false when no other will fare better. */
static bool trade(struct gm_proc *p, struct market *m, uint32_t id)
{
	struct gm_chunk *c = gm_chunk_at(&p->chunks, id), *v;
	enum gpumem_reason reason = GPUMEM_REASON_ROOM;
	bool full = false;
	uint32_t out;

	if (!c || !may_come(p, c))
		return true;
	if (!gm_proc_bandwidth(p, false)) {
		stays(p, m, id, GPUMEM_REASON_BANDWIDTH);
		return false;
	}
	if (p->admit_index == p->home && p->admit_bytes >= GPUMEM_CHUNK_BYTES) {
		uint64_t bytes = gm_proc_in(p, id, p->home, reason, &full);

		m->moved = true;
		p->admit_bytes -= bytes < p->admit_bytes ? bytes : p->admit_bytes;
		return !full;
	}
	if (m->next_victim == m->victim_count) {
		stays(p, m, id, GPUMEM_REASON_FULL);
		return false;
	}
	out = m->victim[m->next_victim];
	v = gm_chunk_at(&p->chunks, out);
	if (!v || !v->device_pages || v->device != p->home) {
		m->next_victim++;
		return true;
	}
	if (!gm_engine_swap(&p->engine, id, out, &reason)) {
		stays(p, m, id, reason);
		/* In order of heat: who comes after it wants less, and for more. */
		return reason == GPUMEM_REASON_PINNED;
	}
	m->next_victim++;
	m->moved = true;
	/* The victim goes first, so the limit holds at every moment. */
	if (gm_proc_out(p, out, GPUMEM_REASON_COLDER))
		gm_proc_in(p, id, p->home, reason, &full);
	else if (v->device_pages)
		gm_proc_set_aside(p, out);
	return true;
}

static void open_market(struct gm_proc *p, struct market *m)
{
	gm_proc_put_back(p);
	m->wanted_count = m->victim_count = m->next_victim = 0;
	m->noted = 0;
	m->moved = false;
	pthread_mutex_lock(&p->lock);
	m->wanted_count = gm_engine_wanted(&p->engine, BATCH, m->wanted);
	if (m->wanted_count)
		m->victim_count = gm_engine_victims(&p->engine, BATCH, false, m->victim);
	pthread_mutex_unlock(&p->lock);
}

/* What would come is not tried, for a reason that is the same for all of it. */
static void all_stay(struct gm_proc *p)
{
	struct market m = { 0 };

	pthread_mutex_lock(&p->lock);
	m.wanted_count = gm_engine_wanted(&p->engine, BATCH, m.wanted);
	for (size_t k = 0; k < m.wanted_count && m.noted < NOTES; k++) {
		const struct gm_chunk *c = gm_chunk_at(&p->chunks, m.wanted[k]);

		if (c && may_come(p, c))
			stays(p, &m, m.wanted[k], p->stay_reason);
	}
	pthread_mutex_unlock(&p->lock);
}

/* The rules of a peer keep its period too: memtierd's age and heat policies move each 10 s, in regions of
 * 2 MiB (its sample configurations). What KFD does by itself, lrf, follows each fault. */
static bool is_due(struct gm_proc *p)
{
	uint64_t now = gm_now_ns(CLOCK_MONOTONIC);

	if (p->rules.order != GPUMEM_EVICT_AGE && p->rules.order != GPUMEM_EVICT_HEAT)
		return true;
	if (now < p->exchange_ns)
		return false;
	p->exchange_ns = now + PEER_PERIOD_NS;
	return true;
}

void gm_proc_exchange(struct gm_proc *p, uint64_t slice_ns)
{
	uint64_t until = gm_now_ns(CLOCK_MONOTONIC) + slice_ns, cpu;
	struct market m;
	bool more = true;

	if (p->engine_on && p->stay_reason)
		all_stay(p);
	if (!p->engine_on || !p->exchange || !gm_proc_is_open(p) || !is_due(p))
		return;
	open_market(p, &m);
	cpu = gm_now_ns(CLOCK_THREAD_CPUTIME_ID);
	for (size_t k = 0; more && k < m.wanted_count; k++) {
		pthread_mutex_lock(&p->lock);
		more = trade(p, &m, m.wanted[k]);
		pthread_mutex_unlock(&p->lock);
		if (gm_now_ns(CLOCK_MONOTONIC) >= until)
			break;
	}
	/* To find that nothing is worth a move is watching. */
	if (m.moved)
		p->move_cpu_ns += gm_now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
}

/* Brings back those of one heat class. Returns false when the device is full or the time is over. */
static bool return_class(struct gm_proc *p, unsigned class, uint64_t until)
{
	bool full = false, late = false;
	struct gm_batch batch;

	batch.count = 0;
	for (uint32_t id = gm_chunks_next(&p->chunks, GM_NO_CHUNK); id != GM_NO_CHUNK && !full;
	     id = gm_chunks_next(&p->chunks, id)) {
		struct gm_chunk *c = gm_chunk_at(&p->chunks, id);

		if (!(c->flags & GM_CHUNK_BACK) ||
		    (p->engine_on && gm_engine_class(&p->engine, id) != class))
			continue;
		late = gm_now_ns(CLOCK_MONOTONIC) >= until || !gm_proc_bandwidth(p, false);
		if (late)
			break;
		c->flags &= (uint8_t)~GM_CHUNK_BACK;
		add_in(p, &batch, id, c->device, GPUMEM_REASON_RESUMED, &full);
		if (batch.count < gm_batch_most(p))
			continue;
		move_in(p, &batch, full);
		pthread_mutex_unlock(&p->lock);
		pthread_mutex_lock(&p->lock);
	}
	move_in(p, &batch, full);
	/* Others took the room meanwhile: what is left is for the exchange to decide. */
	if (full)
		p->returning = false;
	return !full && !late;
}

bool gm_proc_return(struct gm_proc *p, uint64_t slice_ns)
{
	uint64_t until = gm_now_ns(CLOCK_MONOTONIC) + slice_ns, cpu = gm_now_ns(CLOCK_THREAD_CPUTIME_ID);
	bool through = true;

	if (!p->returning || atomic_load(&p->suspended) || !gm_proc_is_open(p))
		return false;
	pthread_mutex_lock(&p->lock);
	for (unsigned class = GPUMEM_HEAT_CLASSES; through && class-- > 0;)
		through = return_class(p, class, until);
	if (through)
		p->returning = false;
	pthread_mutex_unlock(&p->lock);
	p->move_cpu_ns += gm_now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	return p->returning;
}
