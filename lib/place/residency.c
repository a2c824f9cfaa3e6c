/* SPDX-License-Identifier: MIT */
/*
 * residency.c: page states from pagemap and move_pages(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/page.h"
#include "gpumem.h"
#include "place/residency.h"

#define PM_PRESENT (1ull << 63)
#define PM_EXCLUSIVE (1ull << 56)

static struct gm_device_nodes device_nodes;

void gm_device_nodes_add(struct gm_device_nodes *nodes, int node, size_t index)
{
	if (nodes->count == GPUMEM_MAX_DEVICES)
		return;
	nodes->node[nodes->count].node = node;
	nodes->node[nodes->count++].index = (uint8_t)index;
}

void gm_residency_set_nodes(const struct gm_device_nodes *nodes)
{
	device_nodes = *nodes;
}

const struct gm_device_nodes *gm_residency_nodes(void)
{
	return &device_nodes;
}

int gm_residency_present(int fd, const void *addr, size_t n, uint8_t *map)
{
	uint64_t entry[GM_SCAN_PAGES];
	int present = 0;
	ssize_t got;

	got = pread(fd, entry, n * sizeof(entry[0]),
		    (off_t)((uintptr_t)addr / gm_page_bytes() * sizeof(entry[0])));
	if (got < 0)
		return -errno;
	for (size_t i = 0; i < n; i++) {
		bool is = i < (size_t)got / sizeof(entry[0]) && (entry[i] & PM_PRESENT);

		/* Until it is sorted, DEVICE_SHARED stands for "present, mapped elsewhere too". */
		map[i] = !is ? GM_PAGE_ABSENT :
			 entry[i] & PM_EXCLUSIVE ? GM_PAGE_HOST : GM_PAGE_DEVICE_SHARED;
		present += is;
	}
	return present;
}

/*
 * Linux 6.1 to 6.4 do not let move_pages(2) see a page whose entry is PROT_NONE, which is how NUMA
 * balancing marks pages it wants to watch: such a page of system memory looks like a device page.
 * A page made PROT_NONE by hand shows which kind of kernel this is.
 */
static bool probe_protnone(void)
{
	size_t size = gm_page_bytes();
	char *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const void *pages[1] = { page };
	int status[1] = { 0 };

	if (page == MAP_FAILED)
		return false;
	*(volatile char *)page = 1;
	if (mprotect(page, size, PROT_NONE) < 0 ||
	    syscall(SYS_move_pages, 0, 1ul, pages, NULL, status, 0) < 0)
		status[0] = 0;
	munmap(page, size);
	return status[0] == -ENOENT;
}

static bool hides_protnone(void)
{
	static atomic_int known; /* 0 not yet, 1 no, 2 yes */
	int k = atomic_load(&known);

	if (k == 0) {
		k = probe_protnone() ? 2 : 1;
		atomic_store(&known, k);
	}
	return k == 2;
}

/* Reads each page, so that it is an ordinary entry again. Through the kernel: a page that was unmapped
 * meanwhile must not fault. Not by process_vm_readv(2): before Linux 6.2 what that pins is no longer shared
 * with a forked process, and each look would make copies. */
static void touch(const void *const *pages, size_t n)
{
	size_t page = gm_page_bytes(), run;

	for (size_t i = 0; i < n; i += run) {
		char *start = (char *)(uintptr_t)pages[i];

		for (run = 1; i + run < n && pages[i + run] == start + run * page;)
			run++;
		if (madvise(start, run * page, MADV_POPULATE_READ) == 0)
			continue;
		/* It ended at one that is gone: the others alone. */
		for (size_t k = 0; k < run; k++)
			madvise(start + k * page, page, MADV_POPULATE_READ);
	}
}

static int query(const void *const *pages, size_t n, int *status)
{
	const void *again[GM_SCAN_PAGES];
	size_t place[GM_SCAN_PAGES], count = 0;
	int second[GM_SCAN_PAGES];

	if (n && syscall(SYS_move_pages, 0, n, pages, NULL, status, 0) < 0)
		return -errno;
	if (!hides_protnone())
		return 0;
	for (size_t i = 0; i < n; i++)
		if (status[i] == -ENOENT) {
			place[count] = i;
			again[count++] = pages[i];
		}
	if (!count)
		return 0;
	touch(again, count);
	if (syscall(SYS_move_pages, 0, count, again, NULL, second, 0) < 0)
		return -errno;
	for (size_t i = 0; i < count; i++)
		status[place[i]] = second[i];
	return 0;
}

/* What a page is by the answer of move_pages(2). -EFAULT is the zero page: moving it would fill a hole. */
static uint8_t kind_of(int status, bool shared)
{
	if (status == -ENOENT)
		return shared ? GM_PAGE_DEVICE_SHARED : GM_PAGE_DEVICE;
	if (status == -EFAULT)
		return GM_PAGE_ABSENT;
	for (size_t i = 0; i < device_nodes.count; i++)
		if (device_nodes.node[i].node == status)
			return (uint8_t)((shared ? GM_PAGE_SHARED_ON : GM_PAGE_ON) +
					 device_nodes.node[i].index);
	return GM_PAGE_HOST;
}

int gm_residency_sort(const void *addr, size_t n, unsigned stride, uint8_t *map)
{
	size_t page = gm_page_bytes();
	const void *pages[GM_SCAN_PAGES];
	int status[GM_SCAN_PAGES];
	size_t asked = 0, seen = 0, at = 0;
	int last = 0, rc;

	for (size_t i = 0; i < n; i++)
		if (map[i] != GM_PAGE_ABSENT && seen++ % stride == 0)
			pages[asked++] = (const char *)addr + i * page;
	rc = query(pages, asked, status);
	if (rc < 0)
		return rc;
	seen = 0;
	for (size_t i = 0; i < n; i++) {
		bool shared = map[i] == GM_PAGE_DEVICE_SHARED;

		if (map[i] == GM_PAGE_ABSENT)
			continue;
		if (seen++ % stride == 0)
			last = status[at++];
		map[i] = kind_of(last, shared);
	}
	return 0;
}

bool gm_residency_all_present(const void *addr, size_t n)
{
	unsigned char in[GM_SCAN_PAGES];

	if (mincore((void *)(uintptr_t)addr, n * gm_page_bytes(), in) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!(in[i] & 1))
			return false;
	return true;
}

struct gm_counts gm_residency_count(const uint8_t *map, size_t n)
{
	struct gm_counts c = { .index = -1 };
	unsigned on[GPUMEM_MAX_DEVICES] = { 0 }, most = 0;

	for (size_t i = 0; i < n; i++) {
		c.host += map[i] == GM_PAGE_HOST;
		c.device += map[i] >= GM_PAGE_DEVICE;
		c.shared += map[i] == GM_PAGE_DEVICE_SHARED || map[i] >= GM_PAGE_SHARED_ON;
		if (map[i] >= GM_PAGE_ON)
			on[map[i] % 16u]++;
	}
	for (int i = 0; i < (int)GPUMEM_MAX_DEVICES; i++)
		if (on[i] > most) {
			most = on[i];
			c.index = i;
		}
	return c;
}

int gpumem_residency(const void *addr, size_t len, struct gpumem_residency *ret)
{
	size_t page = gm_page_bytes();
	struct gpumem_residency r = { 0 };
	unsigned char in[GM_SCAN_PAGES];
	uint8_t map[GM_SCAN_PAGES];
	int fd, rc = 0;

	if ((uintptr_t)addr % page || len % page)
		return -EINVAL;
	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < len;) {
		size_t n = (len - done) / page;
		const char *at = (const char *)addr + done;
		struct gm_counts c;

		if (n > GM_SCAN_PAGES)
			n = GM_SCAN_PAGES;
		/* mincore(2) says ENOMEM for holes between mappings; pagemap tells a page in the swap
		 * cache, which mincore calls resident, from one that is mapped. */
		rc = mincore((void *)at, n * page, in) < 0 ? -errno : 0;
		if (rc == 0)
			rc = gm_residency_present(fd, at, n, map);
		if (rc >= 0)
			rc = gm_residency_sort(at, n, 1, map);
		if (rc < 0)
			break;
		c = gm_residency_count(map, n);
		r.host_bytes += c.host * page;
		r.device_bytes += c.device * page;
		r.absent_bytes += (n - c.host - c.device) * page;
		done += n * page;
	}
	close(fd);
	if (rc < 0)
		return rc;
	*ret = r;
	return 0;
}
