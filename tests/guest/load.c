/* SPDX-License-Identifier: MIT */
/*
 * load: programs of known behaviour for the tests of the manager. All of them check every word they
 * read, and end with 3 when one was wrong.
 *
 *   load hot -m MiB -S seconds -t seconds -s file -o file
 *        writes one half of its memory all the time, the other half after every -S seconds; in the last two
 *        fifths of each turn it measures how much of the half in use is on a device. Writes
 *        "device=… touched=…" (sampled pages) to the file of -o at the end.
 *   load sweep -m MiB -d milliseconds -t seconds -s file -o file
 *        writes chunk after chunk, with a pause after each; "touches=…"
 *   load storm -t seconds -r seed
 *        maps, writes, protects, unmaps, forks and executes itself at random
 *   load grow -m MiB -t seconds -s file -f file -o file
 *        grows to as many MiB as the file of -f says; writes "mib=… device=… host=…" (sampled pages) to that of -o
 *   load rate -f file -t seconds
 *        reads a counter of pages 50 times a second; prints "least=… most=… mean=…" bytes per second over any
 *        whole second between the first move and 95 % of all
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul
#define CHUNK (2ul << 20)

static struct {
	size_t bytes;
	double seconds, shift;
	long dwell_ms;
	unsigned seed;
	const char *stop, *out, *file;
} opt = { .bytes = 32ul << 20, .seconds = 10, .shift = 5, .dwell_ms = 50 };

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void nap_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

static int goes_on(double end)
{
	return now() < end && !(opt.stop && access(opt.stop, F_OK) == 0);
}

static char *map(size_t bytes)
{
	char *p = mmap(NULL, bytes + CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	if (p == MAP_FAILED)
		exit(2);
	/* On an edge of chunks, so that a half is whole chunks. */
	return (char *)(((uintptr_t)p + CHUNK - 1) / CHUNK * CHUNK);
}

/* Each page's word counts how often it was written. */
static void touch(char *mem, size_t from, size_t to, uint32_t *count)
{
	for (size_t off = from; off < to; off += PAGE) {
		uint64_t *word = (uint64_t *)(void *)(mem + off + off / PAGE % 512 * 8);
		uint32_t *n = &count[off / PAGE];

		if (*word != (*n ? (off << 32 | *n) : 0)) {
			fprintf(stderr, "load: %p: %llx where %u was written\n", (void *)word,
				(unsigned long long)*word, *n);
			exit(3);
		}
		*word = off << 32 | ++*n;
	}
}

static int gpu_node = 1024; /* nodes from this one on are devices' memory */

/* Of every 16th page of a range: how many are on a device. */
static size_t on_device(char *mem, size_t from, size_t to, size_t *ret_asked)
{
	size_t device = 0, asked = 0;

	for (size_t off = from; off < to; off += CHUNK) {
		void *pages[32];
		int status[32];
		size_t n = 0;

		for (size_t k = 0; k < 32 && off + k * 16 * PAGE < to; k++)
			pages[n++] = mem + off + k * 16 * PAGE;
		if (syscall(SYS_move_pages, 0, n, pages, NULL, status, 0) < 0)
			exit(2);
		for (size_t k = 0; k < n; k++)
			device += status[k] == -ENOENT || status[k] >= gpu_node;
		asked += n;
	}
	*ret_asked += asked;
	return device;
}

static void say(const char *name1, size_t value1, const char *name2, size_t value2)
{
	char path[512];
	FILE *f;

	if (!opt.out)
		return;
	snprintf(path, sizeof(path), "%s.%d", opt.out, (int)getpid());
	f = fopen(path, "w");
	if (!f)
		exit(2);
	fprintf(f, "%s=%zu %s=%zu\n", name1, value1, name2, value2);
	fclose(f);
}

static int hot(void)
{
	uint32_t *count = calloc(opt.bytes / PAGE, sizeof(*count));
	double begin, end, next = 0;
	size_t device = 0, touched = 0, half = opt.bytes / 2 / CHUNK * CHUNK;
	char *mem = map(opt.bytes);

	touch(mem, 0, opt.bytes, count);
	begin = now();
	end = begin + opt.seconds;
	while (goes_on(end)) {
		double t = now() - begin, turn = t / opt.shift;
		size_t from = (unsigned)turn % 2 ? half : 0;

		touch(mem, from, from + half, count);
		/* The first turn finds what came first in place, hot or not. */
		if (turn >= 1 && turn - (unsigned)turn > 0.6 && now() > next) {
			device += on_device(mem, from, from + half, &touched);
			next = now() + 0.25;
		}
		nap_ms(20);
	}
	touch(mem, 0, opt.bytes, count);
	say("device", device, "touched", touched);
	return 0;
}

static int sweep(void)
{
	uint32_t *count = calloc(opt.bytes / PAGE, sizeof(*count));
	size_t touches = 0, device = 0, asked = 0;
	char *mem = map(opt.bytes);
	double end;

	touch(mem, 0, opt.bytes, count);
	end = now() + opt.seconds;
	for (size_t off = 0; goes_on(end); off = (off + CHUNK) % opt.bytes) {
		device += on_device(mem, off, off + PAGE, &asked);
		touch(mem, off, off + CHUNK, count);
		touches++;
		nap_ms(opt.dwell_ms);
	}
	say("touches", touches, "hits", device);
	return 0;
}

/* ---- storm */

#define SPOTS 8

static struct spot {
	char *mem;
	size_t bytes;
	uint32_t *count;
	int closed;
} spot[SPOTS];

static void spot_open(struct spot *s)
{
	s->bytes = (1 + (size_t)random() % 6) * CHUNK / 2;
	s->mem = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	s->count = calloc(s->bytes / PAGE, sizeof(*s->count));
	if (s->mem == MAP_FAILED || !s->count)
		exit(2);
	s->closed = 0;
}

static void spot_act(struct spot *s)
{
	size_t from = (size_t)random() % (s->bytes / PAGE) * PAGE;

	switch (random() % 64) {
	case 0:
		munmap(s->mem, s->bytes);
		free(s->count);
		spot_open(s);
		break;
	case 1:
	case 2:
	case 3:
		if (mprotect(s->mem, s->bytes, s->closed ? PROT_READ | PROT_WRITE : PROT_READ) < 0)
			exit(2);
		s->closed = !s->closed;
		break;
	case 4:
		if (s->closed || madvise(s->mem + from, s->bytes - from, MADV_DONTNEED) < 0)
			break;
		memset(s->count + from / PAGE, 0, (s->bytes - from) / PAGE * sizeof(*s->count));
		break;
	default:
		if (!s->closed)
			touch(s->mem, from, s->bytes, s->count);
	}
}

static void everything_right(void)
{
	for (size_t i = 0; i < SPOTS; i++) {
		if (spot[i].closed)
			mprotect(spot[i].mem, spot[i].bytes, PROT_READ | PROT_WRITE);
		spot[i].closed = 0;
		touch(spot[i].mem, 0, spot[i].bytes, spot[i].count);
	}
}

static int storm(char **argv, double end)
{
	char left[32], seed[32];

	srandom(opt.seed);
	for (size_t i = 0; i < SPOTS; i++)
		spot_open(&spot[i]);
	while (now() < end) {
		double began = now();
		int status = 0;
		pid_t pid;

		for (int i = 0; i < 20; i++)
			spot_act(&spot[random() % SPOTS]);
		/* Sixteen without a pause would leave their agents nothing of two emulated CPUs. */
		nap_ms(random() % 30 + (long)(5000 * (now() - began)));
		if (random() % 12 == 0) {
			pid = fork();
			if (pid == 0) {
				for (int i = 0; i < 30; i++)
					spot_act(&spot[random() % SPOTS]);
				everything_right();
				_exit(0);
			}
			if (pid > 0 && (waitpid(pid, &status, 0) != pid ||
					(WIFEXITED(status) && WEXITSTATUS(status))))
				return 3;
		}
		if (random() % 200 == 0) {
			everything_right();
			snprintf(left, sizeof(left), "%.1f", end - now());
			snprintf(seed, sizeof(seed), "%u", opt.seed * 31 + 7);
			execl("/proc/self/exe", argv[0], "storm", "-t", left, "-r", seed,
			      (char *)NULL);
			return 2;
		}
	}
	everything_right();
	return 0;
}

/* ---- grow */

/* How far to grow, as the file says. */
static size_t step(void)
{
	unsigned long mib = 0;
	FILE *f = fopen(opt.file, "r");

	if (f) {
		if (fscanf(f, "%lu", &mib) != 1)
			mib = 0;
		fclose(f);
	}
	return mib << 20 < opt.bytes ? mib << 20 : opt.bytes;
}

static void tell(char *mem, size_t has)
{
	char tmp[520];
	size_t asked = 0, device = on_device(mem, 0, has, &asked);
	FILE *f;

	snprintf(tmp, sizeof(tmp), "%s.new", opt.out);
	f = fopen(tmp, "w");
	if (!f)
		exit(2);
	fprintf(f, "mib=%zu device=%zu host=%zu\n", has >> 20, device, asked - device);
	fclose(f);
	rename(tmp, opt.out);
}

static int grow(double end)
{
	char *mem = map(opt.bytes);
	size_t has = 0;

	while (goes_on(end)) {
		size_t to = step();

		for (; has < to; has += PAGE)
			*(uint64_t *)(void *)(mem + has) = has + 1;
		tell(mem, has);
		nap_ms(150);
	}
	for (size_t off = 0; off < has; off += PAGE)
		if (*(uint64_t *)(void *)(mem + off) != off + 1)
			return 3;
	return 0;
}

/* ---- rate */

#define SAMPLES 10000

static int rate(void)
{
	static double before[SAMPLES], after[SAMPLES], bytes[SAMPLES];
	double least = 1e18, most = 0, mean = 0, end = now() + opt.seconds;
	size_t n = 0;

	while (n < SAMPLES && goes_on(end)) {
		unsigned long long pages = 0;
		FILE *f;

		/* Somebody else may have the CPU around the read: what is told is what holds whenever it was. */
		before[n] = now();
		f = fopen(opt.file, "r");
		if (!f || fscanf(f, "%llu", &pages) != 1)
			return 2;
		fclose(f);
		after[n] = now();
		bytes[n++] = (double)pages * (double)PAGE;
		nap_ms(20);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++) {
			double moved = bytes[k] - bytes[i], fast, slow;

			if (before[k] - after[i] < 1)
				continue;
			/* Neither before the first move nor among the stragglers at the end. */
			if (bytes[i] > bytes[0] && bytes[k] < 0.95 * bytes[n - 1]) {
				fast = moved / (before[k] - after[i]);
				slow = moved / (after[k] - before[i]);
				least = fast < least ? fast : least;
				most = slow > most ? slow : most;
			}
			break;
		}
	for (size_t i = 0; i + 1 < n; i++)
		if (bytes[i] == bytes[0] && bytes[i + 1] > bytes[0])
			for (size_t k = i + 1; k < n && bytes[k] < 0.95 * bytes[n - 1]; k++)
				mean = (bytes[k] - bytes[i]) / (after[k] - after[i]);
	printf("least=%.0f most=%.0f mean=%.0f\n", most > 0 ? least : 0, most, mean);
	return 0;
}

int main(int argc, char **argv)
{
	int c;

	if (argc < 2)
		return 2;
	if (getenv("GPUMEM_VM_FIRST_GPU_NODE"))
		gpu_node = atoi(getenv("GPUMEM_VM_FIRST_GPU_NODE"));
	optind = 2;
	while ((c = getopt(argc, argv, "m:t:S:d:r:s:o:f:")) != -1) {
		switch (c) {
		case 'm': opt.bytes = strtoul(optarg, NULL, 10) << 20; break;
		case 't': opt.seconds = atof(optarg); break;
		case 'S': opt.shift = atof(optarg); break;
		case 'd': opt.dwell_ms = atol(optarg); break;
		case 'r': opt.seed = (unsigned)strtoul(optarg, NULL, 10); break;
		case 's': opt.stop = optarg; break;
		case 'o': opt.out = optarg; break;
		case 'f': opt.file = optarg; break;
		default: return 2;
		}
	}
	if (strcmp(argv[1], "hot") == 0)
		return hot();
	if (strcmp(argv[1], "sweep") == 0)
		return sweep();
	if (strcmp(argv[1], "storm") == 0)
		return storm(argv, now() + opt.seconds);
	if (strcmp(argv[1], "grow") == 0)
		return opt.file && opt.out ? grow(now() + opt.seconds) : 2;
	return strcmp(argv[1], "rate") == 0 ? rate() : 2;
}
