/* SPDX-License-Identifier: MIT */
/*
 * move.c: where the pages of a chunk are, and what that means for the ledger.
 */
#include <errno.h>
#include <string.h>

#include "agent/move.h"

#define SAMPLE 16u /* one page in so many is asked where nothing speaks for a change */

int gm_pagemap(struct gm_proc *p)
{
	if (!gm_own_valid(&p->pagemap))
		gm_own_open(&p->pagemap, "/proc/self/pagemap", O_RDONLY);
	return p->pagemap.fd;
}

int gm_view_present(struct gm_proc *p, uint64_t number, size_t from,
		    struct gm_chunk_view *view)
{
	uintptr_t start = (uintptr_t)number * GPUMEM_CHUNK_BYTES;
	uintptr_t end = start + GPUMEM_CHUNK_BYTES;
	const size_t page = gm_page_bytes();
	int fd = gm_pagemap(p);

	memset(view, 0, sizeof(*view));
	for (size_t i = from; i < p->ranges.count && p->ranges.range[i].start < end; i++) {
		struct gm_range r = p->ranges.range[i];
		int rc;

		if (r.end <= start)
			continue;
		if (r.start < start)
			r.start = start;
		if (r.end > end)
			r.end = end;
		rc = gm_residency_present(fd, (void *)r.start,
					  (r.end - r.start) / page, view->map + (r.start - start) / page);
		if (rc < 0)
			return rc;
		view->present += (unsigned)rc;
	}
	return 0;
}

int gm_view_sort(uint64_t number, bool sample, struct gm_chunk_view *view)
{
	const void *addr = (const void *)(uintptr_t)(number * GPUMEM_CHUNK_BYTES);
	const unsigned pages = gm_chunk_pages();
	uint8_t unsorted[GM_SCAN_PAGES];
	int rc;

	if (sample) {
		memcpy(unsorted, view->map, sizeof(unsorted));
		rc = gm_residency_sort(addr, pages, SAMPLE, view->map);
		view->count = gm_residency_count(view->map, pages);
		if (rc < 0 || view->count.host == view->present ||
		    view->count.device == view->present)
			return rc;
		memcpy(view->map, unsorted, sizeof(unsorted));
	}
	rc = gm_residency_sort(addr, pages, 1, view->map);
	view->count = gm_residency_count(view->map, pages);
	return rc;
}

struct gm_slot_device *gm_slot_device(struct gm_proc *p, size_t index)
{
	return p->ledger.slot ? &p->ledger.slot->device[index] : NULL;
}

void gm_count_fail(struct gm_proc *p, enum gpumem_fail why)
{
	if (p->ledger.slot)
		atomic_fetch_add(&p->ledger.slot->failed[why], 1);
}

void gm_tell_engine(struct gm_proc *p, uint32_t id, unsigned before, bool evicted)
{
	const struct gm_chunk *c = gm_chunk_at(&p->chunks, id);
	bool is = c->device_pages > 0;

	if (!p->engine_on || c->device != p->home || is == (before > 0))
		return;
	if (is)
		gm_engine_came(&p->engine, id);
	else
		gm_engine_went(&p->engine, id, evicted);
	gm_trace_add(&p->trace, is ? 'i' : 'o', gm_chunk_number(&p->chunks, id));
}

void gm_account(struct gm_proc *p, uint32_t id, unsigned pages, bool evicted)
{
	struct gm_chunk *c = gm_chunk_at(&p->chunks, id);
	struct gm_slot_device *d = gm_slot_device(p, c->device);
	unsigned before = c->device_pages;
	uint64_t bytes;

	c->device_pages = (uint16_t)pages;
	if (pages == before)
		return;
	p->changed = true;
	gm_tell_engine(p, id, before, evicted);
	if (!d)
		return;
	if (pages > before) {
		bytes = (uint64_t)(pages - before) * gm_page_bytes();
		atomic_fetch_add(&d->charged, bytes);
		atomic_fetch_add(&d->resident, bytes);
	} else {
		bytes = (uint64_t)(before - pages) * gm_page_bytes();
		gm_ledger_uncharge(&p->ledger, c->device, bytes);
		atomic_fetch_sub(&d->resident, bytes);
	}
}

void gm_view_account(struct gm_proc *p, uint32_t id, const struct gm_chunk_view *view)
{
	struct gm_chunk *c = gm_chunk_at(&p->chunks, id);
	int index = view->count.index < 0 ? (int)p->home : view->count.index;
	unsigned before;

	/* On another device's node now: nobody but the kernel, or the user, did that. */
	if (c->device_pages && view->count.index >= 0 && c->device != index)
		gm_account(p, id, 0, true);
	if (view->count.device && c->device_pages == 0) {
		/* Not our move: a GPU fault's, the memory policy's, or a parent's before the fork. */
		c->device = (uint8_t)index & 15u;
		if (!p->engine_on || c->device != p->home)
			c->order = ++p->move_order;
	}
	before = c->device_pages;
	gm_account(p, id, view->count.device - (p->parent_alive ? view->count.shared : 0), true);
	if (p->inherits && c->device_pages > before)
		gm_ledger_inherit(&p->ledger, c->device,
				  (uint64_t)(c->device_pages - before) * gm_page_bytes());
	c->host_pages = (uint16_t)view->count.host;
}

void gm_move_failed(struct gm_proc *p, struct gm_chunk *c, enum gpumem_fail why)
{
	gm_count_fail(p, why);
	if (c->fails < 6)
		c->fails++;
	c->retry_pass = (uint16_t)(p->pass + (1u << c->fails));
}
