/* SPDX-License-Identifier: MIT */
/*
 * batch.c: chunks there and back.
 */
#include <errno.h>
#include <string.h>

#include "agent/batch.h"

#define VERIFY 16u /* one page in so many is asked after a move, where nothing speaks for a failure */
/* Not a number of present pages: the next pass asks for every page. */
#define NOT_COUNTED UINT16_MAX

/*
 * How many pages of a run, all present before, are on a device now. A sample that is all where it
 * should be speaks for the rest; what failed, or went in part, is counted page by page.
 */
static unsigned landed(struct gm_proc *p, const void *addr, unsigned pages, bool to_device)
{
	uint8_t map[GM_SCAN_PAGES];

	memset(map, GM_PAGE_HOST, pages);
	if (pages >= 4 * VERIFY && gm_residency_sort(addr, pages, VERIFY, map) == 0) {
		struct gm_counts c = gm_residency_count(map, pages);

		/* A node's number proves that the page is there; that none is known does not. */
		if (!to_device && c.host == pages)
			return 0;
		if (to_device && c.device == pages && gm_residency_all_present(addr, pages))
			return pages;
	}
	/* What cannot be seen is taken to be where it was. */
	if (gm_residency_present(gm_pagemap(p), addr, pages, map) < 0 ||
	    gm_residency_sort(addr, pages, 1, map) < 0)
		return to_device ? 0 : pages;
	return gm_residency_count(map, pages).device;
}

/* In [from, end). */
static unsigned run_length(const uint8_t *map, unsigned from, unsigned end, enum gm_page least)
{
	unsigned n = 0;

	while (from + n < end && map[from + n] != GM_PAGE_ABSENT &&
	       (map[from + n] == GM_PAGE_HOST) == (least == GM_PAGE_HOST))
		n++;
	return n;
}

/* Charges for up to `pages`; returns for how many. */
static unsigned charge_pages(struct gm_proc *p, size_t index, unsigned pages)
{
	struct gm_levels levels;
	const size_t page = gm_page_bytes();
	uint64_t got;

	if (!p->ledger.slot)
		return pages;
	gm_proc_levels(p, index, &levels);
	got = gm_ledger_charge(&p->ledger, index, (uint64_t)pages * page, levels.high,
			       gm_proc_step_high(p, index));
	gm_ledger_uncharge(&p->ledger, index, got % page);
	return (unsigned)(got / page);
}

static void uncharge_pages(struct gm_proc *p, size_t index, unsigned pages)
{
	if (p->ledger.slot && pages)
		gm_ledger_uncharge(&p->ledger, index, (uint64_t)pages * gm_page_bytes());
}

/* Keeps the sum of what could move true while a pass is under way. */
static void note_host(struct gm_proc *p, uint64_t number, int pages)
{
	uint64_t bytes = (uint64_t)(pages < 0 ? -pages : pages) * gm_page_bytes();
	bool passed = number * GPUMEM_CHUNK_BYTES < p->at_addr;

	if (pages < 0) {
		p->host_bytes -= bytes < p->host_bytes ? bytes : p->host_bytes;
		if (passed)
			p->pass_host_bytes -= bytes < p->pass_host_bytes ? bytes : p->pass_host_bytes;
	} else {
		p->host_bytes += bytes;
		p->pass_host_bytes += passed ? bytes : 0;
	}
}

static void note_moved(struct gm_proc *p, uint64_t number, size_t index)
{
	if (gm_is_node(&p->place.devices.device[index]))
		p->sweep.moved[number / 64 % 64] |= 1ull << number % 64;
}

/* ---- adding ------------------------------------------------------------------------------- */

static struct gm_batched *add(struct gm_batch *batch, uint32_t id, size_t index, enum gpumem_reason reason)
{
	struct gm_batched *b = &batch->chunk[batch->count++];

	b->id = id;
	b->index = index;
	b->reason = reason;
	b->rc = 0;
	b->moved = 0;
	b->failed = false;
	memset(b->map, GM_PAGE_ABSENT, sizeof(b->map));
	return b;
}

uint64_t gm_batch_in(struct gm_proc *p, struct gm_batch *batch, uint32_t id, const struct gm_chunk_view *view,
		     size_t index, unsigned min_run, enum gpumem_reason reason, bool *ret_full)
{
	const struct gm_chunk *c = gm_chunk_at(&p->chunks, id);
	bool is_node = gm_is_node(&p->place.devices.device[index]);
	const unsigned end = gm_chunk_pages();
	struct gm_batched *b = NULL;
	unsigned pages = 0;

	if (c->device_pages && c->device != index)
		return 0;
	for (unsigned i = 0, n; i < end && !*ret_full; i += n ? n : 1) {
		unsigned granted;

		n = run_length(view->map, i, end, GM_PAGE_HOST);
		if (n < min_run)
			continue;
		granted = charge_pages(p, index, n);
		*ret_full = granted < n;
		/* A chunk that is one huge page goes to a node as a whole, or the limit would be passed. */
		if (*ret_full && n == end && is_node) {
			uncharge_pages(p, index, granted);
			break;
		}
		if (granted == 0)
			break;
		if (!b)
			b = add(batch, id, index, reason);
		memset(b->map + i, GM_PAGE_HOST, granted);
		pages += granted;
	}
	return (uint64_t)pages * gm_page_bytes();
}

uint64_t gm_batch_out(struct gm_proc *p, struct gm_batch *batch, uint32_t id, const struct gm_chunk_view *view,
		      enum gpumem_reason reason)
{
	struct gm_batched *b = add(batch, id, GM_PLACE_HOST, reason);
	const unsigned end = gm_chunk_pages();
	unsigned pages = 0;

	(void)p;
	for (unsigned i = 0; i < end; i++)
		if (view->map[i] >= GM_PAGE_DEVICE) {
			b->map[i] = view->map[i];
			pages++;
		}
	/* Else the range is a part of the chunk, and there may be more of it on the device. */
	b->whole = view->count.host + view->count.device == view->present;
	b->present = view->present;
	return (uint64_t)pages * gm_page_bytes();
}

/* ---- moving ------------------------------------------------------------------------------- */

/* The next run of what is to move, from *at on; its length, or 0. */
static unsigned next_run(const struct gm_batched *b, unsigned *at)
{
	enum gm_page from = b->index == GM_PLACE_HOST ? GM_PAGE_DEVICE : GM_PAGE_HOST;
	const unsigned end = gm_chunk_pages();
	unsigned n = 0;

	while (*at < end && (n = run_length(b->map, *at, end, from)) == 0)
		++*at;
	return n;
}

static char *base_of(const struct gm_proc *p, const struct gm_batched *b)
{
	return gm_chunk_addr(gm_chunk_number(&p->chunks, b->id));
}

static void start(struct gm_proc *p, struct gm_batched *b)
{
	const size_t page = gm_page_bytes();

	for (unsigned i = 0, n; (n = next_run(b, &i)) != 0; i += n) {
		int rc = gm_place_add(&p->place, base_of(p, b) + i * page, n * page, b->index);

		b->rc = b->rc ? b->rc : rc;
	}
}

/* How many pages of a run are where they should be. */
static unsigned arrived(struct gm_proc *p, struct gm_batched *b, void *addr, unsigned pages)
{
	const struct gm_chunk *c = gm_chunk_at(&p->chunks, b->id);
	bool in = b->index != GM_PLACE_HOST;
	size_t len = pages * gm_page_bytes();
	unsigned there = landed(p, addr, pages, in);
	int why = 0;

	if (!in)
		there = pages - there;
	if (there == pages)
		return there;
	if (gm_place_again(&p->place, addr, len, &why)) {
		why = gm_place_move(&p->place, addr, len, b->index);
		there = landed(p, addr, pages, in);
		there = in ? there : pages - there;
	} else if (in && b->rc == 0 && there == 0 && c->fails == 0 &&
		   !gm_is_node(&p->place.devices.device[b->index]) &&
		   gm_place_move(&p->place, addr, len, GM_PLACE_HOST) == 0) {
		/* On 6.1 a range that was once moved there counts as being there, whatever its pages did
		 * since, and nothing happens. Sending it home first makes the kernel look again. */
		why = gm_place_move(&p->place, addr, len, b->index);
		there = landed(p, addr, pages, true);
	}
	b->failed |= there < pages;
	b->rc = b->rc ? b->rc : why;
	return there;
}

static enum gpumem_fail why_failed(const struct gm_batched *b)
{
	return b->rc < 0 ? gm_place_reason(b->rc) : b->moved ? GPUMEM_FAIL_PARTIAL : GPUMEM_FAIL_BUSY;
}

static void measure(struct gm_proc *p, struct gm_batched *b)
{
	const size_t page = gm_page_bytes();

	for (unsigned i = 0, n; (n = next_run(b, &i)) != 0; i += n) {
		unsigned there = arrived(p, b, base_of(p, b) + i * page, n);

		b->moved += there;
		if (b->index != GM_PLACE_HOST)
			uncharge_pages(p, b->index, n - there);
	}
}

static void account_in(struct gm_proc *p, const struct gm_batched *b)
{
	struct gm_chunk *c = gm_chunk_at(&p->chunks, b->id);
	struct gm_slot_device *d = gm_slot_device(p, b->index);
	uint64_t number = gm_chunk_number(&p->chunks, b->id);
	unsigned before = c->device_pages;
	const size_t page = gm_page_bytes();

	if (b->failed)
		gm_move_failed(p, c, why_failed(b));
	if (!b->moved)
		return;
	p->changed = true;
	note_host(p, number, -(int)b->moved);
	note_moved(p, number, b->index);
	if (!before && (b->index != p->home || !p->engine_on))
		c->order = ++p->move_order;
	c->device = (uint8_t)b->index & 15u;
	c->device_pages = (uint16_t)(before + b->moved);
	gm_tell_engine(p, b->id, before, false);
	c->host_pages = (uint16_t)(c->host_pages > b->moved ? c->host_pages - b->moved : 0);
	if (d) {
		atomic_fetch_add(&d->resident, (uint64_t)b->moved * page);
		atomic_fetch_add(&d->moved_in, (uint64_t)b->moved * page);
	}
}

static void account_out(struct gm_proc *p, const struct gm_batched *b)
{
	struct gm_chunk *c = gm_chunk_at(&p->chunks, b->id);
	struct gm_slot_device *d = gm_slot_device(p, c->device);
	uint64_t number = gm_chunk_number(&p->chunks, b->id);
	struct gm_chunk_view view;

	if (b->failed)
		gm_count_fail(p, why_failed(b));
	note_host(p, number, (int)b->moved);
	note_moved(p, number, c->device);
	if (d)
		atomic_fetch_add(&d->moved_out, (uint64_t)b->moved * gm_page_bytes());
	if (b->whole && !b->failed) {
		c->host_pages = (uint16_t)b->present;
		c->present_pages = NOT_COUNTED;
		gm_account(p, b->id, 0, true);
	} else if (gm_view_present(p, number, 0, &view) == 0 && gm_view_sort(number, false, &view) == 0) {
		c->host_pages = (uint16_t)view.count.host;
		c->present_pages = (uint16_t)view.present;
		gm_account(p, b->id, view.count.device - (p->parent_alive ? view.count.shared : 0), true);
	}
}

void gm_batch_move(struct gm_proc *p, struct gm_batch *batch)
{
	for (size_t k = 0; k < batch->count; k++)
		start(p, &batch->chunk[k]);
	if (batch->count)
		gm_place_move_added(&p->place);
	for (size_t k = 0; k < batch->count; k++) {
		struct gm_batched *b = &batch->chunk[k];

		measure(p, b);
		if (b->index == GM_PLACE_HOST)
			account_out(p, b);
		else
			account_in(p, b);
	}
}

/* ---- one alone ---------------------------------------------------------------------------- */

static uint64_t move_one(struct gm_proc *p, struct gm_batch *one)
{
	gm_batch_move(p, one);
	return one->count ? (uint64_t)one->chunk[0].moved * gm_page_bytes() : 0;
}

uint64_t gm_move_in(struct gm_proc *p, uint32_t id, const struct gm_chunk_view *view, size_t index,
		    unsigned min_run, bool *ret_full)
{
	struct gm_batch one;

	one.count = 0;
	gm_batch_in(p, &one, id, view, index, min_run, GPUMEM_REASON_NONE, ret_full);
	return move_one(p, &one);
}

uint64_t gm_move_out(struct gm_proc *p, uint32_t id, const struct gm_chunk_view *view)
{
	struct gm_batch one;

	one.count = 0;
	gm_batch_out(p, &one, id, view, GPUMEM_REASON_NONE);
	return move_one(p, &one);
}
