/* SPDX-License-Identifier: MIT */
/*
 * numa_move: moves between system memory and a device's NUMA node; looks at every page and every
 * byte afterwards. Prints TAP.
 *   numa_move NODE OTHER    two nodes without CPUs
 *   numa_move hold MIB [pin]  holds a pattern, half of it in huge pages, until its data is wrong; 2 pages are
 *                           pinned. Says "ready"
 */
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include "pattern.h"
#include "place/numa.h"
#include "place/numa_queue.h"

#define MIB (1ul << 20)
#define HUGE (2 * MIB)
#define PAGE 4096ul
#define LEN (32 * MIB)
#define ALL UINT64_MAX

static int count, failed, device, other;

static void is(const char *what, long long expected, long long seen)
{
	count++;
	printf("%sok %d - %s\n", expected == seen ? "" : "not ", count, what);
	if (expected == seen)
		return;
	failed++;
	printf("# expected %lld, saw %lld\n", expected, seen);
}

/* Aligned, and on node 0 first. */
static char *memory(size_t len, bool huge)
{
	char *mem = mmap(NULL, len + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long node = 1;

	if (mem == MAP_FAILED)
		exit(3);
	mem = (char *)(((uintptr_t)mem + HUGE - 1) & ~(HUGE - 1));
	madvise(mem, len, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	syscall(SYS_mbind, mem, len, 1 /* MPOL_PREFERRED */, &node, 64ul, 0);
	return mem;
}

static char *filled(size_t len, bool huge)
{
	char *mem = memory(len, huge);

	fill(mem, len);
	return mem;
}

static void drop(char *mem, size_t len)
{
	munmap(mem, len);
}

/* Pages of the range on the node, each one asked for. */
static long long on(pid_t pid, char *mem, size_t len, int node)
{
	long long n = 0;

	for (size_t at = 0; at < len; at += 256 * PAGE) {
		size_t some = (len - at) / PAGE < 256 ? (len - at) / PAGE : 256;
		int status[256];
		void *page[256];

		for (size_t i = 0; i < some; i++)
			page[i] = mem + at + i * PAGE;
		if (syscall(SYS_move_pages, pid, some, page, NULL, status, 0) < 0)
			return -errno;
		for (size_t i = 0; i < some; i++)
			n += status[i] == node;
	}
	return n;
}

/* AnonHugePages of the mapping, in bytes. */
static long long huge_bytes(const char *mem)
{
	unsigned long long start, end;
	long long kib = -1, n;
	bool in = false;
	char line[512];
	FILE *f = fopen("/proc/self/smaps", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx-%llx ", &start, &end) == 2)
			in = (uintptr_t)mem >= start && (uintptr_t)mem < end;
		else if (in && sscanf(line, "AnonHugePages: %lld kB", &n) == 1)
			kib = (kib < 0 ? 0 : kib) + n;
	}
	if (f)
		fclose(f);
	return kib * 1024;
}

static struct gm_numa_moved move_to(pid_t pid, char *mem, size_t len, int to, int then,
				    unsigned workers, uint64_t max)
{
	struct gm_range r = { (uintptr_t)mem, (uintptr_t)mem + len };
	struct gm_numa_move m = { .pid = pid, .range = &r, .count = 1, .to = { to, then },
				  .to_count = then >= 0 ? 2 : 1, .workers = workers, .max_bytes = max };
	struct gm_numa_moved moved;
	int rc = gm_numa_move(&m, &moved);

	if (rc < 0)
		printf("# gm_numa_move: %s\n", strerror(-rc));
	return moved;
}

static void there_and_back(const char *what, bool huge, unsigned workers)
{
	char *mem = filled(LEN, huge);
	struct gm_numa_moved m;

	printf("# %s, %u workers\n", what, workers);
	is("huge pages before", huge ? LEN : 0, huge_bytes(mem));
	m = move_to(0, mem, LEN, device, -1, workers, ALL);
	printf("# %u calls\n", m.calls);
	is("to the device: counted", LEN, (long long)m.bytes);
	is("every page is there", LEN / PAGE, on(0, mem, LEN, device));
	is("huge pages stay whole", huge ? LEN : 0, huge_bytes(mem));
	m = move_to(0, mem, LEN, device, -1, workers, ALL);
	is("again: all is there already", LEN, (long long)m.there);
	is("and nothing moves", 0, (long long)(m.bytes + m.left + m.calls));
	m = move_to(0, mem, LEN, 0, -1, workers, ALL);
	is("and back", LEN, (long long)m.bytes);
	is("every page is there", LEN / PAGE, on(0, mem, LEN, 0));
	is("huge pages stay whole", huge ? LEN : 0, huge_bytes(mem));
	is("data", 0, wrong(mem, LEN));
	drop(mem, LEN);
}

/* Small and huge pages, holes, and pages that are there already. */
static void mixed(void)
{
	char *mem = memory(LEN, true);
	struct gm_numa_moved m;
	long long present = 0;

	madvise(mem + LEN / 2, LEN / 2, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < LEN; at += PAGE) {
		if (at >= LEN / 2 && at / PAGE % 5 == 0)
			continue;
		fill(mem + at, PAGE);
		present++;
	}
	madvise(mem + 3 * HUGE + 7 * PAGE, PAGE, MADV_DONTNEED); /* no huge page any more */
	present--;
	m = move_to(0, mem + LEN / 2, 512 * PAGE, device, -1, 1, ALL);
	m = move_to(0, mem, LEN, device, -1, 2, ALL);
	is("mixed: all that is present arrives", present, on(0, mem, LEN, device));
	is("mixed: counted", present * (long long)PAGE, (long long)(m.bytes + m.there));
	is("mixed: holes stay", 0, on(0, mem + LEN / 2 + 4 * PAGE, PAGE, device));
	is("mixed: huge pages", LEN / 2 - HUGE, huge_bytes(mem));
	drop(mem, LEN);
}

static void budget(unsigned workers)
{
	char *mem = filled(LEN, false);
	struct gm_numa_moved m = move_to(0, mem, 8 * MIB, device, -1, 1, ALL);

	m = move_to(0, mem, LEN, device, -1, workers, 10 * MIB);
	is("at most max_bytes", 10 * MIB, (long long)m.bytes);
	is("beside what was there", 18 * MIB / PAGE, on(0, mem, LEN, device));
	drop(mem, LEN);
}

/* Only what is on a node of `from`. */
static void from_mask(void)
{
	char *mem = filled(8 * MIB, false);
	struct gm_range r = { (uintptr_t)mem, (uintptr_t)mem + 8 * MIB };
	struct gm_node_set from = { 0 };
	struct gm_numa_move m = { .range = &r, .count = 1, .from = &from, .to = { 0 },
				  .to_count = 1, .workers = 1, .max_bytes = ALL };
	struct gm_numa_moved moved;

	gm_node_set_add(&from, device);
	for (size_t at = 0; at < 8 * MIB; at += 64 * PAGE)
		move_to(0, mem + at, PAGE, at / PAGE % 128 ? device : other, -1, 1, ALL);
	is("from: made", 16, on(0, mem, 8 * MIB, device));
	gm_numa_move(&m, &moved);
	is("from: its pages alone move", 16 * PAGE, (long long)moved.bytes);
	is("from: others stay", 16, on(0, mem, 8 * MIB, other));
	is("from: data", 0, wrong(mem, 8 * MIB));
	drop(mem, 8 * MIB);
}

/* vmsplice() holds the pages as DMA would. */
static void pinned(bool huge)
{
	char *mem = filled(8 * MIB, huge);
	struct iovec io = { mem + 3 * MIB, 2 * PAGE };
	long long stay = huge ? HUGE : 2 * PAGE;
	struct gm_numa_moved m;
	int end[2];

	if (pipe(end) < 0 || vmsplice(end[1], &io, 1, 0) != 2 * (ssize_t)PAGE)
		exit(3);
	printf("# pinned, %s pages\n", huge ? "huge" : "small");
	m = move_to(0, mem, 8 * MIB, device, -1, 1, ALL);
	is("the pinned pages stay", stay, (long long)m.left);
	is("and are called so", stay, (long long)m.failed[GM_NUMA_PINNED]);
	is("all others move", (long long)(8 * MIB) - stay, (long long)m.bytes);
	is("as measured", (long long)(8 * MIB) - stay, on(0, mem, 8 * MIB, device) * (long long)PAGE);
	is("gm_numa_put says so", -EBUSY, gm_numa_put(mem, 8 * MIB, device));
	close(end[0]);
	close(end[1]);
	is("released: gm_numa_put moves the rest", 0, gm_numa_put(mem, 8 * MIB, device));
	is("as measured", 8 * MIB / PAGE, on(0, mem, 8 * MIB, device));
	is("data", 0, wrong(mem, 8 * MIB));
	drop(mem, 8 * MIB);
}

/* Copy-on-write pages of a fork between pages that are not. */
static void shared(void)
{
	char *mem = filled(8 * MIB, false);
	struct gm_numa_moved m;
	int status;
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	for (size_t at = 0; at < 8 * MIB; at += PAGE)
		if (at / PAGE % 4 != 0)
			*(volatile char *)(mem + at) = *(volatile char *)(mem + at);
	m = move_to(0, mem, 8 * MIB, device, -1, 1, ALL);
	is("shared pages stay", 2 * MIB, (long long)m.failed[GM_NUMA_SHARED]);
	is("the own ones move", 6 * MIB, (long long)m.bytes);
	is("gm_numa_put says so", -EACCES, gm_numa_put(mem, 8 * MIB, device));
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	m = move_to(0, mem, 8 * MIB, device, -1, 1, ALL);
	is("alone again: they move", 2 * MIB, (long long)m.bytes);
	is("shared: data", 0, wrong(mem, 8 * MIB));
	drop(mem, 8 * MIB);
}

static long long node_has(int node, const char *what)
{
	char path[64], line[256], name[32];
	long long kib = -1, value;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", node);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Node %*d %31[^:]: %lld kB", name, &value) == 2 && !strcmp(name, what))
			kib = value;
	if (f)
		fclose(f);
	return kib * 1024;
}

static void full(void)
{
	/* Page cache and free pages kept by CPUs, neither in MemFree, give way; kswapd is still at it after the move. */
	long long room = node_has(device, "MemFree"), total = node_has(device, "MemTotal");
	size_t len = ((size_t)total / HUGE + 16) * HUGE;
	char *mem = filled(len, false);
	struct gm_numa_moved m = move_to(0, mem, len, device, -1, 1, ALL);
	int put = 0;

	printf("# %lld MiB are free of %lld, %zu are to move, %llu did\n", room >> 20, total >> 20,
	       len >> 20, (unsigned long long)m.bytes >> 20);
	is("full: what does not fit is called so", (long long)m.left,
	   (long long)m.failed[GM_NUMA_FULL]);
	is("full: all is accounted for", (long long)len, (long long)(m.bytes + m.left));
	is("full: as measured", (long long)(m.bytes / PAGE), on(0, mem, len, device));
	is("full: nearly all the room is used", 1, (long long)m.bytes > room - 16 * (long long)MIB);
	for (size_t at = len; at && put == 0; at -= HUGE)
		put = gm_numa_put(mem + at - HUGE, HUGE, device);
	is("full: gm_numa_put says so", -ENOMEM, put);
	m = move_to(0, mem, len, device, other, 1, ALL);
	is("full: the rest goes to the next node", 1, on(0, mem, len, other) > 16 * (long long)(MIB / PAGE));
	is("full: as measured", (long long)(len / PAGE), on(0, mem, len, device) + on(0, mem, len, other));
	is("full: nothing is left", 0, (long long)m.left);
	m = move_to(0, mem, len, 0, -1, 2, ALL);
	is("full: all comes back", (long long)(len / PAGE), on(0, mem, len, 0));
	is("full: data", 0, wrong(mem, len));
	drop(mem, len);
}

static void put(bool huge)
{
	char *mem = filled(8 * MIB, huge);

	printf("# gm_numa_put, %s pages\n", huge ? "huge" : "small");
	is("a chunk", 0, gm_numa_put(mem + HUGE, HUGE, device));
	is("is there", 512, on(0, mem, 8 * MIB, device));
	is("again", 0, gm_numa_put(mem + HUGE, HUGE, device));
	is("all", 0, gm_numa_put(mem, 8 * MIB, device));
	is("is there", 2048, on(0, mem, 8 * MIB, device));
	is("huge pages stay whole", huge ? 8 * MIB : 0, huge_bytes(mem));
	if (!huge) {
		is("single pages", 0, gm_numa_put(mem + 511 * PAGE, 2 * PAGE, other));
		is("are there", 2, on(0, mem, 8 * MIB, other));
	}
	is("no such node", -ENODEV, gm_numa_put(mem, 8 * MIB, 63));
	is("back", 0, gm_numa_put(mem, 8 * MIB, 0));
	is("is there", 2048, on(0, mem, 8 * MIB, 0));
	is("data", 0, wrong(mem, 8 * MIB));
	drop(mem, 8 * MIB);
}

/* Pieces for several nodes in one call, with a hole and pinned pages among them. */
static void queue(bool huge)
{
	char *mem = filled(8 * MIB, huge);
	struct iovec io = { mem + 5 * MIB, 2 * PAGE };
	struct gm_numa_queue q = { 0 };
	int end[2], guessed = 0;

	printf("# a queue, %s pages\n", huge ? "huge" : "small");
	if (pipe(end) < 0 || vmsplice(end[1], &io, 1, 0) != 2 * (ssize_t)PAGE)
		exit(3);
	if (!huge)
		madvise(mem + MIB, 16 * PAGE, MADV_DONTNEED);
	is("a piece", 0, gm_numa_queue_add(&q, mem, HUGE, device));
	is("another one", 0, gm_numa_queue_add(&q, mem + HUGE, HUGE, other));
	is("and one that is pinned", 0, gm_numa_queue_add(&q, mem + 2 * HUGE, HUGE, device));
	is("half a page is none", -EINVAL, gm_numa_queue_add(&q, mem, 100, device));
	is("nothing moved yet", 0, on(0, mem, 8 * MIB, device));
	gm_numa_queue_move(&q);
	guessed = q.guessed;
	is("kernels that tell huge pages need no guess", 0, guessed && q.walk.scan);
	if (!guessed) {
		is("the first is there", huge ? 512 : 512 - 16, on(0, mem, HUGE, device));
		is("the second on its node", 512, on(0, mem + HUGE, HUGE, other));
		is("the pinned ones stay", huge ? 512 : 2, on(0, mem + 2 * HUGE, HUGE, 0));
		is("why is known", -EBUSY, gm_numa_queue_why(&q, mem + 2 * HUGE, HUGE));
	}
	is("of each piece", 0, gm_numa_queue_why(&q, mem + HUGE, HUGE));
	is("what is in no piece stays", 512, on(0, mem + 3 * HUGE, HUGE, 0));
	if (!huge)
		is("a hole stays one", 0, huge_bytes(mem));
	close(end[0]);
	close(end[1]);
	/* More than it has room for moves on the way. */
	for (int i = 0; i < 12; i++)
		if (gm_numa_queue_add(&q, mem + (size_t)(i % 4) * HUGE, HUGE, i < 8 ? device : 0) < 0)
			count++, failed++;
	gm_numa_queue_move(&q);
	if (!q.guessed)
		is("the last word holds", 0, on(0, mem, 8 * MIB, device));
	gm_numa_queue_free(&q);
	is("queue: data", huge ? 0 : 16 * (long long)PAGE / 8, wrong(mem, 8 * MIB));
	drop(mem, 8 * MIB);
}

/* A process without gpumem, of the same user and of another one. */
static void outside(uid_t uid)
{
	char *mem = filled(8 * MIB, true);
	struct gm_range r = { (uintptr_t)mem, (uintptr_t)mem + 8 * MIB };
	struct gm_numa_move m = { .range = &r, .count = 1, .to = { device }, .to_count = 1,
				  .workers = 1, .max_bytes = ALL };
	struct gm_numa_moved moved;
	int end[2], status;
	char c;

	if (pipe(end) < 0)
		exit(3);
	m.pid = fork();
	if (m.pid == 0) {
		char *own = mem;

		if (uid && setresuid(uid, uid, uid) < 0)
			_exit(1);
		prctl(PR_SET_DUMPABLE, 1);
		munmap(own, 8 * MIB);
		own = mmap(own, 8 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			   -1, 0);
		fill(own, 8 * MIB);
		if (write(end[1], "x", 1) != 1)
			_exit(1);
		while (wrong(own, 8 * MIB) == 0)
			;
		_exit(2);
	}
	if (read(end[0], &c, 1) != 1)
		exit(3);
	is("another process: allowed", 0, gm_numa_move(&m, &moved));
	is("another process: moved", 8 * MIB, (long long)moved.bytes);
	is("as measured", 2048, on(m.pid, mem, 8 * MIB, device));
	is("this one's pages stay", 0, on(0, mem, 8 * MIB, device));
	usleep(300000);
	is("its data is right", 0, waitpid(m.pid, &status, WNOHANG));
	kill(m.pid, SIGKILL);
	waitpid(m.pid, &status, 0);
	drop(mem, 8 * MIB);
	close(end[0]);
	close(end[1]);
}

/* A child with memory of small pages, two of which are pinned. */
static pid_t holder(size_t len, uintptr_t *ret_mem)
{
	int ready[2], end[2];
	pid_t pid;

	if (pipe(ready) < 0)
		exit(3);
	pid = fork();
	if (pid == 0) {
		char *mem = filled(len, false);
		struct iovec io = { mem + len / 2, 2 * PAGE };

		if (pipe(end) < 0 || vmsplice(end[1], &io, 1, 0) < 0 ||
		    write(ready[1], &mem, sizeof(mem)) != sizeof(mem))
			_exit(1);
		while (wrong(mem, len) == 0)
			usleep(10000);
		_exit(2);
	}
	if (read(ready[0], ret_mem, sizeof(*ret_mem)) != sizeof(*ret_mem))
		exit(3);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static long long stack_on(pid_t pid, int node)
{
	char path[32], line[512], key[16];
	long long pages = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/numa_maps", (int)pid);
	snprintf(key, sizeof(key), " N%d=", node);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, " stack") && strstr(line, key))
			pages += atoll(strstr(line, key) + strlen(key));
	if (f)
		fclose(f);
	return pages;
}

/* With CAP_SYS_NICE the kernel would take from other processes too, so nothing moves as a whole. */
static void set_nice(bool on)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, caps) < 0)
		exit(3);
	caps[0].effective &= ~(1u << CAP_SYS_NICE);
	caps[0].effective |= (uint32_t)on << CAP_SYS_NICE;
	if (syscall(SYS_capset, &head, caps) < 0)
		exit(3);
}

static struct gm_numa_moved move_whole(pid_t pid, int from, int to, uint64_t whole, uint64_t max)
{
	struct gm_node_set leave = { 0 };
	struct gm_ranges ranges = { 0 };
	struct gm_numa_moved moved = { 0 };
	struct gm_numa_move m = { .pid = pid, .from = &leave, .to = { to }, .to_count = 1, .workers = 1,
				  .max_bytes = max, .whole_bytes = whole };

	gm_node_set_add(&leave, from);
	if (from == 0)
		gm_node_set_add(&leave, 1); /* system memory has two */
	is("its mappings are read", 0, gm_maps_read_of(pid, &ranges));
	m.range = ranges.range;
	m.count = ranges.count;
	is("moved", 0, gm_numa_move(&m, &moved));
	gm_maps_free(&ranges);
	return moved;
}

/* All of a process at once, where all of it has room; by names where it has not. */
static void whole(void)
{
	const long long pinned = 2 * PAGE, some = 8 * MIB - pinned;
	struct gm_numa_moved m;
	uintptr_t mem;
	pid_t pid = holder(8 * MIB, &mem);
	int status;

	puts("# a process as a whole");
	m = move_whole(pid, 0, device, ALL, ALL);
	is("with CAP_SYS_NICE: what may move is named", some / (long long)PAGE, on(pid, (char *)mem, 8 * MIB, device));
	is("and the stack stays", 0, stack_on(pid, device));
	move_whole(pid, device, 0, ALL, ALL);
	set_nice(false);
	m = move_whole(pid, 0, device, ALL, ALL);
	is("all but the pinned pages is there", some / (long long)PAGE, on(pid, (char *)mem, 8 * MIB, device));
	is("and was counted", 1, (long long)m.bytes >= some && (long long)m.bytes < some + 2 * (long long)MIB);
	is("the others too, with the reason", pinned, (long long)m.failed[GM_NUMA_PINNED]);
	is("nothing was there before", 0, (long long)m.there);
	is("the stack went along", 1, stack_on(pid, device) > 0);
	m = move_whole(pid, device, 0, ALL, ALL);
	is("back: it is in system memory", 8 * MIB / PAGE, on(pid, (char *)mem, 8 * MIB, 0));
	is("the stack too", 0, stack_on(pid, device));
	is("nothing stayed", 0, (long long)m.left);
	m = move_whole(pid, device, 0, ALL, ALL);
	is("again: nothing to move", 0, (long long)(m.bytes + m.left + m.calls));
	m = move_whole(pid, 0, device, 4 * MIB, ALL);
	is("no room for all: what may move is named", some / (long long)PAGE, on(pid, (char *)mem, 8 * MIB, device));
	is("and the stack stays", 0, stack_on(pid, device));
	move_whole(pid, device, 0, ALL, ALL);
	m = move_whole(pid, 0, device, ALL, 4 * MIB);
	is("a limit: no more than that moves", 1, m.bytes <= 4 * MIB && m.bytes >= 2 * MIB);
	is("its data is right", 0, waitpid(pid, &status, WNOHANG));
	set_nice(true);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void forbidden(void)
{
	pid_t parent = getpid(), child = fork();
	int status;

	if (child == 0) {
		char *mem = filled(MIB, false);
		struct gm_range r = { (uintptr_t)mem, (uintptr_t)mem + MIB };
		struct gm_numa_move m = { .pid = parent, .range = &r, .count = 1, .to = { device },
					  .to_count = 1, .workers = 2, .max_bytes = ALL };
		struct gm_numa_moved moved;

		if (setresuid(4711, 4711, 4711) < 0)
			_exit(1);
		_exit(gm_numa_move(&m, &moved) == -EPERM ? 0 : 2);
	}
	waitpid(child, &status, 0);
	is("another user's process: EPERM", 0, status);
}

static int hold(size_t len, bool pin)
{
	char *mem = memory(len, true);
	struct iovec io = { mem + len / 2, 2 * PAGE };
	int end[2];

	madvise(mem + len / 2, len / 2, MADV_NOHUGEPAGE);
	fill(mem, len);
	if (pin && (pipe(end) < 0 || vmsplice(end[1], &io, 1, 0) < 0))
		return 3;
	puts("ready");
	fflush(stdout);
	while (wrong(mem, len) == 0)
		usleep(10000);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "hold"))
		return hold(strtoul(argv[2], NULL, 10) * MIB, argc > 3);
	if (argc != 3)
		return 2;
	device = atoi(argv[1]);
	other = atoi(argv[2]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned workers = 1; workers <= 2; workers++) {
		there_and_back("small pages", false, workers);
		there_and_back("huge pages", true, workers);
		budget(workers);
	}
	mixed();
	from_mask();
	pinned(false);
	pinned(true);
	shared();
	put(false);
	put(true);
	outside(0);
	outside(4711);
	queue(false);
	queue(true);
	whole();
	forbidden();
	full();
	printf("1..%d\n", count);
	return failed != 0;
}
