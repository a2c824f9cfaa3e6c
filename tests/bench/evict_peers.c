/* SPDX-License-Identifier: MIT */
/*
 * evict_peers: a process has twice as much on a device's NUMA node as it may, half of it in use all the
 * time. Who takes the right half off, how soon, and what does it move: the kernel's DAMON, gpumem.
 *
 *   evict_peers [-m MIB] [-n REPETITIONS] [-t SECONDS] [-w SECONDS] CONF DEVICE NODE
 *
 * The process is this program again, with "hold" as its first argument; gpumem is the one in PATH.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB (1ul << 20)
#define PAGE 4096ul
#define CHUNK (2 * MIB)
#define SPAN (8 * MIB) /* hot and cold in turns */
#define MOST 20
#define SCRATCH (64 * PAGE)
#define DAMON "/sys/kernel/mm/damon/admin/kdamonds"
#define SHARED "/run/evict-peers"
#define STATE_DIR "/run/evict-peers.d"
#define MPOL_BIND 2

enum peer { DAMON_COLD, GPUMEM, PEERS };
static const char *const peer_name[] = { "DAMON migrate_cold", "gpumem" };

struct outcome {
	double seconds, off_mib, hot_percent, moved_mib; /* seconds < 0: not in time */
};

/* In a file, as the process is a program of its own. */
struct shared {
	size_t bytes;
	int node;
	pid_t pid;
	char *arena; /* in the process */
	atomic_int ready, stop;
};

static struct {
	size_t bytes, repetitions, seconds, warm;
	int node;
	const char *self, *conf, *device;
	struct shared *shared;
	struct outcome outcome[PEERS][MOST];
} b = { .bytes = 256 * MIB, .repetitions = 5, .seconds = 30, .warm = 10 };

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

static struct shared *map_shared(int flags)
{
	int fd = open(SHARED, O_RDWR | O_CLOEXEC | flags, 0600);
	void *p;

	if (fd < 0 || ftruncate(fd, (off_t)PAGE) < 0)
		die(SHARED, errno);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die(SHARED, errno);
	close(fd);
	return p;
}

static int hold(void)
{
	struct shared *s = map_shared(0);
	char *scratch = mmap(NULL, SCRATCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *arena = mmap(NULL, s->bytes + CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	unsigned long mask = 1ul << s->node;

	if (arena == MAP_FAILED || scratch == MAP_FAILED)
		return 1;
	arena = (char *)(((uintptr_t)arena + CHUNK - 1) & ~(CHUNK - 1));
	madvise(arena, s->bytes, MADV_NOHUGEPAGE);
	syscall(SYS_mbind, arena, s->bytes, MPOL_BIND, &mask, 64ul, 0);
	memset(arena, 1, s->bytes);
	syscall(SYS_mbind, arena, s->bytes, 0, NULL, 0ul, 0);
	s->arena = arena;
	s->pid = getpid();
	atomic_store(&s->ready, 1);
	while (!atomic_load(&s->stop)) {
		for (size_t at = 0; at < s->bytes; at += PAGE)
			if (is_hot(at))
				arena[at]++;
		forget_translations(scratch);
		nap(20000000);
	}
	return 0;
}

/* Returns whom to wait for: the process, or the `gpumem run` that has it. */
static pid_t start(enum peer peer)
{
	char policy[64];
	pid_t pid;

	b.shared->bytes = b.bytes;
	b.shared->node = b.node;
	atomic_store(&b.shared->ready, 0);
	atomic_store(&b.shared->stop, 0);
	snprintf(policy, sizeof(policy), "prefer,limit=%zuM,high=100%%,low=100%%", b.bytes / MIB * 3 / 2);
	pid = fork();
	if (pid == 0) {
		if (peer == GPUMEM)
			execlp("gpumem", "gpumem", "run", "--conf", b.conf, "--state-dir", STATE_DIR, "-d",
			       b.device, policy, b.self, "hold", (char *)NULL);
		else
			execl(b.self, b.self, "hold", (char *)NULL);
		_exit(127);
	}
	while (!atomic_load(&b.shared->ready)) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			die("the process ended: is the node large enough?", ENOMEM);
		nap(10000000);
	}
	return pid;
}

/* Bytes that any process had moved, as the kernel counts them. */
static double migrated_mib(void)
{
	FILE *f = fopen("/proc/vmstat", "re");
	unsigned long long pages = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "pgmigrate_success %llu", &pages) == 1)
			break;
	if (f)
		fclose(f);
	return (double)pages * PAGE / MIB;
}

/* Bytes that are not on the node, all and hot ones. */
static size_t off_node(size_t *ret_hot)
{
	size_t off = 0, hot = 0;
	int status[512];
	void *page[512];

	for (size_t at = 0; at < b.bytes; at += 512 * PAGE) {
		for (size_t i = 0; i < 512; i++)
			page[i] = b.shared->arena + at + i * PAGE;
		if (syscall(SYS_move_pages, b.shared->pid, 512ul, page, NULL, status, 0) < 0)
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

/*
 * Whatever was not accessed for a second, of the node; for now this is only counted. Virtual addresses cannot
 * have migrate_cold in 6.12.
 */
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
	       put("0/contexts/0/schemes/nr_schemes", "1") && put(SCHEME "action", "stat") &&
	       put(SCHEME "target_nid", "0") && put(SCHEME "access_pattern/sz/min", "4096") &&
	       put(SCHEME "access_pattern/sz/max", "%llu", (unsigned long long)(to - from)) &&
	       put(SCHEME "access_pattern/nr_accesses/min", "0") &&
	       put(SCHEME "access_pattern/nr_accesses/max", "0") &&
	       put(SCHEME "access_pattern/age/min", "10") &&
	       put(SCHEME "access_pattern/age/max", "4294967295") && put("0/state", "on");
}

static bool damon(void)
{
	return put(SCHEME "action", "migrate_cold") && put("0/state", "commit");
}

/* ---- gpumem ------------------------------------------------------------------------------- */

static bool gpumem(pid_t run)
{
	char job[16], limit[32];
	int status = -1;
	pid_t pid;

	snprintf(job, sizeof(job), "%d", (int)run);
	snprintf(limit, sizeof(limit), "limit=%zuM", b.bytes / 2 / MIB);
	pid = fork();
	if (pid == 0) {
		execlp("gpumem", "gpumem", "set", "--conf", b.conf, "--state-dir", STATE_DIR, "-j", job,
		       "--wait", "0", limit, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return status == 0;
}

/* ---- the table ---------------------------------------------------------------------------- */

static bool once(enum peer peer, struct outcome *ret)
{
	pid_t pid = start(peer);
	double begin, end, before;
	size_t off, hot;
	bool good = peer != DAMON_COLD || damon_on();

	nap((long)b.warm * 1000000000l);
	before = migrated_mib();
	begin = now();
	end = begin + (double)b.seconds;
	good = good && (peer == GPUMEM ? gpumem(pid) : damon());
	do {
		nap(50000000);
		off = off_node(&hot);
	} while (good && off < b.bytes / 2 && now() < end);
	ret->seconds = off >= b.bytes / 2 ? now() - begin : -1;
	ret->moved_mib = migrated_mib() - before;
	if (peer == DAMON_COLD)
		put("0/state", "off");
	atomic_store(&b.shared->stop, 1);
	waitpid(pid, NULL, 0);
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
	static const char *const key[] = { "damon", "gpumem" };
	struct outcome o[PEERS] = { { 0 } };

	printf("%zu MiB on node %d, half of it in use; to leave: %zu MiB\n", b.bytes / MIB, b.node,
	       b.bytes / MIB / 2);
	printf("%-20s %10s %10s %14s %10s\n", "", "seconds", "MiB off", "hot of it, %",
	       "MiB moved");
	for (enum peer p = 0; p < PEERS; p++) {
		if (!works[p]) {
			printf("%-20s this kernel does not have it\n", peer_name[p]);
			o[p].seconds = -1;
			continue;
		}
		o[p].seconds = median(b.outcome[p], offsetof(struct outcome, seconds));
		o[p].off_mib = median(b.outcome[p], offsetof(struct outcome, off_mib));
		o[p].hot_percent = median(b.outcome[p], offsetof(struct outcome, hot_percent));
		o[p].moved_mib = median(b.outcome[p], offsetof(struct outcome, moved_mib));
		printf("%-20s %10.2f %10.1f %14.1f %10.1f%s\n", peer_name[p], o[p].seconds,
		       o[p].off_mib, o[p].hot_percent, o[p].moved_mib, o[p].seconds < 0 ? "  not in time" : "");
	}
	printf("\n");
	for (enum peer p = 0; p < PEERS; p++)
		printf("%s%s_s=%.2f %s_off_mib=%.1f %s_hot=%.1f %s_moved_mib=%.1f", p ? " " : "", key[p],
		       o[p].seconds, key[p], o[p].off_mib, key[p], o[p].hot_percent, key[p],
		       o[p].moved_mib);
	printf("\n");
}

int main(int argc, char **argv)
{
	bool works[PEERS] = { true, true };
	int c;

	if (argc == 2 && strcmp(argv[1], "hold") == 0)
		return hold();
	while ((c = getopt(argc, argv, "m:n:t:w:")) != -1) {
		if (c == 'm')
			b.bytes = strtoul(optarg, NULL, 10) * MIB / (2 * SPAN) * (2 * SPAN);
		else if (c == 'n')
			b.repetitions = strtoul(optarg, NULL, 10);
		else if (c == 't')
			b.seconds = strtoul(optarg, NULL, 10);
		else if (c == 'w')
			b.warm = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (argc - optind != 3 || !b.bytes || !b.repetitions || b.repetitions > MOST)
		return 2;
	b.self = realpath("/proc/self/exe", NULL);
	b.conf = argv[optind];
	b.device = argv[optind + 1];
	b.node = atoi(argv[optind + 2]);
	b.shared = map_shared(O_CREAT | O_TRUNC);
	for (size_t r = 0; r < b.repetitions; r++)
		for (size_t k = 0; k < PEERS; k++) {
			enum peer p = (k + r) % PEERS;

			if (works[p])
				works[p] = once(p, &b.outcome[p][r]);
		}
	print(works);
	return 0;
}
