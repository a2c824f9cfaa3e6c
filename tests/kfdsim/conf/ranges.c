// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges: splitting, cutting, what GET says of them, one buffer per range.
 */
#define _GNU_SOURCE
#include "testlib.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define PREFETCH KFD_IOCTL_SVM_ATTR_PREFETCH_LOC
#define PREFERRED KFD_IOCTL_SVM_ATTR_PREFERRED_LOC
#define GRANULARITY KFD_IOCTL_SVM_ATTR_GRANULARITY
#define MASK(event) (1ULL << ((event)-1))

static size_t max_range(void)
{
	size_t bytes = 2 * MiB;

	while (bytes * 2 <= gpus[0].bytes / 32 && bytes < 1024 * MiB)
		bytes *= 2;
	return bytes;
}

void group_ranges(void)
{
	int kfd = kfd_ready(), smi;
	size_t max = max_range(), size = 4 * max;
	uint32_t gpu = gpus[0].id;
	char text[8192], want[64];
	unsigned int cuts;
	char *mem;

	/* New ranges are cut at multiples of VRAM/32. */
	mem = map_filled(size);
	smi = smi_open(kfd, 0, MASK(KFD_SMI_EVENT_MIGRATE_START) | MASK(KFD_SMI_EVENT_MIGRATE_END));
	cuts = (((uintptr_t)mem + size - 1) / max) - (uintptr_t)mem / max + 1;
	ok(!prefetch(kfd, mem, size, gpu), "prefetch of %lu MiB", size / MiB);
	smi_read(smi, text, sizeof(text));
	ok(count_lines(text, "5 ") == cuts, "gap cut into %u ranges of %lu MiB", cuts, max / MiB);
	ok(count_lines(text, "6 ") == cuts, "each has its end event");
	ok(on_device(mem, size) == size / PAGE && intact(mem, size, 1),
	   "all of it is on the device, data intact");
	ok(state(0, "bo_bytes") == (long)size, "buffers are as large as the ranges");
	ok(owner_pages(0, getpid()) == (long)(size / PAGE), "the owner is known");

	/* A sub-range in the middle: clone and split at both edges. */
	ok(!prefetch(kfd, mem + MiB, MiB / 2, SYSMEM), "prefetch back of a middle piece");
	smi_read(smi, text, sizeof(text));
	snprintf(want, sizeof(want), "@%lx(%lx) %x->0 0:%x 0", ((uintptr_t)mem + MiB) / PAGE,
		 MiB / 2 / PAGE, gpu, UNDEFINED);
	ok(count_lines(text, "5 ") == 1, "one range moved");
	ok(get(kfd, mem + MiB, MiB / 2, PREFETCH) == SYSMEM, "the piece has its own location");
	ok(get(kfd, mem, MiB, PREFETCH) == gpu, "the head kept the old one");
	ok(get(kfd, mem + 3 * MiB / 2, MiB / 2, PREFETCH) == gpu, "so did the tail");
	ok(get(kfd, mem, 2 * MiB, PREFETCH) == UNDEFINED, "together they are mixed");
	ok(on_device(mem, size) == (size - MiB / 2) / PAGE && intact(mem, size, 1),
	   "only the piece moved");
	ok(state(0, "bo_bytes") == (long)size, "its buffer stays, others are in it");

	/* Only when the last range leaves it, the buffer goes. */
	ok(!prefetch(kfd, mem, size, SYSMEM), "all back");
	ok(!on_device(mem, size) && !state(0, "bo_bytes"), "no page, no buffer left");
	close(smi);
}

void group_get(void)
{
	uint32_t gpu = gpus[0].id, last = gpus[n_gpus - 1].id;
	char *mem = map_filled(8 * MiB);
	int kfd = kfd_ready();

	ok(get(kfd, mem, 8 * MiB, PREFETCH) == UNDEFINED, "default prefetch");
	ok(get(kfd, mem, 8 * MiB, PREFERRED) == UNDEFINED, "default preferred");
	ok(get(kfd, mem, 8 * MiB, GRANULARITY) == 9, "default granularity");
	ok(get(kfd, mem, 8 * MiB, KFD_IOCTL_SVM_ATTR_SET_FLAGS) == 3, "default flags");
	ok((uint32_t)get(kfd, mem, PAGE, KFD_IOCTL_SVM_ATTR_CLR_FLAGS) == ~3U,
	   "default clear flags");

	set(kfd, mem, 2 * MiB, GRANULARITY, 4);
	set(kfd, mem + 2 * MiB, 2 * MiB, GRANULARITY, 200);
	ok(get(kfd, mem + 2 * MiB, 2 * MiB, GRANULARITY) == 0x3f, "granularity is clamped");
	ok(get(kfd, mem, 4 * MiB, GRANULARITY) == 4, "granularity: minimum");
	set(kfd, mem, 2 * MiB, KFD_IOCTL_SVM_ATTR_SET_FLAGS, KFD_IOCTL_SVM_FLAG_GPU_RO);
	set(kfd, mem, 2 * MiB, KFD_IOCTL_SVM_ATTR_CLR_FLAGS, KFD_IOCTL_SVM_FLAG_COHERENT);
	ok(get(kfd, mem, 2 * MiB, KFD_IOCTL_SVM_ATTR_SET_FLAGS) == 9, "flags set and cleared");
	ok(get(kfd, mem, 4 * MiB, KFD_IOCTL_SVM_ATTR_SET_FLAGS) == 1, "flags: common ones");
	ok((uint32_t)get(kfd, mem, 4 * MiB, KFD_IOCTL_SVM_ATTR_CLR_FLAGS) == ~11U,
	   "clear flags: those that nobody has");
	ok(!set(kfd, mem, PAGE, KFD_IOCTL_SVM_ATTR_SET_FLAGS, 0x4000),
	   "unknown flags are not refused");

	set(kfd, mem, 2 * MiB, PREFERRED, gpu);
	ok(get(kfd, mem, 2 * MiB, PREFERRED) == gpu, "preferred location");
	ok(get(kfd, mem, 4 * MiB, PREFERRED) == UNDEFINED, "preferred location mixed");
	ok(!on_device(mem, 2 * MiB), "the preferred location moves nothing");

	set(kfd, mem, 2 * MiB, KFD_IOCTL_SVM_ATTR_ACCESS_IN_PLACE, gpu);
	ok(get_access(kfd, mem, 2 * MiB, gpu) == KFD_IOCTL_SVM_ATTR_ACCESS_IN_PLACE,
	   "access in place");
	set(kfd, mem, 2 * MiB, KFD_IOCTL_SVM_ATTR_NO_ACCESS, gpu);
	ok(get_access(kfd, mem, 2 * MiB, gpu) == KFD_IOCTL_SVM_ATTR_NO_ACCESS, "no access");
	ok(get_access(kfd, mem, 2 * MiB, last) == KFD_IOCTL_SVM_ATTR_ACCESS || n_gpus == 1,
	   "the other GPUs keep theirs");
	set(kfd, mem, 2 * MiB, KFD_IOCTL_SVM_ATTR_ACCESS, gpu);
	ok(get_access(kfd, mem, 2 * MiB, gpu) == KFD_IOCTL_SVM_ATTR_ACCESS, "access");

	/* Gaps have no say: half of this query was never named. */
	ok(!prefetch(kfd, mem + 4 * MiB, MiB, gpu), "prefetch 1 MiB");
	ok(get(kfd, mem + 4 * MiB, 2 * MiB, PREFETCH) == gpu, "GET ignores gaps between ranges");
	ok(on_device(mem + 4 * MiB, 2 * MiB) == 256, "though half of it is not there");
}

/* Sub-ranges of one buffer: VRAM is given back in whole buffers. */
void group_shared_buffer(void)
{
	char *mem = map_filled(2 * MiB);
	int kfd = kfd_ready();

	ok(!prefetch(kfd, mem, 2 * MiB, gpus[0].id) && state(0, "bo_bytes") == 2 * (long)MiB,
	   "one buffer of 2 MiB");
	ok(!prefetch(kfd, mem, MiB, SYSMEM), "one half back");
	ok(state(0, "used_pages") == 256 && state(0, "bo_bytes") == 2 * (long)MiB,
	   "half the pages, but the whole buffer");
	ok(read_number("/sys/class/drm/renderD%u/device/mem_info_vram_used", gpus[0].minor) ==
		   2 * (long)MiB,
	   "mem_info_vram_used says the same");
	ok(read_number("/sys/class/kfd/kfd/proc/%d/vram_%u", getpid(), gpus[0].id) ==
		   (abi == ABI_6_1 ? 0 : 2 * (long)MiB),
	   "vram_<gpuid> (0 on 6.1)");
	ok(!prefetch(kfd, mem + MiB, MiB, SYSMEM) && !state(0, "bo_bytes"),
	   "the second half frees it");
	/* One present page makes a buffer for the whole range. */
	ok(!prefetch(kfd, mem, 2 * MiB, gpus[0].id), "again");
	madvise(mem, 2 * MiB - PAGE, MADV_DONTNEED);
	ok(state(0, "used_pages") == 1 && state(0, "bo_bytes") == 2 * (long)MiB,
	   "MADV_DONTNEED frees pages, not the buffer");
	ok(!prefetch(kfd, mem, 2 * MiB, SYSMEM), "back");
	ok(!state(0, "used_pages"), "no pages");
	ok(!state(0, "bo_bytes"), "the buffer of vanished pages goes");
	ok(!prefetch(kfd, mem, 2 * MiB, gpus[0].id), "again");
	munmap(mem, 2 * MiB);
	ok(!state(0, "bo_bytes"), "munmap frees it too");
}
