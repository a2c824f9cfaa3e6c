/* SPDX-License-Identifier: MIT */
/*
 * kfd_ioctl.c: AMDKFD_IOC_SVM on an own descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kfd_ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/own_file.h"
#include "place/kfd.h"

#define KFD "/dev/kfd"

struct gm_kfd {
	struct gm_own_file dev;
	size_t drm_count;
	struct gm_own_file drm[GPUMEM_MAX_DEVICES];
};

static void ioctl_close(struct gm_kfd *kfd)
{
	gm_own_close(&kfd->dev);
	for (size_t i = 0; i < kfd->drm_count; i++)
		gm_own_close(&kfd->drm[i]);
	free(kfd);
}

static int shared_open(const struct gm_place_devices *devices, struct gm_kfd **ret)
{
	struct gm_kfd *kfd = calloc(1, sizeof(*kfd));
	int rc;

	(void)devices;
	if (!kfd)
		return -ENOMEM;
	/* Without O_CLOEXEC the descriptor would outlive an exec and keep the dead mm's process. */
	rc = gm_own_open(&kfd->dev, KFD, O_RDWR);
	if (rc < 0) {
		free(kfd);
		return rc;
	}
	*ret = kfd;
	return 0;
}

static int acquire(struct gm_kfd *kfd, const struct gm_place_device *device)
{
	struct kfd_ioctl_acquire_vm_args args = { .gpu_id = device->id };
	struct gm_own_file drm;
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/dev/dri/renderD%d", device->render_minor);
	rc = gm_own_open(&drm, path, O_RDWR);
	if (rc < 0)
		return rc;
	args.drm_fd = (uint32_t)drm.fd;
	if (ioctl(kfd->dev.fd, AMDKFD_IOC_ACQUIRE_VM, &args) < 0) {
		rc = -errno;
		gm_own_close(&drm);
		return rc;
	}
	kfd->drm[kfd->drm_count++] = drm;
	return 0;
}

static int alone_open(const struct gm_place_devices *devices, struct gm_kfd **ret)
{
	struct gm_kfd *kfd;
	int rc = shared_open(devices, &kfd), last = -ENODEV;

	if (rc < 0)
		return rc;
	/* KFD needs apertures before anything else, and every GPU that is named later needs its VM
	 * acquired first: a SET for another one is undefined in older kernels. */
	struct kfd_process_device_apertures apertures[GPUMEM_MAX_DEVICES];
	struct kfd_ioctl_get_process_apertures_new_args args = {
		.kfd_process_device_apertures_ptr = (uintptr_t)apertures,
		.num_of_nodes = GPUMEM_MAX_DEVICES,
	};
	if (ioctl(kfd->dev.fd, AMDKFD_IOC_GET_PROCESS_APERTURES_NEW, &args) < 0)
		last = -errno;
	else
		for (size_t i = 0; i < devices->count; i++) {
			if (devices->device[i].kind != GPUMEM_KIND_SVM)
				continue;
			rc = acquire(kfd, &devices->device[i]);
			if (rc < 0)
				last = rc;
		}
	if (kfd->drm_count == 0) {
		ioctl_close(kfd);
		return last;
	}
	*ret = kfd;
	return 0;
}

static int set(struct gm_kfd *kfd, void *addr, size_t len, size_t n,
	       const struct kfd_ioctl_svm_attribute *attrs)
{
	struct {
		struct kfd_ioctl_svm_args args;
		struct kfd_ioctl_svm_attribute attrs[2];
	} a = { 0 };
	int rc;

	a.args.start_addr = (uintptr_t)addr;
	a.args.size = len;
	a.args.op = KFD_IOCTL_SVM_OP_SET_ATTR;
	a.args.nattr = (uint32_t)n;
	memcpy(a.attrs, attrs, n * sizeof(*attrs));
	/* The request carries the real size, attributes included. */
	if (ioctl(kfd->dev.fd, AMDKFD_IOC_SVM + ((n * sizeof(*attrs)) << _IOC_SIZESHIFT), &a) == 0)
		return 0;
	rc = -errno;
	/* Closed by the application: VMs that were acquired stay so, any descriptor will do. */
	if (!gm_own_valid(&kfd->dev) && gm_own_open(&kfd->dev, KFD, O_RDWR) == 0)
		rc = -EAGAIN;
	return rc;
}

static int ioctl_prefetch(struct gm_kfd *kfd, void *addr, size_t len, uint32_t id)
{
	const struct kfd_ioctl_svm_attribute attrs[] = {
		{ KFD_IOCTL_SVM_ATTR_PREFERRED_LOC, id },
		{ KFD_IOCTL_SVM_ATTR_PREFETCH_LOC, id },
	};

	return set(kfd, addr, len, 2, attrs);
}

static int ioctl_prefer(struct gm_kfd *kfd, void *addr, size_t len, uint32_t id)
{
	const struct kfd_ioctl_svm_attribute attr = { KFD_IOCTL_SVM_ATTR_PREFERRED_LOC, id };

	return set(kfd, addr, len, 1, &attr);
}

const struct gm_kfd_ops gm_kfd_shared = {
	.name = "kfd",
	.open = shared_open,
	.close = ioctl_close,
	.prefetch = ioctl_prefetch,
	.prefer = ioctl_prefer,
};

const struct gm_kfd_ops gm_kfd_alone = {
	.name = "kfd-alone",
	.open = alone_open,
	.close = ioctl_close,
	.prefetch = ioctl_prefetch,
	.prefer = ioctl_prefer,
};
