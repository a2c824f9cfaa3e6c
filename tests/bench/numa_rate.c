/* SPDX-License-Identifier: MIT */
/*
 * numa_rate: how fast the memory of a process goes to a NUMA node and back, by gpumem and by others,
 * each on fresh pages of a child that sleeps. Prints tables.
 *
 *   numa_rate [-m MIB] [-n REPETITIONS] [-s STATE-DIRECTORY] NODE    -s: the svm device too
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gpumem.h"
#include "place/numa.h"

#define MIB (1ul << 20)
#define HUGE_BYTES (2 * MIB)
#define PAGE 4096ul
#define WARMUP 1
#define MOST 100
#define MPOL_BIND 2
#define MPOL_MF_MOVE 2
#define HOME 0 /* the node where everything begins */

enum peer { RAW, RAW_HEADS, MIGRATEPAGES, LIBNUMA, GPUMEM_1, GPUMEM_2, MEMCPY, PEERS };
enum direction { IN, OUT, DIRECTIONS };
enum pages { SMALL, HUGE, PAGES };

static const char *const peer_name[] = { "move_pages", "move_pages, heads", "migratepages",
					 "libnuma",    "gpumem, 1 worker",   "gpumem, 2 workers",
					 "memcpy" };
static const char *const pages_name[] = { "4 KiB", "2 MiB" };
static const char *const direction_name[] = { "in", "out" };

static struct {
	size_t bytes, repetitions;
	int node;
	char *arena, *copy[2]; /* of the same address in every child; memcpy's */
	const char *state;
	int (*libnuma)(int, unsigned long, void **, const int *, int *, int);
	void **page; /* for calls: all pages of the arena */
	int *to, *status;
	double ns[PAGES][DIRECTIONS][PEERS][MOST];
} b = { .bytes = 128 * MIB, .repetitions = 7 };

extern char **environ;

static void die(const char *what, int rc)
{
	fprintf(stderr, "numa_rate: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* ---- the child that holds the memory ------------------------------------------------------ */

struct child {
	pid_t pid;
	int ask, answer;
};

static uint64_t pattern(size_t page)
{
	return (page + 1) * 0x9e3779b97f4a7c15ull;
}

static void fill(char *mem, enum pages pages, int node)
{
	unsigned long mask = 1ul << node;

	if (mmap(mem, b.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		    MAP_FAILED ||
	    madvise(mem, b.bytes, pages == HUGE ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) < 0 ||
	    syscall(SYS_mbind, mem, b.bytes, MPOL_BIND, &mask, 64ul, 0) < 0)
		die("mmap", -errno);
	for (size_t i = 0; i < b.bytes / PAGE; i++)
		*(uint64_t *)(void *)(mem + i * PAGE) = pattern(i);
	/* Where it goes later is nobody's business but the peers'. */
	syscall(SYS_mbind, mem, b.bytes, 0, NULL, 0ul, 0);
}

static bool intact(const char *mem)
{
	for (size_t i = 0; i < b.bytes / PAGE; i++)
		if (*(const uint64_t *)(const void *)(mem + i * PAGE) != pattern(i))
			return false;
	return true;
}

/* To the svm device, as an application would. */
static void to_svm(void)
{
	struct gpumem_process *self;
	struct gpumem_error err = { 0 };
	struct gpumem_ctx *ctx;
	uint64_t bytes = 0;

	if (gpumem_new(&ctx) < 0 || gpumem_attach(ctx, &self, &err) < 0 ||
	    gpumem_prefetch(self, b.arena, b.bytes, 0, &bytes, &err) < 0 || bytes != b.bytes) {
		fprintf(stderr, "numa_rate: svm: %s, %llu bytes moved\n", err.text,
			(unsigned long long)bytes);
		_exit(1);
	}
}

static struct child child_new(enum pages pages, bool svm)
{
	struct child c;
	int ask[2], answer[2];
	char word;

	if (pipe2(ask, O_CLOEXEC) < 0 || pipe2(answer, O_CLOEXEC) < 0)
		die("pipe", -errno);
	fflush(NULL);
	c.pid = fork();
	if (c.pid == 0) {
		close(ask[1]);
		fill(b.arena, pages, HOME);
		if (svm)
			to_svm();
		if (write(answer[1], "r", 1) != 1 || read(ask[0], &word, 1) != 1)
			_exit(1);
		_exit(intact(b.arena) ? 0 : 2);
	}
	close(ask[0]);
	close(answer[1]);
	c.ask = ask[1];
	c.answer = answer[0];
	if (read(c.answer, &word, 1) != 1)
		die("the child did not start", -EIO);
	return c;
}

static void child_end(struct child *c)
{
	int status = 0;

	if (write(c->ask, "e", 1) != 1 || waitpid(c->pid, &status, 0) < 0 || status != 0)
		die("the child's data changed", -EIO);
	close(c->ask);
	close(c->answer);
}

/* Pages of the arena of process `pid` on the node, each asked for. */
static size_t on_node(pid_t pid, int node)
{
	size_t n = b.bytes / PAGE, there = 0;

	for (size_t i = 0; i < n; i++)
		b.page[i] = b.arena + i * PAGE;
	if (syscall(SYS_move_pages, pid, n, b.page, NULL, b.status, 0) < 0)
		die("move_pages", -errno);
	for (size_t i = 0; i < n; i++)
		there += b.status[i] == node;
	return there;
}

/* ---- the peers: each returns 0 or what it says itself ------------------------------------- */

static size_t name_pages(int node, size_t step)
{
	size_t n = b.bytes / step;

	for (size_t i = 0; i < n; i++) {
		b.page[i] = b.arena + i * step;
		b.to[i] = node;
	}
	return n;
}

static int one_call(pid_t pid, int node, size_t step, bool libnuma)
{
	size_t n = name_pages(node, step);
	long rc = libnuma ? b.libnuma(pid, n, b.page, b.to, b.status, MPOL_MF_MOVE) :
			    syscall(SYS_move_pages, pid, n, b.page, b.to, b.status, MPOL_MF_MOVE);

	if (rc != 0)
		return rc < 0 ? -errno : -EBUSY;
	for (size_t i = 0; i < n; i++)
		if (b.status[i] < 0 && b.status[i] != -EBUSY) /* tails of a huge page */
			return b.status[i];
	return 0;
}

static int migratepages(pid_t pid, int from, int to)
{
	char who[16], f[16], t[16], *argv[] = { (char *)"migratepages", who, f, t, NULL };
	int status, rc;
	pid_t tool;

	snprintf(who, sizeof(who), "%d", (int)pid);
	snprintf(f, sizeof(f), "%d", from);
	snprintf(t, sizeof(t), "%d", to);
	rc = posix_spawnp(&tool, argv[0], NULL, NULL, argv, environ);
	if (rc != 0)
		return -rc;
	waitpid(tool, &status, 0);
	return status == 0 ? 0 : -EIO;
}

/* As gpumem migrate and evict call it from outside; those pass over what is on svm devices. */
static int gpumem(pid_t pid, int from, int to, unsigned workers, bool svm)
{
	struct gm_range r = { (uintptr_t)b.arena, (uintptr_t)b.arena + b.bytes };
	struct gm_node_set leave = { 0 };
	struct gm_numa_move m = { .pid = pid, .range = &r, .count = 1, .from = &leave, .to = { to }, .to_count = 1,
				  .workers = workers, .max_bytes = UINT64_MAX, .whole_bytes = svm ? 0 : UINT64_MAX };
	struct gm_numa_moved moved;
	int rc;

	gm_node_set_add(&leave, from);
	rc = gm_numa_move(&m, &moved);
	if (rc == 0 && moved.hidden)
		return -ENOENT;
	return rc == 0 && moved.left ? -EBUSY : rc;
}

static int move(enum peer peer, enum pages pages, pid_t pid, int from, int to, bool svm)
{
	switch (peer) {
	case RAW:
		return one_call(pid, to, PAGE, false);
	case RAW_HEADS:
		return one_call(pid, to, pages == HUGE ? HUGE_BYTES : PAGE, false);
	case LIBNUMA:
		return b.libnuma ? one_call(pid, to, PAGE, true) : -ENOSYS;
	case MIGRATEPAGES:
		return migratepages(pid, from, to);
	case GPUMEM_1:
	case GPUMEM_2:
		return gpumem(pid, from, to, peer == GPUMEM_2 ? 2 : 1, svm);
	default:
		memcpy(b.copy[to == b.node], b.copy[to != b.node], b.bytes);
		return 0;
	}
}

/* ---- rates ------------------------------------------------------------------------------- */

static void once(enum pages pages, enum peer peer, double ns[DIRECTIONS])
{
	struct child c = child_new(pages, false);

	if (peer == MEMCPY)
		for (int i = 0; i < 2; i++)
			fill(b.copy[i], pages, i ? b.node : HOME);
	for (enum direction d = IN; d < DIRECTIONS; d++) {
		int from = d == IN ? HOME : b.node, to = d == IN ? b.node : HOME, rc;
		double start = now_ns();

		rc = move(peer, pages, c.pid, from, to, false);
		ns[d] = now_ns() - start;
		if (rc < 0)
			die(peer_name[peer], rc);
		if (peer != MEMCPY && on_node(c.pid, to) != b.bytes / PAGE) {
			fprintf(stderr, "numa_rate: %s: %zu of %zu pages %s\n", peer_name[peer],
				on_node(c.pid, to), b.bytes / PAGE, direction_name[d]);
			exit(1);
		}
	}
	if (peer == MEMCPY)
		for (int i = 0; i < 2; i++)
			madvise(b.copy[i], b.bytes, MADV_DONTNEED);
	child_end(&c);
}

static bool runs(enum peer peer, enum pages pages)
{
	return (peer != RAW_HEADS || pages == HUGE) && (peer != LIBNUMA || b.libnuma);
}

static void measure(void)
{
	for (size_t r = 0; r < WARMUP + b.repetitions; r++)
		for (size_t k = 0; k < PAGES * PEERS; k++) {
			enum pages pages = k / PEERS;
			/* PEERS is prime: all of them, and not always behind the same one. */
			enum peer peer = (k * (1 + r % (PEERS - 1)) + r) % PEERS;
			double ns[DIRECTIONS];

			if (!runs(peer, pages))
				continue;
			once(pages, peer, ns);
			for (enum direction d = IN; r >= WARMUP && d < DIRECTIONS; d++)
				b.ns[pages][d][peer][r - WARMUP] = ns[d];
		}
}

static int ascending(const void *a, const void *c)
{
	double x = *(const double *)a, y = *(const double *)c;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(double), ascending);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* There and back, the time of `of` over that of the peer, within a repetition; then the median. */
static double ratio(enum pages pages, enum peer peer, enum peer of)
{
	double ratios[MOST];

	for (size_t r = 0; r < b.repetitions; r++)
		ratios[r] = (b.ns[pages][IN][of][r] + b.ns[pages][OUT][of][r]) /
			    (b.ns[pages][IN][peer][r] + b.ns[pages][OUT][peer][r]);
	return median(ratios, b.repetitions);
}

/* The fastest times, where others use the machine too: the values are sorted by now. */
static double best(enum pages pages, enum peer peer, enum peer of)
{
	return (b.ns[pages][IN][of][0] + b.ns[pages][OUT][of][0]) /
	       (b.ns[pages][IN][peer][0] + b.ns[pages][OUT][peer][0]);
}

static void print_bests(void)
{
	printf("of the fastest times:");
	for (enum pages p = SMALL; p < PAGES; p++)
		for (enum peer k = GPUMEM_1; k <= GPUMEM_2; k++)
			printf(" gpumem%d_%s_best=%.3f", k - GPUMEM_1 + 1, p == HUGE ? "2m" : "4k",
			       best(p, k, RAW));
	printf(" gpumem1_2m_best_of_heads=%.3f gpumem2_2m_best_of_heads=%.3f\n",
	       best(HUGE, GPUMEM_1, RAW_HEADS), best(HUGE, GPUMEM_2, RAW_HEADS));
}

static void print_rates(void)
{
	double ratios[PAGES][PEERS] = { { 0 } }, raw_4k, of_heads[2];

	for (enum pages p = SMALL; p < PAGES; p++)
		for (enum peer k = RAW; k < PEERS; k++)
			if (runs(k, p))
				ratios[p][k] = ratio(p, k, RAW);
	of_heads[0] = ratio(HUGE, GPUMEM_1, RAW_HEADS);
	of_heads[1] = ratio(HUGE, GPUMEM_2, RAW_HEADS);
	printf("%-6s %-18s %10s %10s %10s\n", "pages", "", "in MB/s", "out MB/s", "ratio");
	for (enum pages p = SMALL; p < PAGES; p++)
		for (enum peer k = RAW; k < PEERS; k++) {
			if (!runs(k, p))
				continue;
			printf("%-6s %-18s %10.1f %10.1f %10.3f\n", pages_name[p], peer_name[k],
			       (double)b.bytes * 1e3 / median(b.ns[p][IN][k], b.repetitions),
			       (double)b.bytes * 1e3 / median(b.ns[p][OUT][k], b.repetitions),
			       ratios[p][k]);
		}
	raw_4k = (double)b.bytes * 1e3 / median(b.ns[SMALL][IN][RAW], b.repetitions);
	printf("\nraw_4k=%.1f gpumem1_4k_ratio=%.3f gpumem2_4k_ratio=%.3f gpumem1_2m_ratio=%.3f "
	       "gpumem2_2m_ratio=%.3f gpumem1_2m_of_heads=%.3f gpumem2_2m_of_heads=%.3f\n",
	       raw_4k, ratios[SMALL][GPUMEM_1], ratios[SMALL][GPUMEM_2], ratios[HUGE][GPUMEM_1],
	       ratios[HUGE][GPUMEM_2], of_heads[0], of_heads[1]);
}

/* ---- the svm device, whose pages belong to no node ---------------------------------------- */

static void print_svm(void)
{
	size_t n = b.bytes / PAGE;

	printf("\nsvm device: %zu pages are there, asked to go to node %d\n", n, HOME);
	printf("%-18s %10s  %s\n", "", "moved", "says");
	for (enum peer k = RAW; k < MEMCPY; k++) {
		struct child c;
		int rc;

		if (k == RAW_HEADS || !runs(k, SMALL))
			continue;
		c = child_new(SMALL, true);
		rc = move(k, SMALL, c.pid, b.node, HOME, true);
		printf("%-18s %10zu  %s\n", peer_name[k], on_node(c.pid, HOME),
		       rc < 0 ? strerror(-rc) : "no error");
		child_end(&c);
	}
}

static char *reserve(size_t bytes)
{
	char *p = mmap(NULL, bytes + HUGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap", -errno);
	return (char *)(((uintptr_t)p + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));
}

static void *table(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap", -errno);
	return p;
}

int main(int argc, char **argv)
{
	void *lib;
	int c;

	while ((c = getopt(argc, argv, "m:n:s:")) != -1) {
		if (c == 'm')
			b.bytes = strtoul(optarg, NULL, 10) * MIB / HUGE_BYTES * HUGE_BYTES;
		else if (c == 'n')
			b.repetitions = strtoul(optarg, NULL, 10);
		else if (c == 's')
			b.state = optarg;
		else
			return 2;
	}
	if (argc - optind != 1 || !b.bytes || !b.repetitions || b.repetitions > MOST)
		return 2;
	b.node = atoi(argv[optind]);
	b.arena = reserve(b.bytes);
	b.copy[0] = reserve(b.bytes);
	b.copy[1] = reserve(b.bytes);
	b.page = table(b.bytes / PAGE * sizeof(*b.page));
	b.to = table(b.bytes / PAGE * sizeof(*b.to));
	b.status = table(b.bytes / PAGE * sizeof(*b.status));
	lib = dlopen("libnuma.so.1", RTLD_NOW);
	if (lib)
		*(void **)&b.libnuma = dlsym(lib, "numa_move_pages");
	measure();
	print_rates();
	print_bests();
	if (b.state)
		print_svm();
	return 0;
}
