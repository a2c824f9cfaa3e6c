// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eight processes prefetch, fork, unmap, exec nothing and die at random for
 * some seconds; then every device must be empty again. Prints TAP.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "testlib.h"

#define WORKERS	8
#define MAPS	4

static unsigned int rnd(unsigned int n)
{
	return rand() % n;
}

/* What the worker knows of one mapping. */
struct mapping {
	char *mem;
	size_t size;
	unsigned int seed;
};

static void renew(struct mapping *m)
{
	if (m->mem)
		munmap(m->mem, m->size);
	m->size = (1 + rnd(24)) * MiB;
	m->mem = map(m->size);
	if (!rnd(4))
		madvise(m->mem, m->size, MADV_HUGEPAGE);
	m->seed = rand();
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
		set(kfd, m->mem + start, size, KFD_IOCTL_SVM_ATTR_GRANULARITY,
		    4 + rnd(6));
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
	unsigned int i;
	int kfd;

	srand(seed);
	kfd = kfd_ready();
	for (i = 0; i < MAPS; i++)
		renew(&maps[i]);
	for (;;) {
		struct mapping *m = &maps[rnd(MAPS)];

		switch (rnd(8)) {
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
				_exit(3);
			break;
		case 4:
			control("touch pid=%d dev=%u addr=0x%lx len=0x%lx write=1",
				getpid(), rnd(n_gpus), (unsigned long)m->mem,
				(unsigned long)m->size / 2);
			break;
		default:
			move_piece(kfd, m);
		}
	}
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 10, status;
	unsigned int i, seed = 1, kills = 0, corrupt = 0;
	time_t end = time(NULL) + seconds;
	pid_t pids[WORKERS] = {};
	long moved = 0;

	setup(argv[0]);
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
	ok(at_baseline(), "all devices are empty again");
	plan();
	return failures() ? 1 : 0;
}
