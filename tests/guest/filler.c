/* SPDX-License-Identifier: MIT */
/*
 * filler: a job's program for the tests. Fills memory with a pattern, goes on writing it, and
 * answers questions by signals and files without any help of gpumem: it measures where its pages
 * are with its own mincore() and move_pages().
 *
 *   filler [-m MiB] [-t seconds] [-o file] [-s file] [-f] [-e] [-r] [-k]
 *   -o  write a line "pid=… device=… host=… absent=… errors=…" to file.PID every 100 ms, or as often as it can
 *   -s  end when this file exists, or when the seconds are over
 *   -f  fork a child that fills as much again of its own
 *   -e  exec itself anew after 2 s, without -e
 *   -r  fill, then only read
 *   -k  once nine tenths are on the device, fork a child that goes on reading the same pages, and wait to be killed
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

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static pid_t writer;

static uint64_t pattern(size_t page, uint64_t round)
{
	return (page * 0x9e3779b97f4a7c15ull) ^ (round << 1) ^ (uint64_t)writer << 40;
}

static int gpu_node = 1024; /* nodes from this one on are devices' memory */

struct where {
	size_t device, host, absent;
};

/* Resident and unknown to move_pages: on a device. Read first: Linux 6.1 does not show move_pages
 * a page that NUMA balancing has marked, until somebody touches it. */
static struct where measure(char *mem, size_t bytes)
{
	struct where w = { 0 };

	for (size_t off = 0; off < bytes; off += 512 * PAGE) {
		size_t n = (bytes - off) / PAGE < 512 ? (bytes - off) / PAGE : 512;
		unsigned char in[512];
		void *pages[512];
		int status[512];

		for (size_t i = 0; i < n; i++) {
			pages[i] = mem + off + i * PAGE;
			(void)*(volatile char *)pages[i];
		}
		if (mincore(mem + off, n * PAGE, in) < 0 ||
		    syscall(SYS_move_pages, 0, n, pages, NULL, status, 0) < 0)
			exit(3);
		for (size_t i = 0; i < n; i++)
			if (!(in[i] & 1))
				w.absent += PAGE;
			else if (status[i] == -ENOENT || status[i] >= gpu_node)
				w.device += PAGE;
			else
				w.host += PAGE;
	}
	return w;
}

static void report(const char *file, const char *role, struct where w, unsigned long errors,
		   uint64_t round, const char *mem, size_t bytes)
{
	char name[512], tmp[520];
	FILE *f;

	if (!file)
		return;
	snprintf(name, sizeof(name), "%s.%d", file, (int)getpid());
	snprintf(tmp, sizeof(tmp), "%s.new", name);
	f = fopen(tmp, "w");
	if (!f)
		return;
	fprintf(f,
		"pid=%d role=%s device=%zu host=%zu absent=%zu errors=%lu rounds=%llu start=%lx "
		"end=%lx\n",
		(int)getpid(), role, w.device, w.host, w.absent, errors, (unsigned long long)round,
		(unsigned long)mem, (unsigned long)mem + bytes);
	fclose(f);
	rename(tmp, name);
}

/* Returns in the child alone. */
static void leave_to_child(void)
{
	if (fork() != 0)
		for (;;)
			pause();
}

int main(int argc, char **argv)
{
	size_t bytes = 128ul << 20;
	double seconds = 10, end, next = 0;
	int forks = 0, execs = 0, reads = 0, killed = 0, c;
	const char *file = NULL, *stop = NULL, *role = getenv("FILLER_ROLE");
	unsigned long errors = 0;
	uint64_t round = 1, *word;
	pid_t child = 0;
	char *mem;

	if (getenv("GPUMEM_VM_FIRST_GPU_NODE"))
		gpu_node = atoi(getenv("GPUMEM_VM_FIRST_GPU_NODE"));
	while ((c = getopt(argc, argv, "m:t:o:s:ferk")) != -1) {
		if (c == 'm')
			bytes = strtoul(optarg, NULL, 10) << 20;
		else if (c == 't')
			seconds = atof(optarg);
		else if (c == 'o')
			file = optarg;
		else if (c == 's')
			stop = optarg;
		else if (c == 'f')
			forks = 1;
		else if (c == 'e')
			execs = 1;
		else if (c == 'r')
			reads = 1;
		else if (c == 'k')
			killed = 1;
		else
			return 2;
	}
	role = role ? role : "first";
	writer = getpid();
	end = now() + seconds;
	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return 3;
	for (size_t i = 0; i < bytes / PAGE; i++)
		for (size_t k = 0; k < PAGE / 8; k += 64)
			((uint64_t *)(mem + i * PAGE))[k] = pattern(i, round);
	if (forks) {
		child = fork();
		if (child == 0) {
			/* Its own pattern: every page is written, so every page becomes its own. */
			role = "child";
			writer = getpid();
			for (size_t i = 0; i < bytes / PAGE; i++)
				for (size_t k = 0; k < PAGE / 8; k += 64)
					((uint64_t *)(mem + i * PAGE))[k] = pattern(i, round);
		}
	}
	if (execs)
		end = now() + 2;
	while (now() < end && !(stop && access(stop, F_OK) == 0)) {
		double began = now();

		for (size_t i = 0; i < bytes / PAGE; i++) {
			for (size_t k = 0; k < PAGE / 8; k += 64) {
				word = &((uint64_t *)(mem + i * PAGE))[k];
				if (*word != pattern(i, round))
					errors++;
				if (!reads)
					*word = pattern(i, round + 1);
			}
		}
		if (!reads)
			round++;
		if (now() >= next) {
			struct where w = measure(mem, bytes);

			report(file, role, w, errors, round, mem, bytes);
			next = now() + 0.1;
			if (killed && w.device >= bytes / 10 * 9) {
				killed = 0;
				leave_to_child();
				role = "heir";
				reads = 1;
			}
		}
		/* Two thirds of the time are left to others. */
		usleep(20000 + (useconds_t)(2e6 * (now() - began)));
	}
	report(file, role, measure(mem, bytes), errors, round, mem, bytes);
	if (execs) {
		char m[32], t[32], flag[3][3] = { "-m", "-t", "-o" };
		char *args[] = { argv[0], flag[0], m, flag[1], t, flag[2], (char *)file, NULL };

		snprintf(m, sizeof(m), "%zu", bytes >> 20);
		snprintf(t, sizeof(t), "%f", seconds);
		setenv("FILLER_ROLE", "exec", 1);
		execv("/proc/self/exe", args);
		return 4;
	}
	if (child > 0) {
		int status;

		waitpid(child, &status, 0);
		errors += WIFEXITED(status) ? (unsigned long)WEXITSTATUS(status) : 1;
	}
	return errors ? 1 : 0;
}
