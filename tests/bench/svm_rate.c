/* SPDX-License-Identifier: MIT */
/*
 * svm_rate: how fast libgpumem moves memory to a device and back, beside a loop of bare ioctls over
 * the same pages in the same process. Runs where there is a device; prints tables.
 *
 *   svm_rate [-m MIB] [-n REPETITIONS] STATE-DIRECTORY
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kfd_ioctl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "agent/move.h"
#include "record.h"
#include "svm_cost.h"

#define WARMUP 2
#define COST_ROUNDS 5
#define MOST 100
#define LONG_NS 1000000000000ull /* more than any pass takes */

enum way { RAW, LIBRARY, AGENT, WAYS };
enum direction { IN, OUT, DIRECTIONS };
enum pages { SMALL, HUGE, PAGES };

static const char *const way_name[] = { "ioctl loop", "library", "agent" };
static const char *const direction_name[] = { "in", "out" };
static const char *const pages_name[] = { "4 KiB", "THP" };

static struct {
	struct gm_proc proc;
	int kfd; /* for the loop */
	char *arena;
	size_t bytes, repetitions;
	double ns[PAGES][DIRECTIONS][WAYS][MOST];
	uint64_t huge_bytes;
} b = { .bytes = 32ul << 20, .repetitions = 15 };

static void die(const char *what, int rc)
{
	fprintf(stderr, "svm_rate: %s: %s\n", what, strerror(-rc));
	exit(1);
}

/* ---- the ways ---------------------------------------------------------------------------- */

static void ioctl_loop(uint32_t to)
{
	struct {
		struct kfd_ioctl_svm_args args;
		struct kfd_ioctl_svm_attribute attr;
	} a;
	const unsigned long request = AMDKFD_IOC_SVM + (sizeof(a.attr) << _IOC_SIZESHIFT);

	for (size_t done = 0; done < b.bytes; done += GPUMEM_CHUNK_BYTES) {
		memset(&a, 0, sizeof(a));
		a.args.start_addr = (uintptr_t)b.arena + done;
		a.args.size = GPUMEM_CHUNK_BYTES;
		a.args.op = KFD_IOCTL_SVM_OP_SET_ATTR;
		a.args.nattr = 1;
		a.attr.type = KFD_IOCTL_SVM_ATTR_PREFETCH_LOC;
		a.attr.value = to;
		if (ioctl(b.kfd, request, &a) < 0)
			die("AMDKFD_IOC_SVM", -errno);
	}
}

static void library(enum direction direction)
{
	int rc = direction == IN ? gm_proc_prefetch(&b.proc, b.arena, b.bytes, 0, NULL) :
				   gm_proc_evict(&b.proc, b.arena, b.bytes, NULL);

	if (rc < 0)
		die(direction == IN ? "prefetch" : "evict", rc);
}

/* What the agent's thread does in one round, with time for all of it. */
static void agent(enum direction direction)
{
	_Atomic uint32_t *request = &b.proc.ledger.file->head.device[0].request;

	atomic_store(request, direction == IN ? GPUMEM_REQUEST_NONE : GPUMEM_REQUEST_EVICT);
	while (gm_proc_settle(&b.proc, LONG_NS))
		;
	if (direction == IN)
		while (!gm_proc_scan(&b.proc, LONG_NS, LONG_NS))
			;
}

static void move(enum way way, enum direction direction)
{
	switch (way) {
	case RAW:
		ioctl_loop(direction == IN ? b.proc.place.devices.device[0].id : GM_KFD_SYSMEM);
		break;
	case LIBRARY:
		library(direction);
		break;
	default:
		agent(direction);
	}
}

/* ---- the memory -------------------------------------------------------------------------- */

static uint64_t pattern(size_t page)
{
	return (page + 1) * 0x9e3779b97f4a7c15ull;
}

static uint64_t huge_bytes(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "re");
	unsigned long kib = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "AnonHugePages: %lu kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return (uint64_t)kib << 10;
}

/* New pages each time: what was on a device once comes back in small ones. */
static void arena_fill(enum pages pages)
{
	void *p = mmap(b.arena, b.bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED ||
	    madvise(p, b.bytes, pages == HUGE ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) < 0)
		die("mmap", -errno);
	for (size_t i = 0; i < b.bytes / gm_page_bytes(); i++)
		*(uint64_t *)(void *)(b.arena + i * gm_page_bytes()) = pattern(i);
	if (pages == HUGE)
		b.huge_bytes = huge_bytes();
	/* As if it were seen for the first time; evict() also told the agent to keep it out. */
	for (size_t i = 0; i < b.bytes / GPUMEM_CHUNK_BYTES; i++) {
		uint32_t id = gm_chunks_find(&b.proc.chunks,
					     (uintptr_t)b.arena / GPUMEM_CHUNK_BYTES + i);

		if (id == GM_NO_CHUNK)
			continue;
		gm_chunk_at(&b.proc.chunks, id)->flags &= (uint8_t)~GM_CHUNK_OUT;
		gm_chunk_at(&b.proc.chunks, id)->present_pages = 0;
	}
}

static void arena_check(enum direction direction)
{
	struct gpumem_residency r;
	int rc = gpumem_residency(b.arena, b.bytes, &r);

	if (rc < 0)
		die("residency", rc);
	if ((direction == IN ? r.device_bytes : r.host_bytes) != b.bytes) {
		fprintf(stderr, "svm_rate: %llu bytes on the device, %llu in system memory\n",
			(unsigned long long)r.device_bytes, (unsigned long long)r.host_bytes);
		exit(1);
	}
	for (size_t i = 0; direction == OUT && i < b.bytes / gm_page_bytes(); i++)
		if (*(uint64_t *)(void *)(b.arena + i * gm_page_bytes()) != pattern(i)) {
			fprintf(stderr, "svm_rate: page %zu changed\n", i);
			exit(1);
		}
}

/* ---- measuring --------------------------------------------------------------------------- */

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void once(enum pages pages, enum way way, double ns[DIRECTIONS])
{
	arena_fill(pages);
	for (enum direction d = IN; d < DIRECTIONS; d++) {
		double start = now_ns();

		move(way, d);
		ns[d] = now_ns() - start;
		arena_check(d);
	}
}

static void measure(void)
{
	for (size_t r = 0; r < WARMUP + b.repetitions; r++)
		for (size_t k = 0; k < PAGES * WAYS; k++) {
			/* The ways follow each other closely, and each is first in its turn. */
			enum pages pages = k / WAYS;
			enum way way = (k + r) % WAYS;
			double ns[DIRECTIONS];

			once(pages, way, ns);
			for (enum direction d = IN; r >= WARMUP && d < DIRECTIONS; d++)
				b.ns[pages][d][way][r - WARMUP] = ns[d];
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

/* The time of the loop over that of the way, for all of a repetition; then the median. */
static double ratio(enum way way)
{
	double ratios[MOST];

	for (size_t r = 0; r < b.repetitions; r++) {
		double loop = 0, other = 0;

		for (enum pages p = SMALL; p < PAGES; p++)
			for (enum direction d = IN; d < DIRECTIONS; d++) {
				loop += b.ns[p][d][RAW][r];
				other += b.ns[p][d][way][r];
			}
		ratios[r] = loop / other;
	}
	return median(ratios, b.repetitions);
}

static void print_rates(void)
{
	double chunks = (double)b.bytes / GPUMEM_CHUNK_BYTES;
	/* Before the medians below: they sort. */
	double library_ratio = ratio(LIBRARY), agent_ratio = ratio(AGENT);

	printf("%-6s %-4s %-12s %10s %12s %10s\n", "pages", "", "", "MB/s", "us/chunk", "of ioctl");
	for (enum pages p = SMALL; p < PAGES; p++)
		for (enum direction d = IN; d < DIRECTIONS; d++) {
			double raw = median(b.ns[p][d][RAW], b.repetitions);

			for (enum way w = RAW; w < WAYS; w++) {
				double ns = median(b.ns[p][d][w], b.repetitions);

				printf("%-6s %-4s %-12s %10.1f %12.1f %10.3f\n", pages_name[p],
				       direction_name[d], way_name[w], (double)b.bytes * 1e3 / ns,
				       ns / 1e3 / chunks, raw / ns);
			}
		}
	printf("\nall of it, median of the repetitions: ratio=%.3f agent_ratio=%.3f\n",
	       library_ratio, agent_ratio);
}

/* Further rounds with the clock read around each part; they do not count for the rates. */
static void print_costs(void)
{
	double chunks = (double)b.bytes / GPUMEM_CHUNK_BYTES * COST_ROUNDS;
	double all[WAYS] = { 0 }, ioctls[WAYS] = { 0 };

	printf("\nus/chunk of it:          ");
	for (int i = 0; i < SVM_COSTS; i++)
		printf(" %8s", svm_cost_name[i]);
	printf(" %8s\n", "rest");
	for (enum pages p = SMALL; p < PAGES; p++)
		for (enum way w = LIBRARY; w < WAYS; w++)
			for (enum direction d = IN; d < DIRECTIONS; d++) {
				double rest = 0;

				svm_cost_begin();
				for (int r = 0; r < COST_ROUNDS; r++) {
					double ns[DIRECTIONS];

					svm_cost_on(d == IN);
					arena_fill(p);
					ns[IN] = now_ns();
					move(w, IN);
					ns[IN] = now_ns() - ns[IN];
					svm_cost_on(d == OUT);
					ns[OUT] = now_ns();
					move(w, OUT);
					ns[OUT] = now_ns() - ns[OUT];
					rest += ns[d];
				}
				svm_cost_on(false);
				all[w] += rest;
				ioctls[w] += svm_cost_ns[SVM_COST_MOVE];
				printf("%-6s %-4s %-12s ", pages_name[p], direction_name[d],
				       way_name[w]);
				for (int i = 0; i < SVM_COSTS; i++) {
					printf(" %8.1f", svm_cost_ns[i] / 1e3 / chunks);
					rest -= svm_cost_ns[i];
				}
				printf(" %8.1f\n", rest / 1e3 / chunks);
			}
	printf("\nioctl within all of it: ratio_inside=%.3f agent_ratio_inside=%.3f\n",
	       ioctls[LIBRARY] / all[LIBRARY], ioctls[AGENT] / all[AGENT]);
}

/* ---- beginning --------------------------------------------------------------------------- */

static void attach(const char *state_dir)
{
	struct gpumem_error err = { 0 };
	struct gpumem_devices *devices;
	struct gpumem_ctx *ctx;
	struct bench_job job;
	int rc = gpumem_new(&ctx);

	if (rc == 0)
		rc = gpumem_discover(ctx, GPUMEM_DISCOVER_NO_HWLOC, &devices, &err);
	if (rc == 0)
		rc = bench_record(ctx, devices, state_dir, &job, &err);
	if (rc == 0)
		rc = gm_proc_attach(&b.proc, job.dir, job.plan, 0, &err);
	if (rc < 0) {
		fprintf(stderr, "svm_rate: %s\n", err.text);
		exit(1);
	}
	gpumem_devices_free(devices);
	gpumem_unref(ctx);
	rc = gm_proc_open(&b.proc);
	if (rc < 0)
		die("open", rc);
	/* The VMs are acquired: a further descriptor is as good as the library's own. */
	b.kfd = open("/dev/kfd", O_RDWR | O_CLOEXEC);
	if (b.kfd < 0)
		die("/dev/kfd", -errno);
}

/* The agent looks at all of the process and moves what it finds; here the arena alone. */
static void keep_the_rest(void)
{
	uint64_t first = (uintptr_t)b.arena / GPUMEM_CHUNK_BYTES;

	b.proc.admit_index = GM_PLACE_HOST;
	while (!gm_proc_scan(&b.proc, LONG_NS, LONG_NS))
		;
	for (uint32_t id = gm_chunks_next(&b.proc.chunks, GM_NO_CHUNK); id != GM_NO_CHUNK;
	     id = gm_chunks_next(&b.proc.chunks, id)) {
		uint64_t number = gm_chunk_number(&b.proc.chunks, id);

		if (number < first || number >= first + b.bytes / GPUMEM_CHUNK_BYTES)
			gm_chunk_at(&b.proc.chunks, id)->flags |= GM_CHUNK_OUT;
	}
}

int main(int argc, char **argv)
{
	cpu_set_t one;
	int c;

	while ((c = getopt(argc, argv, "m:n:")) != -1) {
		if (c == 'm')
			b.bytes = strtoul(optarg, NULL, 10) << 20;
		else if (c == 'n')
			b.repetitions = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (optind + 1 != argc || !b.bytes || b.bytes % GPUMEM_CHUNK_BYTES || !b.repetitions ||
	    b.repetitions > MOST)
		return 2;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	b.arena = mmap(NULL, b.bytes + 2 * GPUMEM_CHUNK_BYTES, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (b.arena == MAP_FAILED)
		die("mmap", -errno);
	b.arena += GPUMEM_CHUNK_BYTES - (uintptr_t)b.arena % GPUMEM_CHUNK_BYTES;
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	attach(argv[optind]);
	arena_fill(SMALL);
	keep_the_rest();
	measure();
	printf("%zu MiB, %zu repetitions, moved by %s, %llu MiB in huge pages under THP\n\n",
	       b.bytes >> 20, b.repetitions, gm_place_way(&b.proc.place),
	       (unsigned long long)b.huge_bytes >> 20);
	print_rates();
	print_costs();
	gm_proc_fini(&b.proc);
	return 0;
}
