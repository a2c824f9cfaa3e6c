/* SPDX-License-Identifier: MIT */
/*
 * move.c: one chunk there and back.
 */
#include <errno.h>
#include <string.h>

#include "agent/move.h"

#define SAMPLE 16u /* one page in so many is asked where nothing speaks for a change */
#define VERIFY 16u /* and after a move */
/* Not a number of present pages: the next pass asks for every page. */
#define NOT_COUNTED UINT16_MAX

/* The descriptor, opened anew where the application closed it; -1 without one. */
static int pagemap(struct gm_proc *p)
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
	int fd = pagemap(p);

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

static struct gm_slot_device *slot_device(struct gm_proc *p, size_t index)
{
	return p->ledger.slot ? &p->ledger.slot->device[index] : NULL;
}

static void count_fail(struct gm_proc *p, enum gpumem_fail why)
{
	if (p->ledger.slot)
		atomic_fetch_add(&p->ledger.slot->failed[why], 1);
}

/* Tells the engine what became of a chunk of the home device. */
static void tell_engine(struct gm_proc *p, uint32_t id, unsigned before, bool evicted)
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
	struct gm_slot_device *d = slot_device(p, c->device);
	unsigned before = c->device_pages;
	uint64_t bytes;

	c->device_pages = (uint16_t)pages;
	if (pages == before)
		return;
	p->changed = true;
	tell_engine(p, id, before, evicted);
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
	if (gm_residency_present(pagemap(p), addr, pages, map) < 0 ||
	    gm_residency_sort(addr, pages, 1, map) < 0)
		return to_device ? 0 : pages;
	return gm_residency_count(map, pages).device;
}

void gm_move_failed(struct gm_proc *p, struct gm_chunk *c, enum gpumem_fail why)
{
	count_fail(p, why);
	if (c->fails < 6)
		c->fails++;
	c->retry_pass = (uint16_t)(p->pass + (1u << c->fails));
}

static unsigned move_run(struct gm_proc *p, struct gm_chunk *c, void *addr, unsigned pages,
			 size_t index)
{
	size_t len = (size_t)pages * gm_page_bytes();
	int rc = gm_place_move(&p->place, addr, len, index);
	unsigned moved = landed(p, addr, pages, true);

	/* On 6.1 a range that was once moved there counts as being there, whatever its pages did
	 * since, and nothing happens. Sending it home first makes the kernel look again. */
	if (rc == 0 && moved == 0 && c->fails == 0 && !gm_is_node(&p->place.devices.device[index]) &&
	    gm_place_move(&p->place, addr, len, GM_PLACE_HOST) == 0) {
		rc = gm_place_move(&p->place, addr, len, index);
		moved = landed(p, addr, pages, true);
	}
	if (moved == pages)
		return moved;
	gm_move_failed(p, c, rc < 0 ? gm_place_reason(rc) :
			     moved  ? GPUMEM_FAIL_PARTIAL :
				      GPUMEM_FAIL_BUSY);
	return moved;
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

uint64_t gm_move_in(struct gm_proc *p, uint32_t id, struct gm_chunk_view *view, size_t index,
		    unsigned min_run, bool *ret_full)
{
	struct gm_chunk *c = gm_chunk_at(&p->chunks, id);
	struct gm_slot_device *d = slot_device(p, index);
	char *base = gm_chunk_addr(gm_chunk_number(&p->chunks, id));
	unsigned moved = 0, before = c->device_pages;
	const size_t page = gm_page_bytes();
	const unsigned end = gm_chunk_pages();

	if (c->device_pages && c->device != index)
		return 0;
	for (unsigned i = 0, n; i < end && !*ret_full; i += n ? n : 1) {
		unsigned granted, done;

		n = run_length(view->map, i, end, GM_PAGE_HOST);
		if (n < min_run)
			continue;
		granted = charge_pages(p, index, n);
		*ret_full = granted < n;
		/* A chunk that is one huge page goes to a node as a whole, or the limit would be passed. */
		if (*ret_full && n == end && gm_is_node(&p->place.devices.device[index])) {
			if (p->ledger.slot)
				gm_ledger_uncharge(&p->ledger, index,
						   (uint64_t)granted * page);
			break;
		}
		if (granted == 0)
			break;
		done = move_run(p, c, base + i * page, granted, index);
		moved += done;
		if (p->ledger.slot)
			gm_ledger_uncharge(&p->ledger, index,
					   (uint64_t)(granted - done) * page);
		if (done < granted)
			break;
	}
	if (!moved)
		return 0;
	p->changed = true;
	note_host(p, gm_chunk_number(&p->chunks, id), -(int)moved);
	note_moved(p, gm_chunk_number(&p->chunks, id), index);
	if (!before && (index != p->home || !p->engine_on))
		c->order = ++p->move_order;
	c->device = (uint8_t)index & 15u;
	c->device_pages = (uint16_t)(before + moved);
	tell_engine(p, id, before, false);
	c->host_pages = (uint16_t)(c->host_pages > moved ? c->host_pages - moved : 0);
	if (d) {
		atomic_fetch_add(&d->resident, (uint64_t)moved * page);
		atomic_fetch_add(&d->moved_in, (uint64_t)moved * page);
	}
	return (uint64_t)moved * page;
}

uint64_t gm_move_out(struct gm_proc *p, uint32_t id, struct gm_chunk_view *view)
{
	struct gm_chunk *c = gm_chunk_at(&p->chunks, id);
	struct gm_slot_device *d = slot_device(p, c->device);
	uint64_t number = gm_chunk_number(&p->chunks, id);
	char *base = gm_chunk_addr(number);
	/* Else the range is a part of the chunk, and there may be more of it on the device. */
	bool whole = view->count.host + view->count.device == view->present;
	unsigned moved = 0, stayed = 0;
	const size_t page = gm_page_bytes();
	const unsigned end = gm_chunk_pages();
	int rc = 0;

	for (unsigned i = 0, n; i < end; i += n ? n : 1) {
		void *addr = base + i * page;
		unsigned left;
		int run_rc;

		n = run_length(view->map, i, end, GM_PAGE_DEVICE);
		if (!n)
			continue;
		run_rc = gm_place_move(&p->place, addr, (size_t)n * page, GM_PLACE_HOST);
		left = landed(p, addr, n, false);
		moved += n - left;
		stayed += left;
		rc = rc ? rc : run_rc;
	}
	if (stayed)
		count_fail(p, rc < 0 ? gm_place_reason(rc) :
			   moved ? GPUMEM_FAIL_PARTIAL : GPUMEM_FAIL_BUSY);
	note_host(p, number, (int)moved);
	note_moved(p, number, c->device);
	if (d)
		atomic_fetch_add(&d->moved_out, (uint64_t)moved * page);
	if (whole && !stayed) {
		c->host_pages = (uint16_t)view->present;
		c->present_pages = NOT_COUNTED;
		gm_account(p, id, 0, true);
	} else if (gm_view_present(p, number, 0, view) == 0 &&
		   gm_view_sort(number, false, view) == 0) {
		c->host_pages = (uint16_t)view->count.host;
		c->present_pages = (uint16_t)view->present;
		gm_account(p, id, view->count.device - (p->parent_alive ? view->count.shared : 0),
			   true);
	}
	return (uint64_t)moved * page;
}
