/* SPDX-License-Identifier: MIT */
/*
 * touched.c: soft-dirty and referenced bits of the own process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/page.h"
#include "gpumem.h"
#include "place/maps.h"
#include "place/touched.h"

#define PM_SOFT_DIRTY (1ull << 55)
#define PM_PRESENT (1ull << 63)
#define CHUNK_PAGES (GPUMEM_CHUNK_BYTES / 4096u) /* at most */

/* include/uapi/linux/fs.h of Linux 6.7; older headers do not have it. */
struct scan_region {
	uint64_t start, end, categories;
};

struct scan_arg {
	uint64_t size, flags;
	uint64_t start, end, walk_end;
	uint64_t vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define SCAN_IOCTL _IOWR('f', 16, struct scan_arg)
#define SCAN_PRESENT (1u << 3)
#define SCAN_SOFT_DIRTY (1u << 7)
#define REGIONS 64

/* Next regions that were written, from a->start on; how many. */
static int scan(int fd, struct scan_arg *a, struct scan_region *vec)
{
	a->size = sizeof(*a);
	a->vec = (uintptr_t)vec;
	a->vec_len = REGIONS;
	a->category_mask = SCAN_PRESENT | SCAN_SOFT_DIRTY;
	a->return_mask = SCAN_SOFT_DIRTY;
	return ioctl(fd, SCAN_IOCTL, a);
}

enum gm_touched_way gm_touched_probe(int fd)
{
	const size_t size = gm_page_bytes();
	volatile char *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	enum gm_touched_way way = GM_TOUCHED_NONE;
	struct scan_region vec[REGIONS];
	struct scan_arg a = { 0 };
	uint64_t entry = 0;

	if (page == MAP_FAILED)
		return way;
	*page = 1;
	/* A new mapping counts as written in full. */
	if (pread(fd, &entry, sizeof(entry),
		  (off_t)((uintptr_t)page / size * sizeof(entry))) == sizeof(entry) &&
	    (entry & PM_SOFT_DIRTY))
		way = GM_TOUCHED_PAGEMAP;
	a.start = (uintptr_t)page;
	a.end = a.start + size;
	if (way == GM_TOUCHED_PAGEMAP && scan(fd, &a, vec) == 1)
		way = GM_TOUCHED_SCAN;
	munmap((void *)page, size);
	return way;
}

static void tell(uint64_t start, uint64_t end, gm_touched_fn *fn, void *data)
{
	const size_t page = gm_page_bytes();

	while (start < end) {
		uint64_t number = start / GPUMEM_CHUNK_BYTES;
		uint64_t stop = (number + 1) * GPUMEM_CHUNK_BYTES;

		if (stop > end)
			stop = end;
		fn(data, number, (unsigned)((stop - start) / page));
		start = stop;
	}
}

static int look_by_scan(int fd, uintptr_t start, uintptr_t end, gm_touched_fn *fn, void *data)
{
	struct scan_region vec[REGIONS];
	struct scan_arg a = { .start = start, .end = end };

	while (a.start < end) {
		int n = scan(fd, &a, vec);

		if (n < 0)
			return -errno;
		for (int k = 0; k < n; k++)
			tell(vec[k].start, vec[k].end, fn, data);
		if (a.walk_end <= a.start)
			break;
		a.start = a.walk_end;
	}
	return 0;
}

static int look_by_pagemap(int fd, uintptr_t start, uintptr_t end, gm_touched_fn *fn, void *data)
{
	const size_t page = gm_page_bytes();
	uint64_t entry[CHUNK_PAGES];

	while (start < end) {
		uintptr_t stop = (start / GPUMEM_CHUNK_BYTES + 1) * GPUMEM_CHUNK_BYTES;
		unsigned pages = 0;
		ssize_t got;

		if (stop > end)
			stop = end;
		got = pread(fd, entry, (stop - start) / page * sizeof(entry[0]),
			    (off_t)(start / page * sizeof(entry[0])));
		if (got < 0)
			return -errno;
		for (size_t k = 0; k < (size_t)got / sizeof(entry[0]); k++)
			pages += (entry[k] & PM_PRESENT) && (entry[k] & PM_SOFT_DIRTY);
		if (pages)
			fn(data, start / GPUMEM_CHUNK_BYTES, pages);
		start = stop;
	}
	return 0;
}

int gm_touched_look(int fd, enum gm_touched_way way, uintptr_t start, uintptr_t end,
		    gm_touched_fn *fn, void *data)
{
	switch (way) {
	case GM_TOUCHED_SCAN:
		return look_by_scan(fd, start, end, fn, data);
	case GM_TOUCHED_PAGEMAP:
		return look_by_pagemap(fd, start, end, fn, data);
	default:
		return -ENOSYS;
	}
}

int gm_touched_clear(int fd)
{
	return pwrite(fd, "4", 1, 0) == 1 ? 0 : -errno;
}

/* "Rss:      123 kB" */
static bool value_of(const char *line, const char *key, unsigned long *ret)
{
	size_t len = strlen(key);

	return strncmp(line, key, len) == 0 && sscanf(line + len, "%lu", ret) == 1;
}

int gm_referenced_look(gm_referenced_fn *fn, void *data)
{
	_cleanup_fclose_ FILE *smaps = fn ? fopen("/proc/self/smaps", "re") : NULL;
	_cleanup_close_ int clear = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	unsigned long rss = 0, referenced;
	struct gm_range range = { 0 };
	char line[512];

	if ((fn && !smaps) || clear < 0)
		return -errno;
	while (smaps && fgets(line, sizeof(line), smaps)) {
		/* Fields begin with a letter above 'f' or a capital, addresses with a hex digit. */
		if ((line[0] >= '0' && line[0] <= '9') || (line[0] >= 'a' && line[0] <= 'f')) {
			line[strcspn(line, "\n")] = '\0';
			if (!gm_maps_eligible(line, &range))
				range.end = 0;
			rss = 0;
		} else if (range.end && value_of(line, "Rss:", &rss)) {
			continue;
		} else if (range.end && value_of(line, "Referenced:", &referenced) && rss &&
			   referenced / 9 >= rss / 10) {
			fn(data, range.start, range.end);
		}
	}
	/* "1": all pages, whoever maps them. */
	return pwrite(clear, "1", 1, 0) == 1 ? 0 : -errno;
}
