/* SPDX-License-Identifier: MIT */
/*
 * proc.c: a process's standing against its limits, and the application's own calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/decide.h"
#include "agent/move.h"

#define EVICT_BATCH 64u
#define FIRST_WAIT_NS 1000000000ull
#define MAX_WAITS 6u

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int gm_proc_init(struct gm_proc *p, const struct gm_ledger *ledger,
		 const struct gm_kfd_devices *devices, const struct gpumem_plan *plan)
{
	memset(p, 0, sizeof(*p));
	pthread_mutex_init(&p->lock, NULL);
	if (ledger)
		p->ledger = *ledger;
	p->svm.devices = *devices;
	p->plan = *plan;
	p->admit_index = GM_SVM_HOST;
	return gm_own_open(&p->pagemap, "/proc/self/pagemap", O_RDONLY);
}

void gm_proc_fini(struct gm_proc *p)
{
	gm_svm_close(&p->svm);
	gm_proc_forget(p);
	pthread_mutex_destroy(&p->lock);
}

void gm_proc_forget(struct gm_proc *p)
{
	gm_own_close(&p->pagemap);
	gm_chunks_free(&p->chunks);
	gm_maps_free(&p->ranges);
	gm_ledger_unmap(&p->ledger);
}

int gm_proc_open(struct gm_proc *p)
{
	struct gm_slot *s = p->ledger.slot;
	int rc;

	pthread_mutex_lock(&p->lock);
	rc = gm_svm_open(&p->svm);
	if (s)
		atomic_store(&s->open_error, (uint32_t)-rc);
	if (s && rc == 0)
		memcpy(s->path, p->svm.ops->name, strlen(p->svm.ops->name) + 1);
	pthread_mutex_unlock(&p->lock);
	return rc;
}

bool gm_proc_is_open(struct gm_proc *p)
{
	bool is;

	pthread_mutex_lock(&p->lock);
	is = p->svm.ops != NULL;
	pthread_mutex_unlock(&p->lock);
	return is;
}

void gm_proc_release(struct gm_proc *p)
{
	pthread_mutex_lock(&p->lock);
	gm_svm_close(&p->svm);
	pthread_mutex_unlock(&p->lock);
}

size_t gm_proc_device_count(const struct gm_proc *p)
{
	return p->svm.devices.count;
}

const char *gm_proc_device_pci(const struct gm_proc *p, size_t i)
{
	return i < p->svm.devices.count ? p->svm.devices.device[i].pci : NULL;
}

static bool is_first_choice(const struct gm_proc *p, size_t i)
{
	return p->plan.device_count > 0 && p->plan.device[0] == i;
}

static struct gm_decision decide(const struct gm_proc *p, size_t i)
{
	const struct gm_slot_device *d = &p->ledger.slot->device[i];
	struct gm_standing s = {
		.placement = p->plan.placement,
		.request = gm_ledger_request(&p->ledger, i),
		.first_choice = is_first_choice(p, i),
		.own = atomic_load(&d->charged),
		.job = gm_ledger_charged(&p->ledger, i),
		.job_limit = gm_ledger_limit(&p->ledger, i),
		.step_limit = atomic_load(&d->step_limit),
	};

	if (s.step_limit != UINT64_MAX)
		s.step = gm_ledger_step_charged(&p->ledger, i,
						atomic_load(&p->ledger.slot->step_id));
	return gm_decide(&s);
}

static uint64_t out_one(struct gm_proc *p, struct gm_chunk *c)
{
	struct gm_chunk_view view;

	if (gm_view_present(p, c->number, 0, &view) < 0 ||
	    gm_view_sort(c->number, gm_chunk_uniform(c), &view) < 0)
		return 0;
	return gm_move_out(p, c, &view);
}

/* Takes the chunk off the device if it is still as it was listed; one that stays goes behind the
 * others. */
static uint64_t evict_listed(struct gm_proc *p, const struct gm_chunk *listed)
{
	struct gm_chunk *c;
	uint64_t bytes = 0;

	pthread_mutex_lock(&p->lock);
	c = gm_chunks_find(&p->chunks, listed->number);
	if (c && c->device_pages && c->moved_order == listed->moved_order) {
		bytes = out_one(p, c);
		if (c->device_pages) {
			c->moved_order = ++p->move_order;
			p->round[listed->device].stayed = true;
		}
	}
	pthread_mutex_unlock(&p->lock);
	return bytes;
}

/* Oldest first, until `bytes` left. A round tries each chunk once, however many slices of time it
 * takes; after one in which some stayed (pinned, say) the next waits, longer each time. Returns
 * false when the slice ended first. */
static bool evict(struct gm_proc *p, size_t i, uint64_t bytes, uint64_t until)
{
	struct gm_round *r = &p->round[i];
	struct gm_chunk oldest[EVICT_BATCH];
	uint64_t done = 0;
	size_t count;

	if (!r->going && now_ns() < r->not_before_ns)
		return true;
	if (!r->going)
		*r = (struct gm_round){ .going = true, .last = p->move_order, .waits = r->waits };
	do {
		pthread_mutex_lock(&p->lock);
		count = gm_chunks_oldest(&p->chunks, (uint8_t)i, oldest, EVICT_BATCH);
		pthread_mutex_unlock(&p->lock);
		for (size_t k = 0; k < count; k++) {
			if ((int32_t)(oldest[k].moved_order - r->last) > 0) {
				count = 0;
				break;
			}
			done += evict_listed(p, &oldest[k]);
			if (done >= bytes) {
				*r = (struct gm_round){ 0 };
				return true;
			}
			if (now_ns() >= until)
				return false;
		}
	} while (count);
	r->going = false;
	r->not_before_ns = r->stayed ? now_ns() + (FIRST_WAIT_NS << r->waits) : 0;
	if (!r->stayed)
		r->waits = 0;
	else if (r->waits < MAX_WAITS)
		r->waits++;
	return true;
}

/* Asked for by hand comes first, then the plan's nearest device. */
static unsigned rank(const struct gm_proc *p, size_t i)
{
	bool asked = gm_ledger_request(&p->ledger, i) == GPUMEM_REQUEST_MIGRATE;

	return 1 + is_first_choice(p, i) + 2 * asked;
}

bool gm_proc_settle(struct gm_proc *p, uint64_t slice_ns)
{
	uint32_t doorbell = atomic_load(&p->ledger.file->head.doorbell);
	uint64_t until = now_ns() + slice_ns;
	unsigned best = 0;
	bool more = false;

	/* Who asks again wants it tried again. */
	if (doorbell != p->doorbell)
		memset(p->round, 0, sizeof(p->round));
	p->doorbell = doorbell;
	p->admit_index = GM_SVM_HOST;
	for (size_t i = 0; i < p->svm.devices.count; i++) {
		struct gm_decision d = decide(p, i);

		if (d.evict_bytes && gm_proc_open(p) == 0)
			more |= !evict(p, i, d.evict_bytes, until);
		if (d.admit && rank(p, i) > best) {
			best = rank(p, i);
			p->admit_index = i;
		}
	}
	return more;
}

struct walk {
	uint64_t number, last; /* chunks */
	unsigned from, to;     /* pages of the first and the last one */
};

/* Keeps the pages of a view that belong to the caller's range. */
static void clip(struct gm_chunk_view *view, const struct walk *w, uint64_t first)
{
	if ((w->number != first || w->from == 0) && (w->number != w->last || w->to == GM_SCAN_PAGES))
		return;
	if (w->number == first)
		memset(view->map, GM_PAGE_ABSENT, w->from);
	if (w->number == w->last)
		memset(view->map + w->to, GM_PAGE_ABSENT, GM_SCAN_PAGES - w->to);
	view->count = gm_residency_count(view->map, GM_SCAN_PAGES);
}

typedef int visit_fn(struct gm_proc *p, struct gm_chunk *c, struct gm_chunk_view *view, void *data);

/* Calls fn for each chunk of the range with the view of it, under the lock. */
static int for_range(struct gm_proc *p, void *addr, size_t len, visit_fn *fn, void *data,
		     uint64_t *ret_bytes)
{
	uintptr_t start = (uintptr_t)addr, end = start + len - 1;
	struct walk w = {
		.number = start / GPUMEM_CHUNK_BYTES,
		.last = end / GPUMEM_CHUNK_BYTES,
		.from = (unsigned)(start % GPUMEM_CHUNK_BYTES / GM_PAGE_BYTES),
		.to = (unsigned)(end % GPUMEM_CHUNK_BYTES / GM_PAGE_BYTES) + 1,
	};
	uint64_t first = w.number, on_device = 0;
	int rc = 0, first_error = 0;

	pthread_mutex_lock(&p->lock);
	rc = gm_svm_open(&p->svm);
	if (rc == 0)
		rc = gm_maps_read(&p->ranges);
	p->at_range = 0; /* a pass under way finds its place in the new list by its address */
	for (; rc == 0 && w.number <= w.last; w.number++) {
		struct gm_chunk *c = gm_chunks_get(&p->chunks, w.number);
		struct gm_chunk_view view;
		int chunk_rc;

		if (!c) {
			rc = -ENOMEM;
			break;
		}
		c->pass = (uint8_t)p->pass;
		rc = gm_view_present(p, w.number, 0, &view);
		if (rc == 0)
			rc = gm_view_sort(w.number, gm_chunk_uniform(c), &view);
		if (rc < 0)
			break;
		gm_view_account(p, c, &view);
		clip(&view, &w, first);
		chunk_rc = fn(p, c, &view, data);
		first_error = first_error ? first_error : chunk_rc;
		if (ret_bytes && gm_view_present(p, w.number, 0, &view) == 0 &&
		    gm_view_sort(w.number, false, &view) == 0) {
			clip(&view, &w, first);
			on_device += (uint64_t)view.count.device * GM_PAGE_BYTES;
		}
		pthread_mutex_unlock(&p->lock);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	if (ret_bytes && rc == 0)
		*ret_bytes = on_device;
	return rc ? rc : first_error;
}

static int prefetch_one(struct gm_proc *p, struct gm_chunk *c, struct gm_chunk_view *view,
			void *data)
{
	unsigned want = view->count.host;
	bool full = false;
	uint64_t moved;

	c->flags &= (uint8_t)~GM_CHUNK_OUT;
	if (c->device_pages && c->device != *(size_t *)data)
		return -EBUSY; /* a chunk is on one device at a time */
	if (!want)
		return 0;
	c->fails = 0;
	moved = gm_move_in(p, c, view, *(size_t *)data, 1, &full);
	if (full)
		return -EDQUOT;
	return moved < (uint64_t)want * GM_PAGE_BYTES && c->fails ? -EBUSY : 0;
}

int gm_proc_prefetch(struct gm_proc *p, void *addr, size_t len, size_t index, uint64_t *ret_bytes)
{
	return for_range(p, addr, len, prefetch_one, &index, ret_bytes);
}

static int evict_one(struct gm_proc *p, struct gm_chunk *c, struct gm_chunk_view *view, void *data)
{
	unsigned want = view->count.device;

	(void)data;
	c->flags |= GM_CHUNK_OUT;
	if (!want)
		return 0;
	return gm_move_out(p, c, view) < (uint64_t)want * GM_PAGE_BYTES ? -EBUSY : 0;
}

int gm_proc_evict(struct gm_proc *p, void *addr, size_t len, uint64_t *ret_bytes)
{
	int rc = for_range(p, addr, len, evict_one, NULL, ret_bytes);

	/* Who asks for the figure gets every page looked at, and so the truth of a sample. */
	return rc == 0 && ret_bytes && *ret_bytes ? -EBUSY : rc;
}

static int flag_one(struct gm_proc *p, struct gm_chunk *c, struct gm_chunk_view *view, void *data)
{
	(void)p;
	(void)view;
	if (*(enum gpumem_advice *)data == GPUMEM_ADVISE_KEEP_OUT)
		c->flags |= GM_CHUNK_OUT;
	else
		c->flags &= (uint8_t)~GM_CHUNK_OUT;
	return 0;
}

int gm_proc_advise(struct gm_proc *p, void *addr, size_t len, enum gpumem_advice advice,
		   size_t index)
{
	int rc = for_range(p, addr, len, flag_one, &advice, NULL);

	if (rc < 0)
		return rc;
	if (advice == GPUMEM_ADVISE_HOST || advice == GPUMEM_ADVISE_KEEP_OUT)
		index = GM_SVM_HOST;
	else if (advice == GPUMEM_ADVISE_NONE)
		index = GM_SVM_HOST + 1;
	pthread_mutex_lock(&p->lock);
	rc = gm_svm_prefer(&p->svm, addr, len, index);
	pthread_mutex_unlock(&p->lock);
	return rc;
}
