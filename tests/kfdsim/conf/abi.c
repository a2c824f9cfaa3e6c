// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers, small ioctls, ACQUIRE_VM, and the errors of SET in their order.
 */
#define _GNU_SOURCE
#include "testlib.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_apertures(int kfd)
{
	struct kfd_process_device_apertures a[MAX_GPUS] = {};
	struct kfd_ioctl_get_process_apertures_new_args args = {
		.kfd_process_device_apertures_ptr = (uintptr_t)a,
	};
	struct kfd_ioctl_get_process_apertures_args old = {};
	unsigned int i, same = 0;

	ok(!call(kfd, AMDKFD_IOC_GET_PROCESS_APERTURES_NEW, &args) && args.num_of_nodes == n_gpus,
	   "apertures asked with no room: the count");
	args.num_of_nodes = MAX_GPUS;
	ok(!call(kfd, AMDKFD_IOC_GET_PROCESS_APERTURES_NEW, &args) && args.num_of_nodes == n_gpus,
	   "apertures filled");
	for (i = 0; i < n_gpus; i++)
		same += a[i].gpu_id == gpus[i].id && a[i].gpuvm_limit == (1ULL << 47) - 1;
	ok(same == n_gpus, "apertures name the GPUs of the topology");
	ok(!call(kfd, AMDKFD_IOC_GET_PROCESS_APERTURES, &old) &&
		   old.num_of_nodes == (n_gpus < 7 ? n_gpus : 7),
	   "old apertures call");
}

void group_abi(void)
{
	static const unsigned int minors[] = {[ABI_6_1] = 11, [ABI_6_12] = 17, [ABI_7_3] = 23};
	struct kfd_ioctl_get_version_args version;
	struct kfd_ioctl_set_memory_policy_args policy = {.gpu_id = gpus[0].id};
	struct kfd_ioctl_get_clock_counters_args clock = {.gpu_id = gpus[0].id};
	struct kfd_ioctl_get_available_memory_args avail = {.gpu_id = gpus[0].id};
	int kfd = kfd_open();
	struct stat st;

	ok(kfd >= 0, "open /dev/kfd");
	ok(!stat("/dev/kfd", &st) && (st.st_mode & 07777) == 0666, "/dev/kfd is 0666");
	ok(!stat("/dev/dri/renderD128", &st) && (st.st_mode & 07777) == 0666,
	   "/dev/dri/renderD128 is 0666");
	ok(AMDKFD_IOC_SVM + (8 << _IOC_SIZESHIFT) == 0xc0204b20,
	   "SVM request with one attribute is 0xc0204b20");
	ok(!call(kfd, AMDKFD_IOC_GET_VERSION, &version) && version.major_version == 1 &&
		   version.minor_version == minors[abi],
	   "version 1.%u", minors[abi]);
	check_apertures(kfd);
	ok(call(kfd, _IO('K', 0x7f), NULL) == -ENOTTY, "unknown ioctl: ENOTTY");
	ok(!call(kfd, AMDKFD_IOC_SET_MEMORY_POLICY, &policy), "memory policy");
	policy.default_policy = 7;
	ok(call(kfd, AMDKFD_IOC_SET_MEMORY_POLICY, &policy) == -EINVAL,
	   "unknown memory policy: EINVAL");
	ok(!call(kfd, AMDKFD_IOC_GET_CLOCK_COUNTERS, &clock) &&
		   clock.system_clock_freq == 1000000000,
	   "clock counters");
	ok(!call(kfd, AMDKFD_IOC_AVAILABLE_MEMORY, &avail) && avail.available &&
		   avail.available <= gpus[0].bytes && !(avail.available % (2 * MiB)),
	   "available memory in 2 MiB steps");
	avail.gpu_id = 1;
	ok(call(kfd, AMDKFD_IOC_AVAILABLE_MEMORY, &avail) == -EINVAL,
	   "available memory of an unknown GPU: EINVAL");
}

void group_acquire(void)
{
	struct kfd_ioctl_acquire_vm_args args = {.gpu_id = gpus[0].id};
	char *mem = map_filled(2 * MiB);
	int kfd = kfd_open(), null, drm, other;

	/* 6.1.192, 6.12.117 and later answer, older kernels crash. */
	ok(prefetch(kfd, mem, 2 * MiB, gpus[0].id) == -EINVAL, "SET before any ACQUIRE_VM: EINVAL");
	ok(get(kfd, mem, 2 * MiB, KFD_IOCTL_SVM_ATTR_PREFETCH_LOC) == UNDEFINED,
	   "GET works without a VM");
	args.drm_fd = 999;
	ok(call(kfd, AMDKFD_IOC_ACQUIRE_VM, &args) == -EINVAL, "no such fd: EINVAL");
	null = open("/dev/null", O_RDWR);
	args.drm_fd = null;
	ok(call(kfd, AMDKFD_IOC_ACQUIRE_VM, &args) == -EINVAL, "not a render file: EINVAL");
	drm = open("/dev/dri/renderD128", O_RDWR);
	other = open("/dev/dri/renderD128", O_RDWR);
	args.drm_fd = drm;
	args.gpu_id = 1;
	ok(call(kfd, AMDKFD_IOC_ACQUIRE_VM, &args) == -EINVAL, "unknown GPU: EINVAL");
	args.gpu_id = gpus[0].id;
	ok(!call(kfd, AMDKFD_IOC_ACQUIRE_VM, &args), "acquire");
	ok(!call(kfd, AMDKFD_IOC_ACQUIRE_VM, &args), "same file again: success");
	args.drm_fd = other;
	ok(call(kfd, AMDKFD_IOC_ACQUIRE_VM, &args) == -EBUSY, "other file: EBUSY");
	if (n_gpus > 1) {
		args.drm_fd = drm;
		args.gpu_id = gpus[1].id;
		ok(call(kfd, AMDKFD_IOC_ACQUIRE_VM, &args) == -EINVAL,
		   "file that is a compute VM already: EINVAL");
	}
	close(drm);
	close(kfd);
	kfd = kfd_open();
	args.drm_fd = other;
	args.gpu_id = gpus[0].id;
	ok(call(kfd, AMDKFD_IOC_ACQUIRE_VM, &args) == -EBUSY,
	   "closing everything does not undo it: EBUSY");
	ok(!prefetch(kfd, mem, 2 * MiB, gpus[0].id) && on_device(mem, 2 * MiB) == 512,
	   "SET works with the acquired GPU");
}

/* Start of a mapping that is VM_IO or VM_PFNMAP, or NULL. */
static void *special_mapping(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long start;
	void *found = NULL;
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "[vvar]") && sscanf(line, "%lx-", &start) == 1)
			found = (void *)start;
	if (f)
		fclose(f);
	return found;
}

static void check_buffer_overlap(int kfd, char *mem)
{
	struct kfd_ioctl_alloc_memory_of_gpu_args alloc = {
		.va_addr = (uintptr_t)mem + MiB,
		.size = MiB,
		.gpu_id = gpus[0].id,
		.flags = KFD_IOC_ALLOC_MEM_FLAGS_VRAM,
	};
	struct kfd_ioctl_free_memory_of_gpu_args freed;

	ok(!call(kfd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &alloc), "a KFD buffer");
	ok(state(0, "kfd_bytes") == MiB, "its bytes are counted");
	ok(prefetch(kfd, mem, 2 * MiB, gpus[0].id) == -EADDRINUSE,
	   "address of a KFD buffer: EADDRINUSE");
	ok(!prefetch(kfd, mem, MiB, gpus[0].id), "beside it: success");
	freed.handle = alloc.handle;
	ok(!call(kfd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &freed), "buffer freed");
	ok(!prefetch(kfd, mem, 2 * MiB, SYSMEM), "and the address is usable");
}

void group_errors(void)
{
	struct kfd_ioctl_svm_attribute a[2] = {
		{KFD_IOCTL_SVM_ATTR_PREFETCH_LOC, gpus[0].id},
		{KFD_IOCTL_SVM_ATTR_GRANULARITY, 9},
	};
	struct kfd_ioctl_svm_args *args;
	char room[sizeof(*args) + sizeof(a)] __attribute__((aligned(8))) = {};
	char *mem = map_filled(4 * MiB), *hole = map(2 * MiB);
	void *special = special_mapping();
	int kfd = kfd_ready();
	uint32_t gpu = gpus[0].id;

	munmap(hole, 2 * MiB);
	ok(prefetch(kfd, mem + 1, PAGE, gpu) == -EINVAL, "unaligned address: EINVAL");
	ok(prefetch(kfd, mem, 100, gpu) == -EINVAL, "unaligned size: EINVAL");
	ok(prefetch(kfd, NULL, PAGE, gpu) == -EINVAL, "address 0: EINVAL");
	ok(prefetch(kfd, mem, 0, gpu) == -EINVAL, "size 0: EINVAL");
	ok(svm(kfd, 2, mem, PAGE, 1, a) == -EINVAL, "unknown operation: EINVAL");
	ok(set(kfd, mem, PAGE, 8, 0) == -EINVAL, "unknown attribute: EINVAL");
	ok(set(kfd, hole, PAGE, 8, 0) == -EINVAL, "attributes come before the address");
	ok(prefetch(kfd, mem, PAGE, 1) == -EINVAL, "unknown GPU: EINVAL");
	ok(prefetch(kfd, mem, PAGE, UNDEFINED) == -EINVAL, "prefetch to nowhere: EINVAL");
	ok(set(kfd, mem, PAGE, KFD_IOCTL_SVM_ATTR_ACCESS, SYSMEM) == -EINVAL,
	   "access for the CPU: EINVAL");
	ok(!set(kfd, mem, PAGE, KFD_IOCTL_SVM_ATTR_PREFERRED_LOC, UNDEFINED),
	   "preferred location undefined: success");
	ok(prefetch(kfd, hole, PAGE, gpu) == -EFAULT, "hole: EFAULT");
	ok(prefetch(kfd, mem, 64 * MiB, gpu) == -EFAULT, "hole behind: EFAULT");
	if (special)
		ok(prefetch(kfd, special, PAGE, gpu) == -EFAULT, "VM_PFNMAP: EFAULT");
	ok(prefetch(kfd, mem, -(size_t)mem, gpu) == (abi == ABI_6_1 ? -EFAULT : -EOVERFLOW),
	   "address overflow");
	ok(get(kfd, hole, PAGE, KFD_IOCTL_SVM_ATTR_PREFETCH_LOC) == -EFAULT,
	   "GET on a hole: EFAULT");
	ok(get(kfd, mem, PAGE, KFD_IOCTL_SVM_ATTR_NO_ACCESS) == -EINVAL,
	   "GET of NO_ACCESS: EINVAL");
	ok(get(kfd, mem, PAGE, KFD_IOCTL_SVM_ATTR_ACCESS_IN_PLACE) == -EINVAL,
	   "GET of ACCESS_IN_PLACE: EINVAL");
	ok(get_access(kfd, mem, PAGE, 1) == -EINVAL, "GET of unknown GPU: EINVAL");

	args = (void *)room;
	*args = (struct kfd_ioctl_svm_args){(uintptr_t)mem, PAGE, KFD_IOCTL_SVM_OP_SET_ATTR, 2};
	memcpy(args->attrs, a, sizeof(a));
	ok(call(kfd, AMDKFD_IOC_SVM + (8UL << _IOC_SIZESHIFT), args) == -EINVAL,
	   "request smaller than its attributes: EINVAL");
	ok(call(kfd, AMDKFD_IOC_SVM + (8UL << _IOC_SIZESHIFT), (void *)8) == -EFAULT,
	   "bad pointer: EFAULT");
	check_buffer_overlap(kfd, mem);
}

void group_xnack(void)
{
	char *big = map(64UL << 30), *mem = map(4 * MiB);
	int kfd = kfd_ready();

	ok(xnack(kfd, -1) == 1, "XNACK is on");
	ok(get_access(kfd, mem, PAGE, gpus[0].id) == KFD_IOCTL_SVM_ATTR_ACCESS,
	   "XNACK on: default is access");
	ok(xnack(kfd, 0) == 0 && xnack(kfd, -1) == 0, "switch it off");
	ok(get_access(kfd, mem, PAGE, gpus[0].id) == KFD_IOCTL_SVM_ATTR_NO_ACCESS,
	   "XNACK off: default is no access");
	ok(set(kfd, big, 64UL << 30, KFD_IOCTL_SVM_ATTR_GRANULARITY, 8) == -ENOMEM,
	   "XNACK off: ranges over the node's limit: ENOMEM");
	munmap(big, 64UL << 30);
	fill(mem, 2 * MiB, 3);
	ok(!prefetch(kfd, mem, 4 * MiB, gpus[0].id) && state(0, "sysmem_used") == 4 * MiB,
	   "XNACK off: a range counts in the limit");
	ok(on_device(mem, 4 * MiB) == 1024 && intact(mem, 2 * MiB, 3),
	   "XNACK off: pages move without access");
	munmap(mem + 2 * MiB, 2 * MiB);
	ok(state(0, "sysmem_used") == 2 * MiB, "munmap gives it back");
	ok(xnack(kfd, 1) == 1 && !state(0, "sysmem_used"), "XNACK on again: no limit");
}

static int wait_event(int kfd, uint32_t id, uint32_t timeout, uint32_t *result)
{
	struct kfd_event_data data = {.event_id = id};
	struct kfd_ioctl_wait_events_args args = {
		.events_ptr = (uintptr_t)&data,
		.num_events = 1,
		.timeout = timeout,
	};
	int r = call(kfd, AMDKFD_IOC_WAIT_EVENTS, &args);

	*result = args.wait_result;
	return r;
}

void group_events(void)
{
	struct kfd_ioctl_create_event_args create = {.auto_reset = 1};
	struct kfd_ioctl_set_event_args event = {};
	uint32_t result;
	int kfd = kfd_open();

	ok(!call(kfd, AMDKFD_IOC_CREATE_EVENT, &create) && create.event_id, "create");
	event.event_id = create.event_id;
	ok(!wait_event(kfd, event.event_id, 10, &result) && result == KFD_IOC_WAIT_RESULT_TIMEOUT,
	   "wait: timeout");
	ok(!call(kfd, AMDKFD_IOC_SET_EVENT, &event), "set");
	ok(!wait_event(kfd, event.event_id, 1000, &result) &&
		   result == KFD_IOC_WAIT_RESULT_COMPLETE,
	   "wait: complete");
	ok(!wait_event(kfd, event.event_id, 0, &result) && result == KFD_IOC_WAIT_RESULT_TIMEOUT,
	   "reset by itself");
	ok(!call(kfd, AMDKFD_IOC_DESTROY_EVENT, &event), "destroy");
	ok(wait_event(kfd, event.event_id, 0, &result) == -EINVAL &&
		   result == KFD_IOC_WAIT_RESULT_FAIL,
	   "gone: EINVAL");
}
