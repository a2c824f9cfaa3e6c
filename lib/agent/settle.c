/* SPDX-License-Identifier: MIT */
/*
 * settle.c: a process's standing against its limits, and what follows from it.
 */
#include <errno.h>
#include <string.h>

#include "agent/decide.h"
#include "agent/evict.h"
#include "agent/move.h"
#include "base/clock.h"

/* Bytes moved in between two looks at the device's free memory: less than what is to stay free. */
#define ROOM_PART 256u
#define ROOM_MOST (16ull << 20)

static uint32_t chosen(uint32_t live, uint32_t plan, uint32_t otherwise)
{
	return live ? live : plan ? plan : otherwise;
}

void gm_proc_read_rules(struct gm_proc *p)
{
	struct gm_options *live = &p->ledger.file->head.live;
	const struct gpumem_plan *plan = &p->plan;
	enum gpumem_evict_order before = p->rules.order;
	uint64_t bandwidth = atomic_load(&live->bandwidth_bytes);
	struct gm_rules *r = &p->rules;

	r->placement = chosen(atomic_load(&live->placement), plan->placement, 0);
	r->order = chosen(atomic_load(&live->order), plan->evict, GPUMEM_EVICT_DUEL);
	r->high_percent = chosen(atomic_load(&live->high_percent), plan->high_percent,
				 GPUMEM_HIGH_PERCENT);
	r->low_percent = chosen(atomic_load(&live->low_percent), plan->low_percent,
				GPUMEM_LOW_PERCENT);
	if (r->high_percent > 100)
		r->high_percent = 100;
	if (r->low_percent > r->high_percent)
		r->low_percent = r->high_percent;
	r->bandwidth_bytes = bandwidth ? bandwidth : plan->bandwidth_bytes;
	r->keep_on_suspend = chosen(atomic_load(&live->suspend), plan->suspend,
				    GPUMEM_SUSPEND_EVICT) == GPUMEM_SUSPEND_KEEP;
	if (!p->engine_on || r->order == before)
		return;
	if (gm_engine_set_order(&p->engine, r->order) < 0)
		r->order = before;
	else
		atomic_store(&p->ledger.slot->order, r->order); /* who set it waits to see it */
}

static uint64_t percent(uint64_t bytes, uint32_t n)
{
	return (uint64_t)((unsigned __int128)bytes * n / 100u);
}

void gm_proc_levels(const struct gm_proc *p, size_t i, struct gm_levels *ret)
{
	uint64_t limit = gm_ledger_limit(&p->ledger, i), bytes = p->ledger.limits->device[i].bytes;
	uint64_t reserved = p->headroom.reserved[i];

	if (reserved && bytes > reserved && limit > bytes - reserved)
		limit = bytes - reserved;
	ret->high = percent(limit, p->rules.high_percent);
	ret->low = percent(limit, p->rules.low_percent);
	ret->draining = false;
}

uint64_t gm_proc_step_high(const struct gm_proc *p, size_t i)
{
	uint64_t limit = atomic_load(&p->ledger.slot->device[i].step_limit);

	if (limit == UINT64_MAX)
		return limit;
	return percent(limit, p->rules.high_percent);
}

static bool in_plan(const struct gm_proc *p, size_t i)
{
	for (uint32_t k = 0; k < p->plan.device_count; k++)
		if (p->plan.device[k] == i)
			return true;
	return false;
}

/* What the process has, wherever it is. */
static uint64_t all_bytes(const struct gm_proc *p)
{
	uint64_t bytes = p->host_bytes;

	for (size_t i = 0; i < p->place.devices.count; i++)
		bytes += atomic_load(&p->ledger.slot->device[i].charged);
	return bytes;
}

static bool is_first_choice(const struct gm_proc *p, size_t i)
{
	return p->plan.device_count > 0 && p->plan.device[0] == i;
}

/* Of all agents together: who notices says it to the others. */
static bool is_draining(const struct gm_proc *p, size_t i, uint64_t sum,
			const struct gm_levels *levels)
{
	_Atomic uint32_t *word = &p->ledger.file->head.device[i].draining;

	if (sum > levels->high)
		atomic_store(word, 1);
	else if (sum <= levels->low)
		atomic_store(word, 0);
	return atomic_load(word);
}

static void standing(const struct gm_proc *p, size_t i, struct gm_standing *s)
{
	const struct gm_slot_device *d = &p->ledger.slot->device[i];
	struct gm_holder holder[GM_SLOTS];
	struct gm_levels levels;
	size_t own, n;

	memset(s, 0, sizeof(*s));
	s->placement = p->rules.placement;
	s->request = gm_ledger_request(&p->ledger, i);
	s->first_choice = is_first_choice(p, i);
	s->suspended = atomic_load(&p->suspended) && !p->rules.keep_on_suspend;
	s->trades = p->rules.order != GPUMEM_EVICT_NONE;
	s->memcg_near = p->headroom.memcg_near;
	/* There is no other memory to empty it into, but the other sockets', for a limit alone. */
	if (p->place.devices.device[i].kind == GPUMEM_KIND_NUMA_SHARED) {
		s->suspended = false;
		if (s->request == GPUMEM_REQUEST_EVICT)
			s->request = GPUMEM_REQUEST_NONE;
		if (s->placement == GPUMEM_PLACE_HOST)
			s->placement = GPUMEM_PLACE_ADVISE;
	}
	s->pressure = p->headroom.pressure[i];
	s->own = atomic_load(&d->charged);
	s->job_limit = gm_ledger_limit(&p->ledger, i);
	s->step_high = gm_proc_step_high(p, i);
	if (s->step_high != UINT64_MAX)
		s->step = gm_ledger_step_charged(&p->ledger, i,
						 atomic_load(&p->ledger.slot->step_id));
	s->weaves = s->placement == GPUMEM_PLACE_INTERLEAVE && in_plan(p, i);
	if (s->weaves)
		s->weave_bytes = gm_weave_part(&p->plan, all_bytes(p));
	gm_proc_levels(p, i, &levels);
	n = gm_ledger_holders(&p->ledger, i, holder, &own);
	for (size_t k = 0; k < n; k++)
		s->job += holder[k].charged;
	levels.draining = is_draining(p, i, s->job, &levels);
	gm_share(holder, n, own, &levels, &s->share);
	atomic_store(&p->ledger.slot->device[i].fair_chunks,
		     (uint32_t)(s->share.fair / GPUMEM_CHUNK_BYTES));
}

void gm_proc_note(struct gm_proc *p, uint32_t id, uint64_t bytes, enum gpumem_reason reason)
{
	const struct gm_chunk *c = gm_chunk_at(&p->chunks, id);

	gm_ledger_note(&p->ledger, gm_now_ns(CLOCK_BOOTTIME), gm_chunk_number(&p->chunks, id),
		       (uint32_t)(bytes / GM_LEDGER_PAGE), c->heat, reason,
		       c->device_pages || bytes ? c->device : p->home);
}

bool gm_proc_may_move(struct gm_proc *p)
{
	uint64_t now, wait;

	if (!p->rules.bandwidth_bytes)
		return true;
	now = gm_now_ns(CLOCK_MONOTONIC);
	/* Nothing is asked for, so nothing is paid. */
	if (gm_ledger_bandwidth(&p->ledger, now, 0, p->rules.bandwidth_bytes, &wait))
		return true;
	p->notes |= GPUMEM_NOTE_BANDWIDTH;
	p->bandwidth_wait_ns = now + wait;
	return false;
}

bool gm_proc_bandwidth(struct gm_proc *p, bool must)
{
	uint64_t now = gm_now_ns(CLOCK_MONOTONIC), wait;

	if (!p->rules.bandwidth_bytes)
		return true;
	if (gm_ledger_bandwidth(&p->ledger, now, GPUMEM_CHUNK_BYTES, p->rules.bandwidth_bytes,
				&wait))
		return true;
	p->notes |= GPUMEM_NOTE_BANDWIDTH;
	if (must)
		return true;
	p->bandwidth_wait_ns = now + wait;
	return false;
}

/* As much of `bytes` as the device has free: beyond that the driver would evict somebody's. */
static uint64_t device_room(const struct gm_proc *p, size_t i, uint64_t bytes)
{
	uint64_t room = bytes ? gm_headroom_of(&p->ledger.limits->device[i]) : 0;

	return bytes < room ? bytes : room;
}

bool gm_proc_has_room(struct gm_proc *p, uint64_t bytes)
{
	size_t i = p->admit_index;
	uint64_t most;

	p->unchecked_bytes += bytes;
	if (i == GM_PLACE_HOST || !p->ledger.slot)
		return true;
	most = p->ledger.limits->device[i].bytes / ROOM_PART;
	if (p->unchecked_bytes < (most < ROOM_MOST ? most : ROOM_MOST))
		return true;
	p->unchecked_bytes = 0;
	return gm_headroom_of(&p->ledger.limits->device[i]) >= GPUMEM_CHUNK_BYTES;
}

/* Asked for by hand comes first, then the plan's nearest device. */
static unsigned rank(const struct gm_proc *p, size_t i)
{
	bool asked = gm_ledger_request(&p->ledger, i) == GPUMEM_REQUEST_MIGRATE;

	return 1 + is_first_choice(p, i) + 2 * asked;
}

/* What the process holds and may take, or is owed. */
static void set_engine_room(struct gm_proc *p, const struct gm_standing *s)
{
	uint64_t wanted = atomic_load(&p->ledger.slot->device[p->home].wanted);
	uint64_t bytes = s->own + s->share.room, owed = s->own + wanted;
	uint64_t chunk = GPUMEM_CHUNK_BYTES;

	if (owed > s->share.fair)
		owed = s->share.fair;
	if (bytes < owed)
		bytes = owed;
	pthread_mutex_lock(&p->lock);
	/* Chunks that are not full count as what they are, or the engine would think it has less room
	 * than it has. */
	if (p->engine.resident)
		chunk = s->own / p->engine.resident;
	if (chunk < GM_MIN_RUN_BYTES || chunk > GPUMEM_CHUNK_BYTES)
		chunk = GPUMEM_CHUNK_BYTES;
	gm_engine_set_room(&p->engine, (uint32_t)((bytes + chunk / 2) / chunk));
	pthread_mutex_unlock(&p->lock);
}

/* A device of the node that this process has nothing on and nobody asks about. */
static bool is_no_concern(const struct gm_proc *p, size_t i)
{
	return i != p->home && !(p->rules.placement == GPUMEM_PLACE_INTERLEAVE && in_plan(p, i)) && !atomic_load(&p->ledger.slot->device[i].charged) &&
	       gm_ledger_request(&p->ledger, i) == GPUMEM_REQUEST_NONE;
}

static void set_notes(struct gm_proc *p)
{
	uint32_t notes = p->notes;

	if (p->headroom.memcg_near)
		notes |= GPUMEM_NOTE_MEMCG;
	if (atomic_load(&p->suspended))
		notes |= GPUMEM_NOTE_SUSPENDED;
	for (size_t i = 0; i < p->place.devices.count; i++) {
		struct gm_limits_device const *l = &p->ledger.limits->device[i];

		if (p->headroom.pressure[i])
			notes |= GPUMEM_NOTE_PRESSURE;
		if (gm_ledger_walled(&p->ledger, i))
			notes |= GPUMEM_NOTE_WALL;
		if (p->headroom.reserved[i] && l->bytes < gm_ledger_limit(&p->ledger, i) +
								  p->headroom.reserved[i])
			notes |= GPUMEM_NOTE_RESERVED;
	}
	atomic_store(&p->ledger.slot->notes, notes);
	p->notes = 0;
}

/* What did not come back then is not on a device now, and need not come back after this one. */
static void forget_last_suspend(struct gm_proc *p)
{
	pthread_mutex_lock(&p->lock);
	for (uint32_t id = gm_chunks_next(&p->chunks, GM_NO_CHUNK); id != GM_NO_CHUNK;
	     id = gm_chunks_next(&p->chunks, id))
		gm_chunk_at(&p->chunks, id)->flags &= (uint8_t)~GM_CHUNK_BACK;
	pthread_mutex_unlock(&p->lock);
}

/* A device that is a node also has what no chunk accounts for. */
static void clear_once(struct gm_proc *p, size_t i, bool all)
{
	if (!all) {
		p->cleared &= ~(1u << i);
	} else if (!(p->cleared >> i & 1) && !atomic_load(&p->ledger.slot->device[i].charged)) {
		gm_place_clear(&p->place, i);
		p->cleared |= 1u << i;
	}
}

/* One pass brings to all the devices; the one that lacks most stands for them. */
static void weave(struct gm_proc *p, size_t i, const struct gm_decision *d)
{
	p->weave.room[i] = d->admit_bytes;
	p->exchange |= d->exchange && i == p->home;
	if (!d->admit_bytes || (p->weave.on && d->admit_bytes <= p->weave.room[p->admit_index]))
		return;
	p->weave.on = true;
	p->admit_index = i;
	p->admit_bytes = p->cold_bytes = UINT64_MAX;
}

bool gm_proc_settle(struct gm_proc *p, uint64_t slice_ns)
{
	uint32_t doorbell = atomic_load(&p->ledger.file->head.doorbell);
	uint64_t now = gm_now_ns(CLOCK_MONOTONIC), until = now + slice_ns;
	bool suspended = atomic_load(&p->suspended), more = false;
	unsigned best = 0;

	if (suspended && !p->was_suspended)
		forget_last_suspend(p);
	/* Who asks again wants it tried again. */
	if (doorbell != p->doorbell || suspended != p->was_suspended) {
		p->pass_not_before_ns = 0;
		for (size_t i = 0; i < p->place.devices.count; i++) {
			p->round[i].going = false;
			p->round[i].not_before_ns = 0;
			p->round[i].waits = 0;
		}
	}
	p->doorbell = doorbell;
	p->was_suspended = suspended;
	p->admit_index = GM_PLACE_HOST;
	p->exchange = p->weave.on = false;
	memset(p->weave.room, 0, sizeof(p->weave.room));
	p->stay_reason = GPUMEM_REASON_NONE;
	pthread_mutex_lock(&p->lock);
	gm_proc_read_rules(p);
	gm_headroom_look(&p->headroom, &p->ledger, now);
	pthread_mutex_unlock(&p->lock);
	gm_ledger_sample(&p->ledger, gm_now_ns(CLOCK_BOOTTIME));
	for (size_t i = 0; i < p->place.devices.count; i++) {
		struct gm_standing s;
		struct gm_decision d;
		uint64_t room;

		if (is_no_concern(p, i))
			continue;
		standing(p, i, &s);
		d = gm_decide(&s);
		if (i == p->home)
			p->stay_reason = d.stay_reason;
		if (p->engine_on && i == p->home)
			set_engine_room(p, &s);
		if (d.evict_bytes && gm_proc_open(p) == 0)
			more |= !gm_proc_evict_down(p, i, &d, until);
		clear_once(p, i, d.all);
		room = device_room(p, i, d.admit_bytes);
		if (room < d.admit_bytes && room < GPUMEM_CHUNK_BYTES)
			p->notes |= GPUMEM_NOTE_PRESSURE;
		d.admit_bytes = room;
		if (d.admit_bytes < GM_MIN_RUN_BYTES)
			d.admit_bytes = 0;
		if (s.weaves && s.request != GPUMEM_REQUEST_MIGRATE)
			weave(p, i, &d);
		else if ((d.admit_bytes || d.exchange) && rank(p, i) > best) {
			best = rank(p, i);
			p->admit_index = d.admit_bytes ? i : GM_PLACE_HOST;
			p->admit_bytes = d.admit_bytes;
			p->cold_bytes = d.cold_bytes;
			p->exchange = d.exchange && i == p->home;
			p->weave.on = false;
		}
	}
	set_notes(p);
	return more;
}
