/* SPDX-License-Identifier: MIT */
/*
 * fake_place.h: a process's memory and two devices as tables, in place of the kernel's. The linker
 * sends the calls of lib/agent here (--wrap); all of them come under the process's lock.
 */
#ifndef GM_TEST_FAKE_PLACE_H
#define GM_TEST_FAKE_PLACE_H

#include <errno.h>
#include <string.h>

#include "agent/batch.h"

#define FAKE_CHUNKS 16u
#define FAKE_PAGES (FAKE_CHUNKS * GM_SCAN_PAGES)
#define FAKE_BASE 0x100000000000ul

enum fake_where { ABSENT, HOST, ON_0, ON_1 };
enum fake_mode {
	FAKE_MOVES,
	FAKE_SILENT, /* returns 0, moves nothing: kernels from 6.12 on with a full device */
	FAKE_REFUSES,
	FAKE_61,     /* a range that was moved there once counts as being there */
};

struct fake_move {
	unsigned page, pages;
	size_t index;
};

static struct {
	uint8_t where[FAKE_PAGES];
	bool pinned[FAKE_PAGES], shared[FAKE_PAGES];
	size_t range_at[FAKE_CHUNKS]; /* 6.1's idea of it; 0: system memory, else index + 1 */
	enum fake_mode mode;
	int present_rc;
	unsigned calls, holes_filled;
	unsigned together; /* batches moved */
	struct fake_move log[64];
	bool quiet; /* the signs stay as they are */
	struct gm_signs signs;
} fake;

static inline unsigned fake_page(const void *addr)
{
	return (unsigned)(((uintptr_t)addr - FAKE_BASE) / gm_page_bytes());
}

static inline void *fake_addr(unsigned page)
{
	return (void *)(FAKE_BASE + page * gm_page_bytes());
}

static inline unsigned fake_count(enum fake_where where, unsigned from, unsigned to)
{
	unsigned n = 0;

	for (unsigned i = from; i < to; i++)
		n += fake.where[i] == where;
	return n;
}

static inline void fake_fill(unsigned from, unsigned pages)
{
	memset(fake.where + from, HOST, pages);
}

/* ---- what is called instead of lib/place, and of lib/agent/signs.c */

uint64_t __wrap_gm_signs_faults(void);
uint64_t __wrap_gm_signs_faults(void)
{
	if (!fake.quiet)
		fake.signs.faults += GM_SIGNS_FEW;
	return fake.signs.faults;
}

void __wrap_gm_signs_read(struct gm_signs *ret);
void __wrap_gm_signs_read(struct gm_signs *ret)
{
	if (!fake.quiet)
		fake.signs.own += GM_SIGNS_FEW;
	*ret = fake.signs;
}

int __wrap_gm_maps_read(struct gm_ranges *ranges);
int __wrap_gm_maps_read(struct gm_ranges *ranges)
{
	static struct gm_range all;

	all = (struct gm_range){ FAKE_BASE, FAKE_BASE + FAKE_CHUNKS * (uintptr_t)GPUMEM_CHUNK_BYTES };
	ranges->range = &all;
	ranges->count = 1;
	return 0;
}

void __wrap_gm_maps_free(struct gm_ranges *ranges);
void __wrap_gm_maps_free(struct gm_ranges *ranges)
{
	memset(ranges, 0, sizeof(*ranges));
}

int __wrap_gm_residency_present(int fd, const void *addr, size_t n, uint8_t *map);
int __wrap_gm_residency_present(int fd, const void *addr, size_t n, uint8_t *map)
{
	unsigned page = fake_page(addr);
	int present = 0;

	(void)fd;
	if (fake.present_rc < 0)
		return fake.present_rc;
	for (size_t i = 0; i < n; i++, page++) {
		map[i] = fake.where[page] == ABSENT ? GM_PAGE_ABSENT :
			 fake.shared[page]	    ? GM_PAGE_DEVICE_SHARED :
						      GM_PAGE_HOST;
		present += map[i] != GM_PAGE_ABSENT;
	}
	return present;
}

int __wrap_gm_residency_sort(const void *addr, size_t n, unsigned stride, uint8_t *map);
int __wrap_gm_residency_sort(const void *addr, size_t n, unsigned stride, uint8_t *map)
{
	bool device = false;
	size_t seen = 0;

	for (size_t i = 0; i < n; i++) {
		if (map[i] == GM_PAGE_ABSENT)
			continue;
		if (seen++ % stride == 0)
			device = fake.where[fake_page(addr) + i] >= ON_0;
		if (!device)
			map[i] = GM_PAGE_HOST;
		else if (map[i] != GM_PAGE_DEVICE_SHARED)
			map[i] = GM_PAGE_DEVICE;
	}
	return 0;
}

static const struct gm_kfd_ops fake_ops = { .name = "fake" };

int __wrap_gm_place_open(struct gm_place *place);
int __wrap_gm_place_open(struct gm_place *place)
{
	place->svm.ops = &fake_ops;
	place->open = true;
	return 0;
}

void __wrap_gm_place_close(struct gm_place *place);
void __wrap_gm_place_close(struct gm_place *place)
{
	place->svm.ops = NULL;
	place->open = false;
}

int __wrap_gm_place_prefer(struct gm_place *place, void *addr, size_t len, size_t index);
int __wrap_gm_place_prefer(struct gm_place *place, void *addr, size_t len, size_t index)
{
	(void)place;
	(void)addr;
	(void)len;
	(void)index;
	return 0;
}

int __wrap_gm_place_move(struct gm_place *place, void *addr, size_t len, size_t index);
int __wrap_gm_place_move(struct gm_place *place, void *addr, size_t len, size_t index)
{
	unsigned first = fake_page(addr), pages = (unsigned)(len / gm_page_bytes());
	size_t *range = &fake.range_at[first / gm_chunk_pages()];
	bool in = index != GM_PLACE_HOST;

	(void)place;
	fake.log[fake.calls++ % 64] = (struct fake_move){ first, pages, index };
	if (fake.mode == FAKE_REFUSES)
		return -ENOMEM;
	if (fake.mode == FAKE_SILENT && in)
		return 0;
	if (fake.mode == FAKE_61 && *range == (in ? index + 1 : 0))
		return 0;
	*range = in ? index + 1 : 0;
	for (unsigned i = first; i < first + pages; i++) {
		if (in && fake.where[i] == ABSENT)
			fake.holes_filled++;
		if (!fake.pinned[i] && (in || fake.where[i] >= ON_0))
			fake.where[i] = (uint8_t)(in ? ON_0 + index : HOST);
	}
	return 0;
}

/* As with devices of kind svm: at once. */
int __wrap_gm_place_add(struct gm_place *place, void *addr, size_t len, size_t index);
int __wrap_gm_place_add(struct gm_place *place, void *addr, size_t len, size_t index)
{
	return __wrap_gm_place_move(place, addr, len, index);
}

void __wrap_gm_place_move_added(struct gm_place *place);
void __wrap_gm_place_move_added(struct gm_place *place)
{
	(void)place;
	fake.together++;
}

#endif
