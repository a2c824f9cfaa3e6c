// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes: fork, exec, kill, unmap; nothing may be left behind.
 */
#define _GNU_SOURCE
#include "testlib.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int version(int kfd)
{
	struct kfd_ioctl_get_version_args args;

	return call(kfd, AMDKFD_IOC_GET_VERSION, &args);
}

static bool proc_dir(pid_t pid)
{
	return read_number("/sys/class/kfd/kfd/proc/%d/pasid", pid) > 0;
}

static int wait_for(pid_t pid)
{
	int status = 0;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void group_process(void)
{
	int kfd = kfd_ready(), second;
	char *mem = map_filled(2 * MiB);
	pid_t pid;

	ok(proc_dir(getpid()), "proc/<pid> is there");
	ok(read_number("/sys/class/kfd/kfd/proc/%d/sdma_%u", getpid(), gpus[0].id) == 0,
	   "sdma_<gpuid> is there");
	second = kfd_open();
	ok(!prefetch(second, mem, 2 * MiB, gpus[0].id),
	   "a second open shares the process and its VM");
	pid = fork();
	if (!pid) {
		int own;

		ok(version(kfd) == -EBADF, "child: inherited fd: EBADF");
		own = kfd_open();
		ok(own >= 0 && !version(own), "child: its own open works");
		ok(prefetch(own, mem, 2 * MiB, SYSMEM) == -EINVAL, "child: has no VM yet: EINVAL");
		ok(get(own, mem, PAGE, KFD_IOCTL_SVM_ATTR_PREFETCH_LOC) == UNDEFINED,
		   "child: has no ranges");
		ok(!acquire(own, 0), "child: acquires its own VM");
		ok(proc_dir(getpid()), "child: has its own directory");
		_exit(0);
	}
	ok(!wait_for(pid), "child ended");
	ok(!version(kfd), "parent: goes on");
	close(kfd);
	close(second);
	ok(proc_dir(getpid()) && on_device(mem, 2 * MiB) == 512,
	   "closing the files changes nothing");
	kfd = kfd_open();
	ok(get(kfd, mem, 2 * MiB, KFD_IOCTL_SVM_ATTR_PREFETCH_LOC) == gpus[0].id,
	   "the ranges are still known");
}

int exec_child(int fd)
{
	/* The driver would crash; kfdsim says EBADF. */
	int r = version(fd), own = kfd_open();

	return r == -EBADF && own >= 0 && !version(own) && !acquire(own, 0) && proc_dir(getpid())
		       ? 0
		       : 1;
}

void group_exec(void)
{
	int kfd = kfd_ready();
	char *mem = map_filled(2 * MiB), text[16];
	pid_t pid;

	fcntl(kfd, F_SETFD, 0);
	ok(!prefetch(kfd, mem, 2 * MiB, gpus[0].id), "pages on the device");
	pid = fork();
	if (!pid) {
		kfd = open("/dev/kfd", O_RDWR);
		snprintf(text, sizeof(text), "%d", kfd);
		acquire(kfd, 0);
		prefetch(kfd, mem, 2 * MiB, gpus[0].id);
		execl(self, self, "--exec-child", text, NULL);
		_exit(127);
	}
	ok(!wait_for(pid), "exec with an open fd: EBADF, and a new open works");
	ok(on_device(mem, 2 * MiB) == 512, "the parent's pages stay");
}

/* Migrates there and back until it is killed. */
static void migrate_for_ever(size_t size)
{
	char *mem = map_filled(size);
	int kfd = kfd_ready();
	unsigned int i;

	for (i = 0;; i++)
		prefetch(kfd, mem, size, i % 2 ? SYSMEM : gpus[i / 2 % n_gpus].id);
}

void group_kill(void)
{
	unsigned int round, clean = 0;
	pid_t pid;

	for (round = 0; round < 12; round++) {
		pid = fork();
		if (!pid)
			migrate_for_ever(16 * MiB);
		usleep(60000 + round * 37000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		clean += at_baseline();
	}
	ok(clean == round, "killed in the middle of a migration: %u of %u clean", clean, round);
}

void group_fork_pages(void)
{
	char *mem = map_filled(2 * MiB);
	int kfd = kfd_ready(), hold[2], up[2];
	pid_t middle, child = 0;
	char c;

	ok(!prefetch(kfd, mem, 2 * MiB, gpus[0].id), "pages on the device");
	if (pipe(hold) || pipe(up))
		abort();
	middle = fork();
	if (!middle) {
		ok(on_device(mem, 2 * MiB) == 512, "child: shares the device pages");
		fill(mem, PAGE, 7);
		ok(on_device(mem, 2 * MiB) == 511, "child: a write makes a system page");
		_exit(0);
	}
	wait_for(middle);
	ok(intact(mem, 2 * MiB, 1) && on_device(mem, 2 * MiB) == 512, "parent: does not see it");

	/* The process that migrated dies first, its child keeps the pages. */
	middle = fork();
	if (!middle) {
		char *own = map_filled(2 * MiB);

		kfd = kfd_ready();
		prefetch(kfd, own, 2 * MiB, gpus[n_gpus - 1].id);
		child = fork();
		if (!child) {
			close(hold[1]);
			if (read(hold[0], &c, 1) < 0)
				_exit(2);
			ok(on_device(own, 2 * MiB) == 512 && intact(own, 2 * MiB, 1),
			   "grandchild: pages outlive the process that moved them");
			if (write(up[1], "x", 1) < 0)
				_exit(2);
			_exit(0);
		}
		_exit(0);
	}
	wait_for(middle);
	usleep(200000);
	if (write(hold[1], "x", 1) < 0 || read(up[0], &c, 1) < 0)
		abort();
	ok(!proc_dir(middle), "its proc directory is gone");
}

void group_unmap(void)
{
	char *mem = map_filled(8 * MiB), *to;
	int kfd = kfd_ready();
	uint32_t gpu = gpus[0].id;

	ok(!prefetch(kfd, mem, 8 * MiB, gpu), "8 MiB on the device");
	munmap(mem + 2 * MiB, MiB);
	ok(state(0, "used_pages") == 7 * 256, "munmap in the middle frees its pages");
	ok(get(kfd, mem + MiB, MiB, KFD_IOCTL_SVM_ATTR_PREFETCH_LOC) == gpu &&
		   get(kfd, mem + 3 * MiB, MiB, KFD_IOCTL_SVM_ATTR_PREFETCH_LOC) == gpu,
	   "both remains of the range are known");
	mmap(mem + 2 * MiB, MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	     -1, 0);
	ok(get(kfd, mem + 2 * MiB, MiB, KFD_IOCTL_SVM_ATTR_PREFETCH_LOC) == UNDEFINED,
	   "a new mapping there starts from the defaults");
	ok(!prefetch(kfd, mem, 2 * MiB, SYSMEM) && intact(mem, 2 * MiB, 1), "the head goes back");

	to = mremap(mem + 4 * MiB, 2 * MiB, 2 * MiB, MREMAP_MAYMOVE | MREMAP_FIXED, map(2 * MiB));
	ok(to != MAP_FAILED && on_device(to, 2 * MiB) == 512, "mremap takes the pages along");
	ok(get(kfd, to, 2 * MiB, KFD_IOCTL_SVM_ATTR_PREFETCH_LOC) == UNDEFINED,
	   "but not the attributes");
	ok(!prefetch(kfd, to, 2 * MiB, gpu) && !prefetch(kfd, to, 2 * MiB, SYSMEM),
	   "the moved mapping can be used");
	munmap(to, 2 * MiB);
	munmap(mem, 4 * MiB);
	munmap(mem + 6 * MiB, 2 * MiB);
	ok(!state(0, "used_pages") && !state(0, "bo_bytes"), "all unmapped: nothing left");
}

/* Memory charged to a cgroup of 48 MiB, 32 of it on the device. */
static void fill_until_killed(const char *dir)
{
	char path[160], text[32];
	char *mem;
	int fd, kfd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	fd = open(path, O_WRONLY);
	if (fd < 0 || dprintf(fd, "%d", getpid()) < 0)
		_exit(1);
	close(fd);
	kfd = kfd_ready();
	mem = map_filled(32 * MiB);
	prefetch(kfd, mem, 32 * MiB, gpus[0].id);
	snprintf(path, sizeof(path), "%s/memory.current", dir);
	snprintf(text, sizeof(text), "%ld MiB", read_number("%s", path) >> 20);
	ok(on_device(mem, 32 * MiB) == 8192 && read_number("%s", path) > 32L << 20,
	   "memory cgroup: device pages stay charged (%s)", text);
	map_filled(64 * MiB);
	_exit(0);
}

void group_memcg(void)
{
	const char *dir = "/sys/fs/cgroup/kfdsim-memory";
	char path[160];
	pid_t pid;
	int fd, status;

	fd = open("/sys/fs/cgroup/cgroup.subtree_control", O_WRONLY);
	if (fd < 0 || dprintf(fd, "+memory") < 0 || mkdir(dir, 0755)) {
		note("no memory cgroup to be had");
		return;
	}
	close(fd);
	snprintf(path, sizeof(path), "%s/memory.max", dir);
	fd = open(path, O_WRONLY);
	dprintf(fd, "48M");
	close(fd);
	pid = fork();
	if (!pid)
		fill_until_killed(dir);
	waitpid(pid, &status, 0);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	   "memory cgroup: over its limit the job is killed, the device does not help");
	ok(at_baseline(), "memory cgroup: the kill leaves nothing behind");
	rmdir(dir);
}
