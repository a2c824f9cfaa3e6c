// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which pages move, and what the meters of the kernel say of those that did.
 */
#define _GNU_SOURCE
#include "testlib.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <linux/userfaultfd.h>

#define SIZE (4 * MiB)
#define ALL (SIZE / PAGE)

static int kfd;

static bool moves(char *mem, size_t want, const char *what)
{
	int r = prefetch(kfd, mem, SIZE, gpus[0].id);
	size_t got = on_device(mem, SIZE);

	return ok(!r && got == want, "%s: %zu of %lu pages moved (rc %d, expected %zu)", what, got,
		  ALL, r, want);
}

static void back(char *mem, const char *what)
{
	ok(!prefetch(kfd, mem, SIZE, SYSMEM) && !on_device(mem, SIZE), "%s: back in system memory",
	   what);
	munmap(mem, SIZE);
}

static char *map_huge(void)
{
	char *mem = map(SIZE);

	madvise(mem, SIZE, MADV_HUGEPAGE);
	fill(mem, SIZE, 1);
	return mem;
}

/* kB of one field of smaps for the mapping at @mem. */
static long smaps(const char *mem, const char *field)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long start;
	char line[256];
	bool here = false;
	long kib = -1;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-", &start) == 1 && strchr(line, '-') &&
		    !strchr(line, ':') == 0 && line[0] != ' ' && strstr(line, " rw"))
			here = start == (uintptr_t)mem;
		if (here && !strncmp(line, field, strlen(field)))
			kib = atol(line + strlen(field));
	}
	if (f)
		fclose(f);
	return kib;
}

/* Pages on nodes by numa_maps for the mapping at @mem. */
static long numa_pages(const char *mem)
{
	FILE *f = fopen("/proc/self/numa_maps", "r");
	long pages = 0, n, node;
	char line[512], *at;

	while (f && fgets(line, sizeof(line), f)) {
		if (strtoul(line, NULL, 16) != (uintptr_t)mem)
			continue;
		for (at = line; (at = strstr(at, " N")); at++)
			if (sscanf(at, " N%ld=%ld", &node, &n) == 2)
				pages += n;
	}
	if (f)
		fclose(f);
	return pages;
}

/* Seen to be so in 7.3, and not in 6.12. */
static bool kernel_splits(void)
{
	struct utsname u;

	return !uname(&u) && atoi(u.release) >= 7;
}

void group_pages(void)
{
	size_t got;
	char *mem;
	int r;

	kfd = kfd_ready();
	mem = map_filled(SIZE);
	moves(mem, ALL, "anonymous");
	ok(intact(mem, SIZE, 1), "anonymous: data intact on the device");
	fill(mem, SIZE, 2);
	ok(on_device(mem, SIZE) == ALL && intact(mem, SIZE, 2),
	   "anonymous: CPU writes do not move it back");
	ok(counter(0, "page_in") == (long)ALL, "anonymous: page_in counts it");
	back(mem, "anonymous");
	ok(counter(0, "page_out") == (long)ALL, "anonymous: page_out counts it");

	mem = map_filled(SIZE);
	mlock(mem, SIZE);
	moves(mem, ALL, "mlocked");
	back(mem, "mlocked");
	mem = map_filled(SIZE);
	madvise(mem, SIZE, MADV_DONTFORK);
	moves(mem, ALL, "MADV_DONTFORK");
	back(mem, "MADV_DONTFORK");

	mem = map_huge();
	note("THP: %ld kB of huge pages", smaps(mem, "AnonHugePages:"));
	moves(mem, ALL, "THP");
	ok(intact(mem, SIZE, 1), "THP: data intact");
	ok(!prefetch(kfd, mem, SIZE, SYSMEM) && intact(mem, SIZE, 1) &&
		   !smaps(mem, "AnonHugePages:"),
	   "THP: comes back as small pages");
	munmap(mem, SIZE);

	/* A huge page mapped by small entries is passed over, or split by newer kernels, whatever the driver. */
	mem = map_huge();
	mprotect(mem + PAGE, PAGE, PROT_READ);
	mprotect(mem + PAGE, PAGE, PROT_READ | PROT_WRITE);
	moves(mem, kernel_splits() ? ALL : ALL - 512, "PTE-mapped large folio");
	back(mem, "PTE-mapped large folio");

	mem = map(SIZE);
	moves(mem, ALL, "hole");
	ok(!mem[0] && !mem[SIZE - 1], "hole: reads as zeros");
	back(mem, "hole");
	mem = map(SIZE);
	mprotect(mem, SIZE, PROT_NONE);
	/* The pages are made and charged, only the GPU mapping is refused. */
	r = prefetch(kfd, mem, 2 * MiB, gpus[0].id);
	got = on_device(mem, SIZE);
	ok(r == -EFAULT && got == 512, "PROT_NONE reservation: rc %d, populated with %zu pages", r,
	   got);
	prefetch(kfd, mem, SIZE, SYSMEM);
	munmap(mem, SIZE);
	mem = map(SIZE);
	ok(!mem[0], "zero page mapped");
	moves(mem, ALL, "zero page and hole");
	back(mem, "zero page");
}

static char *map_file(int flags, bool write)
{
	char name[] = "/tmp/kfdsim-test-XXXXXX";
	int fd = mkstemp(name);
	char *mem;

	unlink(name);
	if (ftruncate(fd, SIZE))
		abort();
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);
	close(fd);
	if (write)
		fill(mem, SIZE, 1);
	else
		ok(!mem[0] && intact(mem, 0, 0), "file mapped");
	return mem;
}

static void check_shared(void)
{
	char *mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long before = counter(0, "page_in");

	fill(mem, SIZE, 1);
	moves(mem, 0, "MAP_SHARED");
	ok(intact(mem, SIZE, 1), "MAP_SHARED: data intact");
	/* 6.12 counts before the kernel refuses. */
	ok(counter(0, "page_in") - before == (abi == ABI_6_12 ? (long)ALL : 0),
	   "MAP_SHARED: page_in grew by %ld", counter(0, "page_in") - before);
	back(mem, "MAP_SHARED");
}

static void check_pinned(void)
{
	char *mem = map_filled(SIZE);
	struct iovec iov = {mem + 16 * PAGE, 8 * PAGE};
	int pipefd[2], r;
	size_t left;

	if (pipe(pipefd) || vmsplice(pipefd[1], &iov, 1, 0) != (ssize_t)iov.iov_len)
		abort();
	moves(mem, ALL - 8, "8 pages in a pipe");
	ok(intact(mem, SIZE, 1), "pinned: data intact");
	close(pipefd[0]);
	close(pipefd[1]);
	/* 6.1 believes that the range is there already. */
	r = prefetch(kfd, mem, SIZE, gpus[0].id);
	ok(!r && on_device(mem, SIZE) == (abi == ABI_6_1 ? ALL - 8 : ALL),
	   "second prefetch after a partial one (a no-op on 6.1)");
	prefetch(kfd, mem, SIZE, SYSMEM);
	moves(mem, ALL, "system memory first, then again");

	/* The other way: pages in a pipe stay on the device. */
	if (pipe(pipefd) || vmsplice(pipefd[1], &iov, 1, 0) != (ssize_t)iov.iov_len)
		abort();
	r = prefetch(kfd, mem, SIZE, SYSMEM);
	ok(!r && on_device(mem, SIZE) == 8, "pinned device pages stay, rc 0");
	close(pipefd[0]);
	close(pipefd[1]);
	prefetch(kfd, mem, SIZE, SYSMEM);
	left = on_device(mem, SIZE);
	ok(!left, "unpinned: the next try leaves %zu there", left);
	prefetch(kfd, mem, SIZE, gpus[0].id);
	back(mem, "unpinned");
}

static void check_hugetlb(void)
{
	char *mem;
	FILE *f = fopen("/proc/sys/vm/nr_hugepages", "w");
	int r;

	if (f) {
		fputs("4\n", f);
		fclose(f);
	}
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB,
		   -1, 0);
	if (mem == MAP_FAILED) {
		note("no huge pages to be had");
		return;
	}
	memset(mem, 1, SIZE);
	r = prefetch(kfd, mem, SIZE, gpus[0].id);
	ok(r == (abi == ABI_6_1 ? -EINVAL : 0) && !on_device(mem, SIZE),
	   "hugetlb does not move (rc %d)", r);
	munmap(mem, SIZE);
	f = fopen("/proc/sys/vm/nr_hugepages", "w");
	if (f) {
		fputs("0\n", f);
		fclose(f);
	}
}

static void check_userfaultfd(void)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register reg = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	char *mem = map(SIZE);

	fill(mem, SIZE / 2, 1);
	reg.range.start = (uintptr_t)mem;
	reg.range.len = SIZE;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg)) {
		note("no userfaultfd");
	} else {
		int r = prefetch(kfd, mem, SIZE, gpus[0].id);

		ok(on_device(mem, SIZE) == ALL / 2,
		   "userfaultfd: %zu pages moved, holes are not filled (rc %d)",
		   on_device(mem, SIZE), r);
	}
	close(fd);
	munmap(mem, SIZE);
}

void group_special_pages(void)
{
	char *mem;
	int fd;

	kfd = kfd_ready();
	check_shared();
	fd = memfd_create("kfdsim", MFD_CLOEXEC);
	if (ftruncate(fd, SIZE))
		abort();
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	fill(mem, SIZE, 1);
	moves(mem, 0, "memfd");
	back(mem, "memfd");
	mem = map_file(MAP_PRIVATE, true);
	moves(mem, ALL, "written pages of a private file mapping");
	ok(intact(mem, SIZE, 1), "private file: data intact");
	back(mem, "private file");
	check_pinned();
	check_hugetlb();
	check_userfaultfd();
}

void group_meters(void)
{
	char *mem = map_filled(SIZE);
	size_t half = SIZE / 2;
	int status = 0;
	void *page = mem;

	kfd = kfd_ready();
	ok(!prefetch(kfd, mem, half, gpus[0].id), "half of a mapping moved");
	ok(smaps(mem, "Rss:") == (long)(SIZE / 1024), "smaps counts all of it: %ld kB",
	   smaps(mem, "Rss:"));
	ok(numa_pages(mem) == (long)(ALL / 2), "numa_maps does not count the device");
	ok(on_device(mem, SIZE) == ALL / 2, "mincore and move_pages agree");
	ok(state(0, "used_pages") == (long)(ALL / 2), "so does the device");
	ok(owner_pages(0, getpid()) == (long)(ALL / 2), "and its owner list");
	if (!syscall(SYS_move_pages, 0, 1, &page, &(int){0}, &status, 0))
		ok(status == -ENOENT, "move_pages does not move it (%d)", status);
	madvise(mem, SIZE, MADV_PAGEOUT);
	ok(on_device(mem, SIZE) == ALL / 2, "MADV_PAGEOUT does not either");
	back(mem, "meters");
}
