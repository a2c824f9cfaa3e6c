/* SPDX-License-Identifier: MIT */
/*
 * sweep.c: which memory is in use: looks for what was touched, ends the engine's epochs, and puts what it
 * knows into the ledger.
 */

#include <string.h>

#include "agent/move.h"
#include "base/clock.h"

#define LEAST_NS 200000000ull	  /* between two sweeps */
#define MOST_NS 20000000000ull	  /* however much they cost */
#define QUIET_NS 2000000000ull	  /* while nothing is touched */
#define FILLING_NS 5000000000ull /* between two while bw= holds back what there is room for */
/* What was just filled is all written; which part of it is in use, only the next looks tell. They are not put off
 * for what the first ones cost. */
#define EARLY 6u
#define EARLY_NS 2000000000ull
#define FAULT_NS 500u		  /* what a page that is written again costs the application */
#define STRETCH (256 * GPUMEM_CHUNK_BYTES) /* looked at between two looks at the clock */
#define REFERENCED_EVERY 16u	  /* mappings are asked about so many sweeps apart */
/* Times what a sweep may cost: while hardly anything is written, and while nothing is. */
#define FEW 10u
#define QUIET 20u
#define ASLEEP 100u /* of so much time, CPU time that is none */
#define WANTED_CLASS 1u		  /* colder memory claims no share */

static void touched(struct gm_proc *p, uint64_t number)
{
	uint32_t id = gm_chunks_find(&p->chunks, number);

	/* What the pass has not seen yet comes as touched anyhow. */
	if (id == GM_NO_CHUNK) {
		p->sweep.unseen = true;
		return;
	}
	/* What is too small to move would only crowd out others in the engine's eyes. */
	if (!gm_chunk_matters(gm_chunk_at(&p->chunks, id)))
		return;
	gm_engine_touched(&p->engine, id);
	gm_trace_add(&p->trace, 't', number);
}

static void written(void *data, uint64_t number, unsigned pages)
{
	struct gm_proc *p = data;

	/* move_pages(2) leaves all pages of a chunk marked as written. */
	if (p->sweep.moved[number / 64 % 64] >> number % 64 & 1)
		return;
	p->sweep.dirty_pages += pages;
	touched(p, number);
}

static void referenced(void *data, uintptr_t start, uintptr_t end)
{
	struct gm_proc *p = data;

	for (uint64_t n = start / GPUMEM_CHUNK_BYTES; n <= (end - 1) / GPUMEM_CHUNK_BYTES; n++)
		touched(p, n);
}

/* ---- the GPU's side */

static void on_event(void *data, const struct gm_smi_event *event)
{
	struct gm_proc *p = data;
	uint64_t first = event->addr / GPUMEM_CHUNK_BYTES;
	uint64_t last = (event->addr + (event->len ? event->len - 1 : 0)) / GPUMEM_CHUNK_BYTES;

	for (uint64_t n = first; n <= last; n++) {
		uint32_t id = gm_chunks_find(&p->chunks, n);

		if (id == GM_NO_CHUNK)
			continue;
		if (event->kind == GM_SMI_FAULT) {
			p->sweep.events = true;
			gm_engine_faulted(&p->engine, id);
			gm_trace_add(&p->trace, 'f', n);
		}
		/* What arrived or was evicted, the pass measures. */
		p->changed = true;
	}
}

void gm_proc_events(struct gm_proc *p)
{
	if (!p->engine_on)
		return;
	pthread_mutex_lock(&p->lock);
	if (gm_place_is_open(&p->place) && p->sweep.smi.fd < 0 && !p->sweep.smi_tried &&
	    p->home < p->place.devices.count &&
	    p->place.devices.device[p->home].kind == GPUMEM_KIND_SVM) {
		/* Once: a driver without events will not have them later. */
		p->sweep.smi_tried = true;
		if (gm_smi_open(p->place.devices.device[p->home].id, &p->sweep.smi) < 0)
			p->sweep.smi.fd = -1;
	}
	gm_smi_read(&p->sweep.smi, on_event, p);
	pthread_mutex_unlock(&p->lock);
}

/* ---- the CPU's side */

static uint32_t live_signals(const struct gm_proc *p)
{
	uint32_t s = GPUMEM_SIGNAL_PRESENCE | GPUMEM_SIGNAL_CALLS;

	if (p->sweep.way == GM_TOUCHED_SCAN)
		s |= GPUMEM_SIGNAL_SCAN;
	if (p->sweep.way != GM_TOUCHED_NONE)
		s |= GPUMEM_SIGNAL_SOFT_DIRTY | GPUMEM_SIGNAL_REFERENCED;
	if (p->sweep.smi.fd >= 0)
		s |= GPUMEM_SIGNAL_SMI;
	return s;
}

static void probe(struct gm_proc *p)
{
	struct gm_sweep *s = &p->sweep;

	s->probed = true;
	s->until_referenced = REFERENCED_EVERY;
	s->way = gm_touched_probe(p->pagemap.fd);
	if (s->way != GM_TOUCHED_NONE &&
	    gm_own_open(&s->clear_refs, "/proc/self/clear_refs", O_WRONLY) < 0)
		s->way = GM_TOUCHED_NONE;
}

/* One stretch of the eligible memory. Returns false at the end. */
static bool look_on(struct gm_proc *p)
{
	struct gm_sweep *s = &p->sweep;

	for (size_t i = 0; i < p->ranges.count; i++) {
		uintptr_t start = p->ranges.range[i].start, end = p->ranges.range[i].end;

		if (end <= s->at)
			continue;
		if (start < s->at)
			start = s->at;
		if (end - start > STRETCH)
			end = start + STRETCH;
		if (!gm_own_valid(&p->pagemap))
			gm_own_open(&p->pagemap, "/proc/self/pagemap", O_RDONLY);
		gm_touched_look(p->pagemap.fd, s->way, start, end, written, p);
		s->at = end;
		return true;
	}
	return false;
}

/* Seldom, as it walks through all pages; over one epoch, as over a longer time all is referenced. */
static void ask_mappings(struct gm_proc *p)
{
	struct gm_sweep *s = &p->sweep;

	/* As long as there is room nothing has to be chosen; and nobody reads who has not run. */
	if (s->way == GM_TOUCHED_NONE || p->admit_index != GM_PLACE_HOST || s->asleep)
		return;
	s->until_referenced--;
	if (s->until_referenced == 1)
		gm_referenced_look(NULL, NULL);
	if (s->until_referenced == 0) {
		gm_referenced_look(referenced, p);
		s->until_referenced = REFERENCED_EVERY;
	}
}

static void end_epoch(struct gm_proc *p)
{
	struct gm_sweep *s = &p->sweep;

	if (s->way != GM_TOUCHED_NONE && !s->quiet) {
		if (!gm_own_valid(&s->clear_refs))
			gm_own_open(&s->clear_refs, "/proc/self/clear_refs", O_WRONLY);
		/* What is written from here on counts for the next epoch, and for this one if the look came
		 * too early for it. */
		s->faults = gm_signs_faults();
		gm_touched_clear(s->clear_refs.fd);
		memset(s->moved, 0, sizeof(s->moved));
	}
	gm_engine_epoch(&p->engine);
	gm_trace_add(&p->trace, 'e', 0);
	gm_trace_flush(&p->trace);
}

static uint64_t within(uint64_t wait, uint64_t least, uint64_t most)
{
	return wait < least ? least : wait > most ? most : wait;
}

/* The next sweep: as late as the cost of this one, and of the faults it makes the application take,
 * demands; later still while nothing is written. */
static void schedule(struct gm_proc *p, uint64_t now, unsigned permille)
{
	struct gm_sweep *s = &p->sweep;
	uint64_t looks = s->cost_ns * 1000u / (permille ? permille : 1);
	uint64_t quiet, faults = s->dirty_pages * FAULT_NS * 1000u / (permille ? permille : 1);
	uint64_t most = MOST_NS;

	if (s->quiet)
		s->quiet_wait_ns = QUIET * looks;
	s->quiet_epochs = s->quiet ? s->quiet_epochs + 1 : 0;
	/* The first come soon, so that what was written last cools down. */
	quiet = within(LEAST_NS << within(s->quiet_epochs, 0, 8), LEAST_NS, QUIET_NS);
	s->quiet_before_ns = now + within(s->quiet_wait_ns, quiet, UINT64_MAX);
	/* The last look is paid for before the next one, but not before an epoch without one. */
	if (s->quiet) {
		looks = now + within(looks, LEAST_NS, MOST_NS);
		s->not_before_ns = s->not_before_ns > looks ? s->not_before_ns : looks;
		return;
	}
	if (s->early < EARLY) {
		s->early++;
		most = EARLY_NS;
	}
	s->not_before_ns = now + within(looks + faults, LEAST_NS, most);
	s->few_before_ns = now + within(FEW * looks + faults, LEAST_NS, most);
}

static void begin(struct gm_proc *p, uint64_t now)
{
	struct gm_sweep *s = &p->sweep;
	uint64_t cpu_ns = gm_signs_cpu_ns();

	s->asleep = s->quiet && cpu_ns - s->cpu_ns < (now - s->ended_ns) / ASLEEP;
	s->cpu_ns = cpu_ns;
	s->ended_ns = now;
	s->going = true;
	s->events = false;
	s->at = 0;
	s->cost_ns = s->dirty_pages = 0;
	/* New mappings show here, as passes may be rare. */
	if (!s->quiet && p->at_addr == 0 && gm_maps_read(&p->ranges) == 0)
		p->at_range = 0;
}

/* Whether it is time for the next one. Page faults tell whether it has to look: none, and nothing was written
 * since the bits were cleared. */
static bool is_due(struct gm_proc *p, uint64_t now)
{
	struct gm_sweep *s = &p->sweep;
	uint64_t faults;

	if (s->going)
		return true;
	if (!s->probed)
		probe(p);
	faults = s->way == GM_TOUCHED_NONE ? 0 : gm_signs_faults() - s->faults;
	s->quiet = s->ended_ns && faults == 0;
	if (!s->quiet || s->events)
		s->busy_ns = now;
	if (s->events || faults >= GM_SIGNS_FEW)
		return now >= s->not_before_ns;
	return now >= (s->quiet ? s->quiet_before_ns : s->few_before_ns);
}

/* There is room, and bw= sets the pace: a look, which takes long in a large process, would only make gaps in
 * it, and there is nothing to choose. */
static bool fills_slowly(const struct gm_proc *p)
{
	return !p->sweep.going && p->admit_index != GM_PLACE_HOST && p->rules.bandwidth_bytes &&
	       gm_now_ns(CLOCK_MONOTONIC) < p->sweep.not_before_ns + FILLING_NS;
}

bool gm_proc_sweep(struct gm_proc *p, uint64_t cpu_ns, unsigned permille)
{
	uint64_t now = gm_now_ns(CLOCK_MONOTONIC), cpu0, spent = 0;
	struct gm_sweep *s = &p->sweep;
	bool more = true, ended;

	if (!p->engine_on || !is_due(p, now) || fills_slowly(p))
		return false;
	cpu0 = gm_now_ns(CLOCK_THREAD_CPUTIME_ID);
	pthread_mutex_lock(&p->lock);
	if (!s->going)
		begin(p, now);
	while (more && spent < cpu_ns) {
		more = s->way != GM_TOUCHED_NONE && !s->quiet && look_on(p);
		pthread_mutex_unlock(&p->lock);
		pthread_mutex_lock(&p->lock);
		spent = gm_now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu0;
	}
	ended = !more;
	if (ended) {
		ask_mappings(p);
		end_epoch(p);
		s->going = false;
	}
	pthread_mutex_unlock(&p->lock);
	s->cost_ns += gm_now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu0;
	if (ended) {
		schedule(p, gm_now_ns(CLOCK_MONOTONIC), permille);
		gm_proc_publish(p);
	}
	return ended;
}

/* ---- what others may know */

static void publish_engine(struct gm_proc *p)
{
	struct gm_slot *slot = p->ledger.slot;
	struct gm_engine_view v;

	gm_engine_look(&p->engine, &v);
	atomic_store(&slot->order, p->engine.order);
	atomic_store(&slot->arm, v.arm);
	atomic_store(&slot->switches, v.switches);
	atomic_store(&slot->hit_permille[0], v.hit_permille[0]);
	atomic_store(&slot->hit_permille[1], v.hit_permille[1]);
	atomic_store(&slot->hit_often_permille, v.hit_permille[2]);
	atomic_store(&slot->hit_age_permille, v.hit_permille[3]);
	atomic_store(&slot->seen_permille, v.seen_permille);
	atomic_store(&slot->signals, live_signals(p));
	atomic_store(&slot->chunks, p->chunks.used);
	atomic_fetch_add(&slot->epoch, 1);
	atomic_fetch_add(&slot->device[p->home].refaulted,
			 (v.refaults - p->sweep.refaults) * GPUMEM_CHUNK_BYTES);
	p->sweep.refaults = v.refaults;
}

void gm_proc_publish(struct gm_proc *p)
{
	uint32_t there[GPUMEM_MAX_DEVICES][GPUMEM_HEAT_CLASSES] = { { 0 } };
	uint32_t here[GPUMEM_HEAT_CLASSES] = { 0 };
	const size_t page = gm_page_bytes();
	const unsigned least = gm_min_run();
	struct gm_slot *slot = p->ledger.slot;
	uint64_t wanted = 0;

	if (!slot || !p->engine_on)
		return;
	pthread_mutex_lock(&p->lock);
	for (uint32_t id = gm_chunks_next(&p->chunks, GM_NO_CHUNK); id != GM_NO_CHUNK;
	     id = gm_chunks_next(&p->chunks, id)) {
		const struct gm_chunk *c = gm_chunk_at(&p->chunks, id);
		unsigned class = gm_engine_class(&p->engine, id);

		there[c->device][class] += (uint32_t)(c->device_pages * page / GM_LEDGER_PAGE);
		here[class] += (uint32_t)(c->host_pages * page / GM_LEDGER_PAGE);
		if (class >= WANTED_CLASS && c->host_pages >= least && !c->fails &&
		    !(c->flags & GM_CHUNK_OUT))
			wanted += (uint64_t)c->host_pages * page;
	}
	publish_engine(p);
	pthread_mutex_unlock(&p->lock);
	for (unsigned k = 0; k < GPUMEM_HEAT_CLASSES; k++) {
		atomic_store(&slot->host_class[k], here[k]);
		for (size_t i = 0; i < p->place.devices.count; i++)
			atomic_store(&slot->device_class[i][k], there[i][k]);
	}
	/* A claim is for those who may come in at all. */
	if (p->rules.placement != GPUMEM_PLACE_PREFER && p->rules.placement != GPUMEM_PLACE_BIND)
		wanted = 0;
	if (atomic_load(&p->suspended))
		wanted = 0;
	if (wanted && atomic_exchange(&slot->device[p->home].wanted, wanted) == 0)
		gm_ledger_wake(&p->ledger);
	else
		atomic_store(&slot->device[p->home].wanted, wanted);
}
