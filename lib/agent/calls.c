/* SPDX-License-Identifier: MIT */
/*
 * calls.c: what the application itself asks for, range by range.
 */
#include <errno.h>
#include <string.h>

#include "agent/batch.h"

struct walk {
	uint64_t number, last; /* chunks */
	unsigned from, to;     /* pages of the first and the last one */
};

/* Keeps the pages of a view that belong to the caller's range. */
static void clip(struct gm_chunk_view *view, const struct walk *w, uint64_t first)
{
	if ((w->number != first || w->from == 0) && (w->number != w->last || w->to == gm_chunk_pages()))
		return;
	if (w->number == first)
		memset(view->map, GM_PAGE_ABSENT, w->from);
	if (w->number == w->last)
		memset(view->map + w->to, GM_PAGE_ABSENT, gm_chunk_pages() - w->to);
	view->count = gm_residency_count(view->map, gm_chunk_pages());
}

typedef int visit_fn(struct gm_proc *p, uint32_t id, struct gm_chunk_view *view, void *data);

/* Calls fn for each chunk of the range with the view of it, under the lock. */
static int for_range(struct gm_proc *p, void *addr, size_t len, visit_fn *fn, void *data,
		     uint64_t *ret_bytes)
{
	uintptr_t start = (uintptr_t)addr, end = start + len - 1;
	struct walk w = {
		.number = start / GPUMEM_CHUNK_BYTES,
		.last = end / GPUMEM_CHUNK_BYTES,
		.from = (unsigned)(start % GPUMEM_CHUNK_BYTES / gm_page_bytes()),
		.to = (unsigned)(end % GPUMEM_CHUNK_BYTES / gm_page_bytes()) + 1,
	};
	uint64_t first = w.number, on_device = 0;
	int rc = 0, first_error = 0;

	pthread_mutex_lock(&p->lock);
	rc = gm_place_open(&p->place);
	if (rc == 0)
		rc = gm_maps_read(&p->ranges);
	p->at_range = 0; /* a pass under way finds its place in the new list by its address */
	for (; rc == 0 && w.number <= w.last; w.number++) {
		uint32_t id = gm_chunks_get(&p->chunks, w.number);
		struct gm_chunk_view view;
		struct gm_chunk *c;
		int chunk_rc;

		if (id == GM_NO_CHUNK) {
			rc = -ENOMEM;
			break;
		}
		c = gm_chunk_at(&p->chunks, id);
		c->pass = (uint8_t)p->pass;
		rc = gm_view_present(p, w.number, 0, &view);
		if (rc == 0)
			rc = gm_view_sort(w.number, gm_chunk_uniform(c), &view);
		if (rc < 0)
			break;
		gm_view_account(p, id, &view);
		clip(&view, &w, first);
		chunk_rc = fn(p, id, &view, data);
		first_error = first_error ? first_error : chunk_rc;
		if (ret_bytes && gm_view_present(p, w.number, 0, &view) == 0 &&
		    gm_view_sort(w.number, false, &view) == 0) {
			clip(&view, &w, first);
			on_device += (uint64_t)view.count.device * gm_page_bytes();
		}
		pthread_mutex_unlock(&p->lock);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	if (ret_bytes && rc == 0)
		*ret_bytes = on_device;
	return rc ? rc : first_error;
}

static int prefetch_one(struct gm_proc *p, uint32_t id, struct gm_chunk_view *view, void *data)
{
	struct gm_chunk *c = gm_chunk_at(&p->chunks, id);
	unsigned want = view->count.host;
	bool full = false;
	uint64_t moved;

	c->flags &= (uint8_t)~GM_CHUNK_OUT;
	if (c->device_pages && c->device != *(size_t *)data)
		return -EBUSY; /* a chunk is on one device at a time */
	if (!want)
		return 0;
	c->fails = 0;
	if (p->engine_on && *(size_t *)data == p->home) {
		gm_engine_faulted(&p->engine, id);
		gm_trace_add(&p->trace, 'f', gm_chunk_number(&p->chunks, id));
	}
	moved = gm_move_in(p, id, view, *(size_t *)data, 1, &full);
	gm_proc_note(p, id, moved, moved ? GPUMEM_REASON_ASKED :
				   full	 ? GPUMEM_REASON_FULL :
					   GPUMEM_REASON_FAILED);
	if (full)
		return -EDQUOT;
	return moved < (uint64_t)want * gm_page_bytes() && c->fails ? -EBUSY : 0;
}

int gm_proc_prefetch(struct gm_proc *p, void *addr, size_t len, size_t index, uint64_t *ret_bytes)
{
	return for_range(p, addr, len, prefetch_one, &index, ret_bytes);
}

static int evict_one(struct gm_proc *p, uint32_t id, struct gm_chunk_view *view, void *data)
{
	struct gm_chunk *c = gm_chunk_at(&p->chunks, id);
	unsigned want = view->count.device;
	uint64_t moved;

	(void)data;
	c->flags |= GM_CHUNK_OUT;
	if (!want)
		return 0;
	moved = gm_move_out(p, id, view);
	gm_proc_note(p, id, moved, moved ? GPUMEM_REASON_ASKED : GPUMEM_REASON_FAILED);
	return moved < (uint64_t)want * gm_page_bytes() ? -EBUSY : 0;
}

int gm_proc_evict(struct gm_proc *p, void *addr, size_t len, uint64_t *ret_bytes)
{
	int rc = for_range(p, addr, len, evict_one, NULL, ret_bytes);

	/* Who asks for the figure gets every page looked at, and so the truth of a sample. */
	return rc == 0 && ret_bytes && *ret_bytes ? -EBUSY : rc;
}

static int flag_one(struct gm_proc *p, uint32_t id, struct gm_chunk_view *view, void *data)
{
	struct gm_chunk *c = gm_chunk_at(&p->chunks, id);
	enum gpumem_advice advice = *(enum gpumem_advice *)data;
	bool was_out = c->flags & GM_CHUNK_OUT;

	(void)view;
	c->flags &= (uint8_t)~GM_CHUNK_OUT;
	if (advice == GPUMEM_ADVISE_KEEP_OUT) {
		c->flags |= GM_CHUNK_OUT;
		/* Said once: no pass looks at it again. */
		if (!was_out && !c->device_pages)
			gm_proc_note(p, id, 0, GPUMEM_REASON_KEPT_OUT);
	}
	/* The next pass may bring it in. */
	if (was_out && !(c->flags & GM_CHUNK_OUT))
		p->changed = true;
	if (p->engine_on)
		gm_engine_like(&p->engine, id, advice == GPUMEM_ADVISE_DEVICE);
	return 0;
}

int gm_proc_advise(struct gm_proc *p, void *addr, size_t len, enum gpumem_advice advice,
		   size_t index)
{
	int rc = for_range(p, addr, len, flag_one, &advice, NULL);

	if (rc < 0)
		return rc;
	if (advice == GPUMEM_ADVISE_HOST || advice == GPUMEM_ADVISE_KEEP_OUT)
		index = GM_PLACE_HOST;
	else if (advice == GPUMEM_ADVISE_NONE)
		index = GM_PLACE_HOST + 1;
	pthread_mutex_lock(&p->lock);
	rc = gm_place_prefer(&p->place, addr, len, index);
	pthread_mutex_unlock(&p->lock);
	return rc;
}
