/* SPDX-License-Identifier: MIT */
/*
 * evict_peers: a process has twice as much on a device's NUMA node as it may, half of it in use all the
 * time. Who takes the right half off, how soon, and what does it move: the kernel's DAMON, gpumem.
 *
 *   evict_peers [-m MIB] [-n REPETITIONS] [-t SECONDS] NODE
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "place/numa.h"

#define MIB (1ul << 20)
#define PAGE 4096ul
#define CHUNK (2 * MIB)
#define SPAN (8 * MIB) /* hot and cold in turns */
#define MOST 20
#define SCRATCH (64 * PAGE)
#define LOOK_NS 1000000000l
#define DAMON "/sys/kernel/mm/damon/admin/kdamonds"
#define SOFT_DIRTY (1ull << 55)
#define MPOL_BIND 2

enum peer { DAMON_COLD, GPUMEM, PEERS };
static const char *const peer_name[] = { "DAMON migrate_cold", "gpumem" };

struct outcome {
	double seconds, off_mib, hot_percent; /* seconds < 0: not in time */
};

static struct {
	size_t bytes, repetitions, seconds;
	int node;
	char *arena;
	struct {
		atomic_int ready, stop;
	} *shared;
	struct outcome outcome[PEERS][MOST];
} b = { .bytes = 256 * MIB, .repetitions = 3, .seconds = 30 };

static void die(const char *what, int error)
{
	fprintf(stderr, "evict_peers: %s: %s\n", what, strerror(error));
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void nap(long ns)
{
	const struct timespec t = { ns / 1000000000, ns % 1000000000 };

	nanosleep(&t, NULL);
}

/* ---- the process -------------------------------------------------------------------------- */

static bool is_hot(size_t at)
{
	return at / SPAN % 2 == 0;
}

/*
 * DAMON clears accessed bits and leaves the TLB as it is; an emulator's TLB keeps everything and would never
 * set them again. Dropping more than 33 pages makes the kernel flush it all.
 */
static void forget_translations(char *scratch)
{
	memset(scratch, 1, SCRATCH);
	madvise(scratch, SCRATCH, MADV_DONTNEED);
}

static void child(void)
{
	char *scratch = mmap(NULL, SCRATCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long mask = 1ul << b.node;

	if (mmap(b.arena, b.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) == MAP_FAILED)
		_exit(1);
	madvise(b.arena, b.bytes, MADV_NOHUGEPAGE);
	syscall(SYS_mbind, b.arena, b.bytes, MPOL_BIND, &mask, 64ul, 0);
	memset(b.arena, 1, b.bytes);
	syscall(SYS_mbind, b.arena, b.bytes, 0, NULL, 0ul, 0);
	atomic_store(&b.shared->ready, 1);
	while (!atomic_load(&b.shared->stop)) {
		for (size_t at = 0; at < b.bytes; at += PAGE)
			if (is_hot(at))
				b.arena[at]++;
		forget_translations(scratch);
		nap(20000000);
	}
	_exit(0);
}

static pid_t start(void)
{
	pid_t pid;

	atomic_store(&b.shared->ready, 0);
	atomic_store(&b.shared->stop, 0);
	pid = fork();
	if (pid == 0)
		child();
	while (!atomic_load(&b.shared->ready)) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			die("the process ended: is the node large enough?", ENOMEM);
		nap(10000000);
	}
	return pid;
}

/* Bytes that are not on the node, all and hot ones. */
static size_t off_node(pid_t pid, size_t *ret_hot)
{
	size_t off = 0, hot = 0;
	int status[512];
	void *page[512];

	for (size_t at = 0; at < b.bytes; at += 512 * PAGE) {
		for (size_t i = 0; i < 512; i++)
			page[i] = b.arena + at + i * PAGE;
		if (syscall(SYS_move_pages, pid, 512ul, page, NULL, status, 0) < 0)
			die("move_pages", errno);
		for (size_t i = 0; i < 512; i++) {
			off += status[i] >= 0 && status[i] != b.node ? PAGE : 0;
			hot += status[i] >= 0 && status[i] != b.node && is_hot(at + i * PAGE) ? PAGE : 0;
		}
	}
	*ret_hot = hot;
	return off;
}

/* ---- DAMON -------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static bool put(const char *name, const char *fmt, ...)
{
	char path[256], text[64];
	bool good;
	va_list ap;
	int fd, len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), DAMON "/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	good = fd >= 0 && write(fd, text, (size_t)len) == len;
	if (!good)
		fprintf(stderr, "evict_peers: %s: %s: %s\n", path, text, strerror(errno));
	if (fd >= 0)
		close(fd);
	return good;
}

/* Where the node's memory is, from the first page of its zones to the last. */
static bool physical(uint64_t *ret_start, uint64_t *ret_end)
{
	unsigned long long start, spanned = 0, from = ~0ull, to = 0;
	FILE *f = fopen("/proc/zoneinfo", "re");
	char line[256];
	int node = -1;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Node %d, zone", &node) == 1)
			spanned = 0;
		if (sscanf(line, " spanned %llu", &spanned) == 1)
			continue;
		if (node == b.node && spanned && sscanf(line, " start_pfn: %llu", &start) == 1) {
			from = start < from ? start : from;
			to = start + spanned > to ? start + spanned : to;
		}
	}
	if (f)
		fclose(f);
	*ret_start = from * PAGE;
	*ret_end = to * PAGE;
	return to > from;
}

#define SCHEME "0/contexts/0/schemes/0/"

/* Whatever was not accessed for a second goes to node 0; virtual addresses cannot have this action in 6.12. */
static bool damon_on(void)
{
	uint64_t from, to;

	return physical(&from, &to) && put("nr_kdamonds", "1") && put("0/contexts/nr_contexts", "1") &&
	       put("0/contexts/0/operations", "paddr") &&
	       put("0/contexts/0/monitoring_attrs/intervals/sample_us", "5000") &&
	       put("0/contexts/0/monitoring_attrs/intervals/aggr_us", "100000") &&
	       put("0/contexts/0/monitoring_attrs/intervals/update_us", "1000000") &&
	       put("0/contexts/0/targets/nr_targets", "1") &&
	       put("0/contexts/0/targets/0/regions/nr_regions", "1") &&
	       put("0/contexts/0/targets/0/regions/0/start", "%llu", (unsigned long long)from) &&
	       put("0/contexts/0/targets/0/regions/0/end", "%llu", (unsigned long long)to) &&
	       put("0/contexts/0/schemes/nr_schemes", "1") && put(SCHEME "action", "migrate_cold") &&
	       put(SCHEME "target_nid", "0") && put(SCHEME "access_pattern/sz/min", "4096") &&
	       put(SCHEME "access_pattern/sz/max", "%llu", (unsigned long long)(to - from)) &&
	       put(SCHEME "access_pattern/nr_accesses/min", "0") &&
	       put(SCHEME "access_pattern/nr_accesses/max", "0") &&
	       put(SCHEME "access_pattern/age/min", "10") &&
	       put(SCHEME "access_pattern/age/max", "4294967295") && put("0/state", "on");
}

static bool damon(pid_t pid, double end)
{
	size_t hot;
	bool good = damon_on();

	while (good && off_node(pid, &hot) < b.bytes / 2 && now() < end)
		nap(100000000);
	if (good)
		put("0/state", "off");
	return good;
}

/* ---- gpumem ------------------------------------------------------------------------------- */

static void clear_soft_dirty(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/clear_refs", (int)pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "4", 1) != 1)
		die(path, errno);
	close(fd);
}

/* Chunks that nobody wrote to since, from the first one, as ranges; as many as have to go. */
static size_t cold_chunks(pid_t pid, size_t bytes, struct gm_range *range)
{
	uint64_t entry[CHUNK / PAGE];
	char path[64];
	size_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	for (size_t at = 0; at < b.bytes && n < bytes / CHUNK; at += CHUNK) {
		uint64_t dirty = 0;

		if (pread(fd, entry, sizeof(entry), (off_t)(((uintptr_t)b.arena + at) / PAGE * 8)) !=
		    sizeof(entry))
			die(path, errno);
		for (size_t i = 0; i < CHUNK / PAGE; i++)
			dirty |= entry[i] & SOFT_DIRTY;
		if (!dirty)
			range[n++] = (struct gm_range){ (uintptr_t)b.arena + at,
							(uintptr_t)b.arena + at + CHUNK };
	}
	close(fd);
	return n;
}

/*
 * SWITCH: until agents manage devices that are NUMA nodes, one look at soft-dirty bits stands for the
 * agent's, and gm_numa_move() for what it does then. After that: run the process by
 * `gpumem run --policy prefer,limit=…` and only wait here.
 */
static bool gpumem(pid_t pid, double end)
{
	struct gm_range *range = calloc(b.bytes / CHUNK, sizeof(*range));
	struct gm_numa_move m = { .pid = pid, .range = range, .from = 1ull << b.node, .to = { 0 },
				  .to_count = 1, .workers = 1 };
	struct gm_numa_moved moved = { 0 };
	size_t hot, off = 0;

	while (range && off < b.bytes / 2 && now() < end) {
		clear_soft_dirty(pid);
		nap(LOOK_NS);
		m.max_bytes = b.bytes / 2 - off;
		m.count = cold_chunks(pid, m.max_bytes, range);
		gm_numa_move(&m, &moved);
		off = off_node(pid, &hot);
	}
	free(range);
	return true;
}

/* ---- the table ---------------------------------------------------------------------------- */

static bool once(enum peer peer, struct outcome *ret)
{
	pid_t pid = start();
	double begin = now(), took;
	size_t off, hot;
	bool good;

	/* What happened while it was filled is old by now. */
	nap(500000000);
	begin = now();
	good = peer == GPUMEM ? gpumem(pid, begin + (double)b.seconds) :
				damon(pid, begin + (double)b.seconds);
	took = now() - begin;
	off = off_node(pid, &hot);
	atomic_store(&b.shared->stop, 1);
	waitpid(pid, NULL, 0);
	ret->seconds = off >= b.bytes / 2 ? took : -1;
	ret->off_mib = (double)off / MIB;
	ret->hot_percent = off ? 100.0 * (double)hot / (double)off : 0;
	return good;
}

static int ascending(const void *a, const void *c)
{
	double x = *(const double *)a, y = *(const double *)c;

	return (x > y) - (x < y);
}

static double median(const struct outcome *o, size_t offset)
{
	double values[MOST];

	for (size_t r = 0; r < b.repetitions; r++)
		memcpy(&values[r], (const char *)&o[r] + offset, sizeof(double));
	qsort(values, b.repetitions, sizeof(double), ascending);
	return values[b.repetitions / 2];
}

static void print(const bool *works)
{
	struct outcome o[PEERS] = { { 0 } };

	printf("%zu MiB on node %d, half of it in use; to leave: %zu MiB\n", b.bytes / MIB, b.node,
	       b.bytes / MIB / 2);
	printf("%-20s %10s %10s %14s\n", "", "seconds", "MiB off", "hot of it, %");
	for (enum peer p = 0; p < PEERS; p++) {
		if (!works[p]) {
			printf("%-20s this kernel does not have it\n", peer_name[p]);
			o[p].seconds = -1;
			continue;
		}
		o[p].seconds = median(b.outcome[p], offsetof(struct outcome, seconds));
		o[p].off_mib = median(b.outcome[p], offsetof(struct outcome, off_mib));
		o[p].hot_percent = median(b.outcome[p], offsetof(struct outcome, hot_percent));
		printf("%-20s %10.2f %10.1f %14.1f%s\n", peer_name[p], o[p].seconds, o[p].off_mib,
		       o[p].hot_percent, o[p].seconds < 0 ? "  not in time" : "");
	}
	printf("\ndamon_s=%.2f damon_off_mib=%.1f damon_hot=%.1f gpumem_s=%.2f gpumem_off_mib=%.1f "
	       "gpumem_hot=%.1f\n",
	       o[0].seconds, o[0].off_mib, o[0].hot_percent, o[1].seconds, o[1].off_mib,
	       o[1].hot_percent);
}

int main(int argc, char **argv)
{
	bool works[PEERS] = { true, true };
	int c;

	while ((c = getopt(argc, argv, "m:n:t:")) != -1) {
		if (c == 'm')
			b.bytes = strtoul(optarg, NULL, 10) * MIB / (2 * SPAN) * (2 * SPAN);
		else if (c == 'n')
			b.repetitions = strtoul(optarg, NULL, 10);
		else if (c == 't')
			b.seconds = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (argc - optind != 1 || !b.bytes || !b.repetitions || b.repetitions > MOST)
		return 2;
	b.node = atoi(argv[optind]);
	b.arena = mmap(NULL, b.bytes + CHUNK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	b.shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b.arena == MAP_FAILED || b.shared == MAP_FAILED)
		die("mmap", errno);
	b.arena = (char *)(((uintptr_t)b.arena + CHUNK - 1) & ~(CHUNK - 1));
	for (size_t r = 0; r < b.repetitions; r++)
		for (size_t k = 0; k < PEERS; k++) {
			enum peer p = (k + r) % PEERS;

			if (works[p])
				works[p] = once(p, &b.outcome[p][r]);
		}
	print(works);
	return 0;
}
