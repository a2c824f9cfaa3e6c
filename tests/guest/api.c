/* SPDX-License-Identifier: MIT */
/*
 * api: the library's calls on the own process, against the test device. Prints TAP.
 *   api [limit in MiB]  the job's limit, where there is a job
 *   api busy            an agent moves the same memory meanwhile: it may be there before it is pinned
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpumem.h"

#define MIB (1ul << 20)
#define PAGE 4096ul

static int count, failed;
static struct gpumem_ctx *ctx;
static struct gpumem_process *self;
static struct gpumem_error err;

static void check(int good, const char *what, long long expected, long long seen)
{
	count++;
	printf("%sok %d - %s\n", good ? "" : "not ", count, what);
	if (good)
		return;
	failed++;
	printf("# expected %lld, saw %lld (%s)\n", expected, seen, err.text);
}

static void is(const char *what, long long expected, long long seen)
{
	check(expected == seen, what, expected, seen);
}

static char *filled(size_t len)
{
	char *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* To a node a huge page moves whole; here parts are asked for. */
	if (mem != MAP_FAILED && getenv("GPUMEM_TEST_KIND") && strcmp(getenv("GPUMEM_TEST_KIND"), "numa") == 0)
		madvise(mem, len, MADV_NOHUGEPAGE);

	if (mem == MAP_FAILED)
		exit(3);
	for (size_t i = 0; i < len; i++)
		mem[i] = (char)(i * 31 >> 7);
	return mem;
}

static long long wrong_bytes(const char *mem, size_t len)
{
	long long wrong = 0;

	for (size_t i = 0; i < len; i++)
		wrong += mem[i] != (char)(i * 31 >> 7);
	return wrong;
}

static struct gpumem_residency where(const void *mem, size_t len)
{
	struct gpumem_residency r = { 0 };

	is("residency can be measured", 0, gpumem_residency(mem, len, &r));
	return r;
}

static void there_and_back(bool several)
{
	char *mem = filled(8 * MIB);
	uint64_t bytes = 1;

	is("prefetch", 0, gpumem_prefetch(self, mem, 8 * MIB, 0, &bytes, &err));
	is("prefetch: measured bytes", 8 * MIB, (long long)bytes);
	is("prefetch: an own look agrees", 8 * MIB, (long long)where(mem, 8 * MIB).device_bytes);
	is("prefetch: the data is intact", 0, wrong_bytes(mem, 8 * MIB));
	is("reading moves nothing", 8 * MIB, (long long)where(mem, 8 * MIB).device_bytes);
	is("prefetch again", 0, gpumem_prefetch(self, mem, 8 * MIB, 0, &bytes, &err));
	is("evict a part", 0, gpumem_evict(self, mem + 2 * MIB, 3 * MIB, &bytes, &err));
	is("evict a part: none of it is left", 0, (long long)bytes);
	is("evict a part: the rest stays", 5 * MIB, (long long)where(mem, 8 * MIB).device_bytes);
	is("evict all", 0, gpumem_evict(self, mem, 8 * MIB, &bytes, &err));
	is("evict all: all is home", 8 * MIB, (long long)where(mem, 8 * MIB).host_bytes);
	is("evict all: the data is intact", 0, wrong_bytes(mem, 8 * MIB));
	if (several) {
		is("prefetch to the first device", 0,
		   gpumem_prefetch(self, mem, 2 * MIB, 0, &bytes, &err));
		is("the other device has to wait until it is evicted", -EBUSY,
		   gpumem_prefetch(self, mem, 2 * MIB, 1, &bytes, &err));
		is("evict", 0, gpumem_evict(self, mem, 2 * MIB, &bytes, &err));
		is("and goes there then", 0,
		   gpumem_prefetch(self, mem, 2 * MIB, 1, &bytes, &err));
		is("and back", 0, gpumem_evict(self, mem, 2 * MIB, &bytes, &err));
	}
	munmap(mem, 8 * MIB);
}

static void odd_ranges(void)
{
	char *mem = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t bytes;

	mem[0] = 1;
	mem[PAGE] = 2;
	mem[100 * PAGE] = 3;
	is("holes: prefetch", 0, gpumem_prefetch(self, mem, 4 * MIB, 0, &bytes, &err));
	is("holes: they are not filled", 4 * MIB - where(mem, 4 * MIB).absent_bytes,
	   (long long)bytes);
	check(bytes >= 3 * PAGE, "holes: what was there has moved", 3 * PAGE, (long long)bytes);
	check(mem[0] == 1 && mem[PAGE] == 2 && mem[100 * PAGE] == 3, "holes: the data is intact", 1,
	      0);
	munmap(mem, 4 * MIB);

	mem = filled(64 * PAGE);
	is("a small range in the middle of a chunk", 0,
	   gpumem_prefetch(self, mem + 5 * PAGE, 7 * PAGE, 0, &bytes, &err));
	is("a small range: exactly that", 7 * PAGE, (long long)where(mem, 64 * PAGE).device_bytes);
	munmap(mem, 64 * PAGE);

	mem = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(mem, 1, MIB);
	is("shared memory: no error", 0, gpumem_prefetch(self, mem, MIB, 0, &bytes, &err));
	is("shared memory: it stays", 0, (long long)bytes);
	munmap(mem, MIB);
}

static void bad_arguments(void)
{
	char *mem = filled(MIB);

	is("unaligned address", -EINVAL, gpumem_prefetch(self, mem + 1, PAGE, 0, NULL, &err));
	is("unaligned length", -EINVAL, gpumem_evict(self, mem, 100, NULL, &err));
	is("no length", -EINVAL, gpumem_prefetch(self, mem, 0, 0, NULL, &err));
	is("no such device", -ENODEV,
	   gpumem_prefetch(self, mem, PAGE, gpumem_process_device_count(self), NULL, &err));
	is("unknown advice", -EINVAL,
	   gpumem_advise(self, mem, PAGE, (enum gpumem_advice)99, 0, &err));
	is("residency of an unaligned range", -EINVAL,
	   gpumem_residency(mem + 1, PAGE, &(struct gpumem_residency){ 0 }));
	munmap(mem, MIB);
	is("residency of a hole", -ENOMEM,
	   gpumem_residency(mem, MIB, &(struct gpumem_residency){ 0 }));
}

/* Pages that somebody holds do not move; the data stays where it is. */
static void pinned_pages(void)
{
	char *mem = filled(2 * MIB);
	struct iovec iov = { mem, 4 * PAGE };
	uint64_t bytes = 0;
	int fds[2];

	if (pipe(fds) < 0 || vmsplice(fds[1], &iov, 1, 0) != (ssize_t)(4 * PAGE))
		exit(3);
	is("pinned pages: EBUSY", -EBUSY, gpumem_prefetch(self, mem, 2 * MIB, 0, &bytes, &err));
	check(bytes < 2 * MIB, "pinned pages: they stayed", 2 * MIB - 4 * PAGE, (long long)bytes);
	is("pinned pages: the data is intact", 0, wrong_bytes(mem, 2 * MIB));
	close(fds[0]);
	close(fds[1]);
	munmap(mem, 2 * MIB);
}

static void advice(bool busy)
{
	char *mem = filled(4 * MIB);

	is("advise DEVICE", 0, gpumem_advise(self, mem, 4 * MIB, GPUMEM_ADVISE_DEVICE, 0, &err));
	if (!busy)
		is("advise moves nothing", 0, (long long)where(mem, 4 * MIB).device_bytes);
	is("advise HOST", 0, gpumem_advise(self, mem, 4 * MIB, GPUMEM_ADVISE_HOST, 0, &err));
	is("advise NONE", 0, gpumem_advise(self, mem, 4 * MIB, GPUMEM_ADVISE_NONE, 0, &err));
	is("advise KEEP_OUT", 0, gpumem_advise(self, mem, 4 * MIB, GPUMEM_ADVISE_KEEP_OUT, 0, &err));
	munmap(mem, 4 * MIB);
}

static void in_a_child(void)
{
	char *mem = filled(2 * MIB);
	uint64_t bytes;
	int status;
	pid_t pid;

	is("before fork: prefetch", 0, gpumem_prefetch(self, mem, 2 * MIB, 0, &bytes, &err));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct gpumem_process *own;
		char *more = filled(2 * MIB);
		int bad = gpumem_attach(ctx, &own, &err) != 0 ||
			  gpumem_prefetch(own, more, 2 * MIB, 0, &bytes, &err) != 0 ||
			  bytes != 2 * MIB || wrong_bytes(mem, 2 * MIB) != 0;

		if (bad)
			fprintf(stderr, "# child: %s\n", err.text);
		mem[0] ^= 1; /* a page of its own from now on */
		_exit(bad);
	}
	waitpid(pid, &status, 0);
	is("a forked child moves memory of its own", 0, status);
	is("the parent's data is intact", 0, wrong_bytes(mem, 2 * MIB));
	is("the parent goes on", 0, gpumem_evict(self, mem, 2 * MIB, &bytes, &err));
	munmap(mem, 2 * MIB);
}

static void *mover(void *mem)
{
	for (int i = 0; i < 10; i++)
		if (gpumem_prefetch(self, mem, 2 * MIB, 0, NULL, NULL) < 0 ||
		    gpumem_evict(self, mem, 2 * MIB, NULL, NULL) < 0)
			return mem;
	return NULL;
}

static void in_threads(void)
{
	pthread_t thread[4];
	char *mem[4];
	void *bad;

	for (int i = 0; i < 4; i++) {
		mem[i] = filled(2 * MIB);
		pthread_create(&thread[i], NULL, mover, mem[i]);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], &bad);
		is("a thread among four moves its own", 0, bad != NULL);
		is("its data is intact", 0, wrong_bytes(mem[i], 2 * MIB));
		munmap(mem[i], 2 * MIB);
	}
}

static void limited(size_t limit)
{
	size_t len = limit + 16 * MIB;
	char *mem = filled(len);
	uint64_t bytes;

	is("over the limit: EDQUOT", -EDQUOT, gpumem_prefetch(self, mem, len, 0, &bytes, &err));
	check(bytes <= limit && bytes > limit - 2 * MIB, "over the limit: what fits has moved",
	      (long long)limit, (long long)bytes);
	is("over the limit: the data is intact", 0, wrong_bytes(mem, len));
	is("over the limit: evict", 0, gpumem_evict(self, mem, len, &bytes, &err));
	munmap(mem, len);
}

int main(int argc, char **argv)
{
	bool busy = argc > 1 && !strcmp(argv[1], "busy");
	struct gpumem_process *again;

	if (gpumem_new(&ctx) < 0)
		return 3;
	is("attach", 0, gpumem_attach(ctx, &self, &err));
	if (failed)
		return 1;
	is("attach twice gives the same", 0,
	   gpumem_attach(ctx, &again, &err) || again != self);
	gpumem_detach(again);
	check(gpumem_process_device_count(self) > 0, "there are devices", 1, 0);
	check(gpumem_process_device_own(self) < gpumem_process_device_count(self), "one of them is its own",
	      (long long)gpumem_process_device_count(self) - 1, (long long)gpumem_process_device_own(self));
	/* A job's devices are not all this task's. */
	there_and_back(argc == 1 && gpumem_process_device_count(self) > 1);
	odd_ranges();
	bad_arguments();
	if (!busy)
		pinned_pages();
	advice(busy);
	in_a_child();
	in_threads();
	if (argc > 1 && !busy)
		limited(strtoul(argv[1], NULL, 10) * MIB);
	gpumem_detach(self);
	gpumem_unref(ctx);
	printf("1..%d\n", count);
	return failed != 0;
}
