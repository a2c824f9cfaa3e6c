/* SPDX-License-Identifier: MIT */
/*
 * numa_walk.c: present pages from pagemap: by PAGEMAP_SCAN, which tells huge pages, or by reading it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/page.h"
#include "discover/node_now.h"
#include "place/numa.h"
#include "place/numa_walk.h"

/* linux/fs.h of 6.7 has these; the build may have older headers. */
struct region {
	uint64_t start, end, categories;
};
struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN_IOCTL _IOWR('f', 16, struct scan_arg)
#define IS_PRESENT (1u << 3)
#define IS_ZERO (1u << 5)
#define IS_HUGE (1u << 6)

#define PM_PRESENT (1ull << 63)
#define REGIONS 64
#define ENTRIES 512

size_t gm_numa_huge_bytes(void)
{
	static _Atomic size_t known;
	size_t bytes = atomic_load(&known), page;

	if (bytes)
		return bytes;
	bytes = gm_node_huge_bytes();
	page = gm_page_bytes();
	/* A page of the page table maps as much as one entry of the level above. */
	if (bytes < page || bytes & (bytes - 1))
		bytes = page * (page / sizeof(uint64_t));
	atomic_store(&known, bytes);
	return bytes;
}

/* Present and not the zero page, which to move would fill a hole. */
static int scan(const struct gm_numa_walk *w, uintptr_t start, uintptr_t end, struct region *vec,
		uintptr_t *ret_end)
{
	struct scan_arg a = { .size = sizeof(a),
			      .start = start,
			      .end = end,
			      .vec = (uintptr_t)vec,
			      .vec_len = REGIONS,
			      .category_inverted = IS_ZERO,
			      .category_mask = IS_PRESENT | IS_ZERO,
			      .return_mask = IS_HUGE };
	int n = ioctl(w->fd, SCAN_IOCTL, &a);

	if (n < 0)
		return -errno;
	*ret_end = a.walk_end > start ? (uintptr_t)a.walk_end : end;
	return n;
}

int gm_numa_walk_open(struct gm_numa_walk *w, pid_t pid)
{
	char path[32] = "/proc/self/pagemap";
	struct region vec[REGIONS];
	uintptr_t stop;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	w->page = gm_page_bytes();
	w->huge = gm_numa_huge_bytes();
	w->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (w->fd < 0)
		return errno == ENOENT ? -ESRCH : errno == EACCES ? -EPERM : -errno;
	w->scan = scan(w, w->page, 2 * w->page, vec, &stop) >= 0;
	return 0;
}

void gm_numa_walk_close(struct gm_numa_walk *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

static size_t name_region(const struct gm_numa_walk *w, const struct region *r, uintptr_t *name)
{
	size_t n = 0;

	if (r->categories & IS_HUGE)
		for (uintptr_t p = r->start; p < r->end; p = (p | (w->huge - 1)) + 1)
			name[n++] = p | GM_NAME_HUGE;
	else
		for (uintptr_t p = r->start; p < r->end; p += w->page)
			name[n++] = p;
	return n;
}

static ssize_t walk_scan(const struct gm_numa_walk *w, uintptr_t at, uintptr_t end, uintptr_t *name)
{
	struct region vec[REGIONS];
	size_t n = 0;

	while (at < end) {
		int regions = scan(w, at, end, vec, &at);

		if (regions < 0)
			return regions;
		for (int i = 0; i < regions; i++)
			n += name_region(w, &vec[i], name + n);
	}
	return (ssize_t)n;
}

static ssize_t walk_entries(const struct gm_numa_walk *w, uintptr_t at, uintptr_t end,
			    uintptr_t *name)
{
	uint64_t entry[ENTRIES];
	size_t n = 0, in_frame = 0;

	while (at < end) {
		size_t want = (end - at) / w->page < ENTRIES ? (end - at) / w->page : ENTRIES;
		ssize_t got = pread(w->fd, entry, want * sizeof(entry[0]),
				    (off_t)(at / w->page * sizeof(entry[0])));

		if (got <= 0)
			return got < 0 ? -errno : (ssize_t)n;
		for (size_t i = 0; i < (size_t)got / sizeof(entry[0]); i++, at += w->page) {
			if (at % w->huge == 0)
				in_frame = 0;
			if (!(entry[i] & PM_PRESENT))
				continue;
			name[n++] = at;
			if (++in_frame * w->page == w->huge) {
				n -= in_frame;
				name[n++] = (at & ~(w->huge - 1)) | GM_NAME_MAYBE;
			}
		}
	}
	return (ssize_t)n;
}

ssize_t gm_numa_walk(const struct gm_numa_walk *w, uintptr_t *at, uintptr_t end, uintptr_t *name,
		     size_t room)
{
	uintptr_t start = *at, stop = start + room * w->page;
	ssize_t n;

	if (stop < start || stop >= end)
		stop = end;
	else if ((stop & ~(w->huge - 1)) > start)
		stop &= ~(w->huge - 1);
	n = w->scan ? walk_scan(w, start, stop, name) : walk_entries(w, start, stop, name);
	if (n >= 0)
		*at = stop;
	return n;
}
