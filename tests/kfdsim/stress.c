// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eight processes prefetch, fork, unmap and are killed at random for some
 * seconds; then every device must be empty again. Prints TAP.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "testlib.h"

#define WORKERS 8
#define MAPS 4

/*
 * A state for each thread: rand() takes a lock, and a child forked while the second thread of its parent had it
 * would wait for it for ever.
 */
static __thread unsigned int rnd_state = 1;

static unsigned int rnd(unsigned int n)
{
	return rand_r(&rnd_state) % n;
}

/* What the worker knows of one mapping. */
struct mapping {
	char *mem;
	size_t size;
	unsigned int seed;
};

static bool intact_page(const char *mem, size_t at, unsigned int seed)
{
	return intact(mem + at, PAGE, at * 2654435761u + seed);
}

static void renew(struct mapping *m)
{
	if (m->mem)
		munmap(m->mem, m->size);
	m->size = (1 + rnd(24)) * MiB;
	m->mem = map(m->size);
	if (!rnd(4))
		madvise(m->mem, m->size, MADV_HUGEPAGE);
	m->seed = rand_r(&rnd_state);
	fill(m->mem, m->size, m->seed);
}

/* A piece of the mapping, whole pages. */
static void move_piece(int kfd, struct mapping *m)
{
	size_t start = rnd(m->size / PAGE) * PAGE;
	size_t size = (1 + rnd((m->size - start) / PAGE)) * PAGE;
	uint32_t to = rnd(3) ? gpus[rnd(n_gpus)].id : SYSMEM;

	if (rnd(2)) {
		start = 0;
		size = m->size;
	}
	prefetch(kfd, m->mem + start, size, to);
	if (!rnd(6))
		set(kfd, m->mem + start, size, KFD_IOCTL_SVM_ATTR_GRANULARITY, 4 + rnd(6));
	if (!rnd(6))
		set(kfd, m->mem + start, size, KFD_IOCTL_SVM_ATTR_ACCESS + rnd(3),
		    gpus[rnd(n_gpus)].id);
}

/* Say what was found where something else was written, and give up. */
static void lament(const struct mapping *m)
{
	size_t i, bad = 0, first = m->size;
	uint32_t want, got;

	for (i = 0; i < m->size; i += PAGE)
		if (!intact_page(m->mem, i, m->seed)) {
			bad++;
			first = first < i ? first : i;
		}
	memcpy(&got, m->mem + first, sizeof(got));
	want = first * 2654435761u + m->seed;
	note("%zu of %zu pages lost; first at 0x%zx: want %x, have %x (%s, %zu on devices)", bad,
	     m->size / PAGE, first, want, got,
	     got == (uint32_t)(first * 2654435761u + 1) ? "of the child"
	     : got					? "something else"
							: "zero",
	     on_device(m->mem + first, PAGE));
	_exit(3);
}

#define BATTLE (8 * MiB)

static char *battleground;

/* A second thread changes the mapping that the first one prefetches. */
static void *change_mapping(void *seed)
{
	char *mem = battleground;

	rnd_state = ~*(unsigned int *)seed;
	for (;;) {
		size_t start = rnd(BATTLE / PAGE) * PAGE;
		size_t size = (1 + rnd((BATTLE - start) / PAGE)) * PAGE;

		switch (rnd(6)) {
		case 0:
			munmap(mem + start, size);
			break;
		case 1:
			madvise(mem + start, size, MADV_DONTNEED);
			break;
		case 2:
			mprotect(mem + start, size, rnd(2) ? PROT_NONE : PROT_READ);
			break;
		case 3:
			mremap(mem + start, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
			       mem + BATTLE + start);
			break;
		default:
			mmap(mem + start, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | (rnd(2) ? MAP_POPULATE : 0),
			     -1, 0);
		}
		usleep(rnd(2000));
	}
	return NULL;
}

static void child_work(struct mapping *m)
{
	unsigned int i;

	/* Copy-on-write of device pages, then an own VM now and then. */
	fill(m->mem, m->size / 2, 1);
	if (rnd(2)) {
		int kfd = kfd_ready();

		for (i = 0; i < 4; i++)
			move_piece(kfd, m);
	}
	_exit(0);
}

static void worker(unsigned int seed)
{
	struct mapping maps[MAPS] = {};
	pthread_t thread;
	unsigned int i;
	int kfd;

	rnd_state = seed;
	kfd = kfd_ready();
	if (rnd(2))
		xnack(kfd, 0);
	/*
	 * Far from where mmap() looks first: it must not put other mappings
	 * into the holes that the second thread makes.
	 */
	battleground = mmap((void *)(1UL << 40), 2 * BATTLE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	pthread_create(&thread, NULL, change_mapping, &seed);
	for (i = 0; i < MAPS; i++)
		renew(&maps[i]);
	for (;;) {
		struct mapping *m = &maps[rnd(MAPS)];

		switch (rnd(9)) {
		case 0:
			renew(m);
			break;
		case 1:
			if (!fork())
				child_work(m);
			break;
		case 2:
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
			break;
		case 3:
			if (!intact(m->mem, m->size, m->seed))
				lament(m);
			break;
		case 4:
			control("touch pid=%d dev=%u addr=0x%lx len=0x%lx write=1", getpid(),
				rnd(n_gpus), (unsigned long)m->mem, (unsigned long)m->size / 2);
			break;
		case 5:
			prefetch(kfd, battleground, rnd(2) ? BATTLE : 2 * BATTLE,
				 rnd(3) ? gpus[rnd(n_gpus)].id : SYSMEM);
			break;
		default:
			move_piece(kfd, m);
		}
	}
}

/*
 * Wait for those whose parents were killed. A process that hangs says so here, and not as pages on a device that
 * nobody seems to have.
 */
static bool all_ended(void)
{
	unsigned int tries;
	pid_t pid = 0;

	for (tries = 0; tries < 600 && !pid; tries++) {
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (!pid)
			usleep(100000);
	}
	return pid < 0;
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 10, status;
	unsigned int i, seed = 1, kills = 0, corrupt = 0;
	time_t end = time(NULL) + seconds;
	pid_t pids[WORKERS] = {};
	long moved = 0;

	setup(argv[0]);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (i = 0; i < n_gpus; i++)
		moved -= state(i, "migrated_in");
	while (time(NULL) < end) {
		for (i = 0; i < WORKERS; i++) {
			if (pids[i])
				continue;
			pids[i] = fork();
			if (!pids[i])
				worker(seed);
			seed++;
		}
		usleep(20000 + rnd(300000));
		if (!rnd(4))
			control("shrink dev=%u bytes=%luM", rnd(n_gpus),
				(unsigned long)rnd(gpus[0].bytes / MiB));
		else if (!rnd(3))
			control("refill dev=%u", rnd(n_gpus));
		i = rnd(WORKERS);
		kill(pids[i], SIGKILL);
		waitpid(pids[i], &status, 0);
		corrupt += WIFEXITED(status) && WEXITSTATUS(status) == 3;
		pids[i] = 0;
		kills++;
	}
	for (i = 0; i < WORKERS; i++) {
		if (!pids[i])
			continue;
		kill(pids[i], SIGKILL);
		waitpid(pids[i], &status, 0);
		corrupt += WIFEXITED(status) && WEXITSTATUS(status) == 3;
	}
	for (i = 0; i < n_gpus; i++) {
		control("refill dev=%u", i);
		moved += state(i, "migrated_in");
	}
	note("%u killed, %ld pages migrated to devices", kills, moved);
	ok(!corrupt, "no data was lost");
	ok(moved > 0, "there was something to lose");
	ok(all_ended(), "every forked child comes to its end");
	ok(at_baseline(), "all devices are empty again");
	plan();
	return failures() ? 1 : 0;
}
