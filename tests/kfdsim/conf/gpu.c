// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GPU's side: events, faults played through the control file, eviction,
 * injected errors.
 */
#define _GNU_SOURCE
#include "testlib.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MASK(event) (1ULL << ((event)-1))
#define EVERYTHING (MASK(64) - 1)

/* Start of the first line of event @id ("5 "), or NULL. */
static const char *find_line(const char *text, const char *id)
{
	const char *line;

	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, id, strlen(id)))
			return line;
	}
	return NULL;
}

/* The first line of event @id is "ns -pid <rest>"; shows what came if not. */
static bool line_is(const char *text, const char *id, const char *rest)
{
	const char *line = find_line(text, id);
	char got[96] = "";
	long long ns;
	int pid, at = 0;

	if (line && sscanf(line + strlen(id), "%lld -%d %n", &ns, &pid, &at) == 2 && at) {
		sscanf(line + strlen(id) + at, "%95[^\n]", got);
		if (!strcmp(rest, got) && pid == getpid() && ns > 0)
			return true;
	}
	note("wanted '%s%s', have:\n%s", id, rest, text);
	return false;
}

void group_smi(void)
{
	struct kfd_ioctl_smi_events_args args = {.gpuid = 1};
	char *mem = map_filled(2 * MiB), text[16384], rest[96];
	unsigned long page = (uintptr_t)mem / PAGE;
	int kfd = kfd_ready(), smi, other, i;
	struct pollfd poll_it;
	uint64_t none = 0;

	ok(call(kfd, AMDKFD_IOC_SMI_EVENTS, &args) == -EINVAL, "unknown GPU: EINVAL");
	smi = smi_open(kfd, 0, EVERYTHING);
	other = smi_open(kfd, n_gpus - 1, EVERYTHING);
	poll_it = (struct pollfd){smi, POLLIN, 0};
	ok(read(smi, text, sizeof(text)) < 0 && errno == EAGAIN, "empty: EAGAIN");
	ok(write(smi, &none, 4) < 0 && errno == EFAULT, "short mask: EFAULT");
	ok(!prefetch(kfd, mem, 2 * MiB, gpus[0].id), "prefetch");
	ok(poll(&poll_it, 1, 0) == 1, "poll says so");
	smi_read(smi, text, sizeof(text));
	snprintf(rest, sizeof(rest), "@%lx(200) 0->%x %x:ffffffff 0", page, gpus[0].id, gpus[0].id);
	ok(line_is(text, "5 ", rest), "MIGRATE_START line");
	snprintf(rest, sizeof(rest), "@%lx(200) 0->%x 0%s", page, gpus[0].id,
		 abi == ABI_7_3 ? " 0" : "");
	ok(line_is(text, "6 ", rest), "MIGRATE_END line");
	ok(n_gpus == 1 || !smi_read(other, text, sizeof(text)),
	   "another GPU's file hears nothing of it");

	/* Nothing to collect: no end event up to 6.12. */
	prefetch(kfd, mem, 2 * MiB, gpus[0].id);
	smi_read(smi, text, sizeof(text));
	ok(count_lines(text, "5 ") == (abi == ABI_6_1 ? 0 : 1) &&
		   count_lines(text, "6 ") == (abi == ABI_7_3 ? 1 : 0),
	   "repeated prefetch: %u start, %u end", count_lines(text, "5 "), count_lines(text, "6 "));

	for (i = 0; i < 120; i++)
		prefetch(kfd, mem, 2 * MiB, i % 2 ? gpus[0].id : SYSMEM);
	smi_read(smi, text, sizeof(text));
	ok(strlen(text) <= (abi == ABI_7_3 ? 8192 : 1024) && strlen(text) > 800 &&
		   text[strlen(text) - 1] == '\n',
	   "the fifo overflows in silence (%zu bytes kept)", strlen(text));
	if (write(smi, &none, sizeof(none)) != sizeof(none))
		note("mask not written");
	prefetch(kfd, mem, 2 * MiB, SYSMEM);
	ok(!smi_read(smi, text, sizeof(text)), "empty mask: nothing");
}

static long touch(unsigned int gpu, const char *mem, size_t len, int write)
{
	return control("touch pid=%d dev=%u addr=0x%lx len=0x%lx write=%d", getpid(), gpu,
		       (unsigned long)mem, len, write);
}

void group_touch(void)
{
	char *mem = map_filled(8 * MiB), text[16384], rest[96];
	unsigned long page = (uintptr_t)mem / PAGE;
	int kfd = kfd_ready(), smi;
	uint32_t gpu = gpus[0].id;
	char *none;

	smi = smi_open(kfd, 0, EVERYTHING);
	set(kfd, mem, 8 * MiB, KFD_IOCTL_SVM_ATTR_GRANULARITY, 8);
	ok(touch(0, mem, PAGE, 1) == 1, "GPU touches a page: one fault");
	ok(on_device(mem, 8 * MiB) == 256, "its granule of 1 MiB moved");
	smi_read(smi, text, sizeof(text));
	snprintf(rest, sizeof(rest), "@%lx(%x) W", page, gpu);
	ok(line_is(text, "7 ", rest), "PAGE_FAULT_START line");
	snprintf(rest, sizeof(rest), "@%lx(%x) M", page, gpu);
	ok(line_is(text, "8 ", rest), "PAGE_FAULT_END line");
	snprintf(rest, sizeof(rest), "@%lx(100) 0->%x ffffffff:ffffffff 1", page, gpu);
	ok(line_is(text, "5 ", rest), "MIGRATE_START by a GPU fault");
	ok(touch(0, mem, MiB, 1) == 0, "touched again: no fault");
	ok(counter(0, "faults") == 1 && counter(0, "page_in") == 256, "counters");
	ok(touch(0, mem, 8 * MiB, 0) == 7 && on_device(mem, 8 * MiB) == 2048,
	   "the rest: one fault per granule");

	/* Preferred location: system memory. The GPU maps it there. */
	set(kfd, mem, MiB, KFD_IOCTL_SVM_ATTR_PREFERRED_LOC, SYSMEM);
	prefetch(kfd, mem, MiB, SYSMEM);
	touch(0, mem, MiB, 1);
	ok(!on_device(mem, MiB), "preferred in system memory: stays there");
	/* No access, and a mapping that is not there any more. */
	set(kfd, mem + MiB, MiB, KFD_IOCTL_SVM_ATTR_NO_ACCESS, gpu);
	prefetch(kfd, mem + MiB, MiB, SYSMEM);
	ok(touch(0, mem + MiB, PAGE, 1) == -EACCES, "no access: EACCES");
	ok(touch(0, mem + 64 * MiB, PAGE, 0) == -EFAULT, "hole: EFAULT");
	mprotect(mem + 2 * MiB, MiB, PROT_READ);
	ok(touch(0, mem + 2 * MiB, PAGE, 1) == -EPERM, "write to read-only: EPERM");
	ok(touch(0, mem + 2 * MiB, PAGE, 0) == 1, "read of it: one fault");
	none = map_filled(2 * MiB);
	ok(touch(0, none, 2 * MiB, 1) == 1 && on_device(none, 2 * MiB) == 512,
	   "memory nobody named: default range, 2 MiB moved");
	smi_read(smi, text, sizeof(text));
	munmap(none, 2 * MiB);
	smi_read(smi, text, sizeof(text));
	snprintf(rest, sizeof(rest), "@%lx(200) %x 2", (uintptr_t)none / PAGE, gpu);
	ok(line_is(text, "b ", rest), "UNMAP_FROM_GPU line at munmap");
	ok(control("touch pid=1 dev=0 addr=0x1000 len=1 write=0") == -ESRCH,
	   "not a KFD process: ESRCH");
	ok(!state(0, "would_oops"), "the real driver would have survived this");
	xnack(kfd, 0);
	ok(touch(0, map_filled(MiB), PAGE, 1) == -EFAULT, "XNACK off: a fault is fatal");
}

/* Without XNACK the GPU's queues stop while a mapped range is invalid. */
void group_queues(void)
{
	char *mem = map_filled(2 * MiB), text[16384], rest[96];
	int kfd = kfd_ready(), smi;
	uint32_t gpu = gpus[0].id;

	xnack(kfd, 0);
	smi = smi_open(kfd, 0, EVERYTHING);
	ok(!set(kfd, mem, 2 * MiB, KFD_IOCTL_SVM_ATTR_ACCESS, gpu), "access: mapped now");
	smi_read(smi, text, sizeof(text));
	ok(!prefetch(kfd, mem, 2 * MiB, gpu) && on_device(mem, 2 * MiB) == 512,
	   "prefetch of a mapped range");
	usleep(100000);
	smi_read(smi, text, sizeof(text));
	snprintf(rest, sizeof(rest), "%x 0", gpu);
	ok(line_is(text, "9 ", rest), "QUEUE_EVICTION line");
	snprintf(rest, sizeof(rest), abi == ABI_6_1 ? "%x" : "%x 0", gpu);
	ok(line_is(text, "a ", rest), "QUEUE_RESTORE line");
	mprotect(mem, 2 * MiB, PROT_READ);
	usleep(100000);
	smi_read(smi, text, sizeof(text));
	ok(count_lines(text, "9 ") && count_lines(text, "a "),
	   "mprotect of a mapped range stops and restores the queues");
	ok(!state(0, "would_oops"), "the real driver would have survived this");
}

/* A third of the device and a bit, so that three do not fit. */
static size_t third(void)
{
	return gpus[0].bytes / 32 * 11;
}

static bool device_not_overdrawn(void)
{
	return state(0, "bo_bytes") <= (long)gpus[0].bytes &&
	       state(0, "peak_pages") <= (long)(gpus[0].bytes / PAGE);
}

static void evict_own(int kfd)
{
	size_t size = third();
	char *a = map_filled(size), *b = map_filled(size), *c;

	control("reset-peak dev=0");
	prefetch(kfd, a, size, gpus[0].id);
	prefetch(kfd, b, size, gpus[0].id);
	ok(on_device(a, size) + on_device(b, size) == 2 * size / PAGE, "two thirds full");
	/* Faults make a the hottest, so that b has to go. */
	mprotect(a, size, PROT_READ);
	ok(touch(0, a, size, 0) > 0, "a is in use");
	c = map_filled(size);
	ok(!prefetch(kfd, c, size, gpus[0].id), "a third third: success");
	ok(on_device(c, size) == size / PAGE && intact(c, size, 1), "it is all there");
	ok(on_device(a, size) == size / PAGE && on_device(b, size) < size / PAGE,
	   "the least recently faulted had to leave");
	ok(intact(b, size, 1) && intact(a, size, 1), "data intact");
	ok(state(0, "evicted_bos") > 0 && device_not_overdrawn(), "never more than the device has");
	munmap(a, size);
	munmap(b, size);
	munmap(c, size);
}

static void evict_others(int kfd, char *b, char *c)
{
	size_t size = third();
	pid_t pid;
	int go[2];
	char x;

	if (pipe(go))
		abort();
	pid = fork();
	if (!pid) {
		char *mem = map_filled(size);

		prefetch(kfd_ready(), mem, size, gpus[0].id);
		if (write(go[1], "x", 1) < 0)
			_exit(1);
		pause();
	}
	if (read(go[0], &x, 1) < 0)
		abort();
	ok(owner_pages(0, pid) == (long)(size / PAGE), "another process fills a third");
	prefetch(kfd, b, size, gpus[0].id);
	prefetch(kfd, c, size, gpus[0].id);
	ok(on_device(b, size) + on_device(c, size) == 2 * size / PAGE &&
		   owner_pages(0, pid) < (long)(size / PAGE),
	   "its coldest buffers are evicted");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Less memory: evicted at once; none: silently stays in system memory. */
static void evict_by_shrinking(int kfd, char *b, char *c)
{
	size_t size = third();
	int r;

	r = control("shrink dev=0 bytes=%lu", (unsigned long)(gpus[0].bytes - size));
	ok(r >= 0 && state(0, "bo_bytes") <= (long)size &&
		   state(0, "used_pages") <= (long)(size / PAGE),
	   "shrink evicts");
	ok(intact(b, size, 1) && intact(c, size, 1), "data intact");
	control("shrink dev=0 bytes=%lu", (unsigned long)gpus[0].bytes);
	ok(!on_device(b, size) && !on_device(c, size), "shrunk to nothing: all evicted");
	r = prefetch(kfd, b, 2 * MiB, gpus[0].id);
	ok(r == (abi == ABI_6_1 ? -ENOMEM : 0) && !on_device(b, 2 * MiB),
	   "prefetch without room (rc %d)", r);
	ok(get(kfd, b, 2 * MiB, KFD_IOCTL_SVM_ATTR_PREFETCH_LOC) == gpus[0].id,
	   "GET tells the request, not the location");
	control("refill dev=0");
	/* On 6.1 too: its location is still system memory. */
	ok(!prefetch(kfd, b, 2 * MiB, gpus[0].id) && on_device(b, 2 * MiB) == 512, "refilled");
}

void group_evict(void)
{
	int kfd = kfd_ready();
	char *b, *c;

	evict_own(kfd);
	b = map_filled(third());
	c = map_filled(third());
	/*
	 * A child would share these pages, and the GPU mapping, which is made for writing, would
	 * then copy them back to system memory.
	 */
	madvise(b, third(), MADV_DONTFORK);
	madvise(c, third(), MADV_DONTFORK);
	evict_others(kfd, b, c);
	evict_by_shrinking(kfd, b, c);
}

void group_inject(void)
{
	char *mem = map_filled(2 * MiB);
	int kfd = kfd_ready();
	uint32_t gpu = gpus[0].id;

	control("inject errno=EAGAIN count=2 op=set");
	ok(prefetch(kfd, mem, 2 * MiB, gpu) == -EAGAIN, "injected EAGAIN");
	ok(prefetch(kfd, mem, 2 * MiB, gpu) == -EAGAIN, "twice");
	ok(!prefetch(kfd, mem, 2 * MiB, gpu), "then no more");
	control("inject errno=ENOMEM op=toram");
	ok(prefetch(kfd, mem, 2 * MiB, SYSMEM) == -ENOMEM && on_device(mem, 2 * MiB) == 512,
	   "injected ENOMEM on the way back is seen");
	ok(!prefetch(kfd, mem, 2 * MiB, SYSMEM), "next try works");
	control("inject errno=ENOMEM op=tovram");
	ok(prefetch(kfd, mem, 2 * MiB, gpu) == (abi == ABI_6_1 ? -ENOMEM : 0) &&
		   !on_device(mem, 2 * MiB),
	   "on the way there it is swallowed (not on 6.1)");
	control("inject errno=EINTR op=set");
	ok(prefetch(kfd, mem, 2 * MiB, gpu) == -EINTR, "injected EINTR");
	ok(control("inject errno=ENOTHING op=set") == -EINVAL, "unknown error: EINVAL");
	ok(control("nonsense") == -EINVAL, "unknown command: EINVAL");

	/* 6.1 stops at the first range that fails, later ones go on. */
	munmap(mem, 2 * MiB);
	mem = map_filled(4 * MiB);
	set(kfd, mem, 2 * MiB, KFD_IOCTL_SVM_ATTR_GRANULARITY, 5);
	control("inject errno=ENOMEM op=tovram");
	prefetch(kfd, mem, 4 * MiB, gpu);
	ok(on_device(mem, 4 * MiB) == (abi == ABI_6_1 ? 0 : 512),
	   "first of two ranges failed: the second is %s", abi == ABI_6_1 ? "not tried" : "moved");
	control("inject errno=ENOMEM op=tovram count=0");
}
