/* SPDX-License-Identifier: MIT */
/*
 * kfd_hsakmt.c: the SVM interface through libhsakmt, in a process without ROCr. The library is
 * opened at run time, so that gpumem installs where there is none. The only file that includes
 * its header.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/loader.h"
#include "place/kfd.h"

#ifdef HAVE_HSAKMT
#ifdef HAVE_HSAKMT_HSAKMT_H
#include <hsakmt/hsakmt.h>
#else
#include <hsakmt.h>
#endif

#define NO_NODE UINT32_MAX

struct gm_kfd {
	__typeof__(hsaKmtOpenKFD) *open_kfd;
	__typeof__(hsaKmtAcquireSystemProperties) *acquire_properties;
	__typeof__(hsaKmtGetNodeProperties) *node_properties;
	__typeof__(hsaKmtSVMSetAttr) *set_attr;
	__typeof__(hsaKmtReleaseSystemProperties) *release_properties;
	__typeof__(hsaKmtCloseKFD) *close_kfd;
	size_t count;
	uint32_t id[GPUMEM_MAX_DEVICES]; /* KFD gpu_id */
	uint32_t node[GPUMEM_MAX_DEVICES]; /* the library's node number of it */
};

static int status_errno(HSAKMT_STATUS status)
{
	switch (status) {
	case HSAKMT_STATUS_SUCCESS:
		return 0;
	case HSAKMT_STATUS_ERROR: /* every ioctl that failed; errno is the kernel's */
		return errno ? -errno : -EIO;
	case HSAKMT_STATUS_NO_MEMORY:
		return -ENOMEM;
	case HSAKMT_STATUS_KERNEL_IO_CHANNEL_NOT_OPENED:
		return -ENODEV;
	case HSAKMT_STATUS_INVALID_PARAMETER:
	case HSAKMT_STATUS_INVALID_NODE_UNIT:
		return -EINVAL;
	case HSAKMT_STATUS_NOT_SUPPORTED:
		return -EPERM;
	default:
		return -EIO;
	}
}

/*
 * The library numbers the nodes that this process may read, so inside a job its numbers are not
 * sysfs's. The render minor is the same on both sides.
 */
static int map_nodes(struct gm_kfd *kfd, const struct gm_place_devices *devices)
{
	HsaSystemProperties sys;
	size_t found = 0;

	if (kfd->acquire_properties(&sys) != HSAKMT_STATUS_SUCCESS)
		return -ENODEV;
	kfd->count = devices->count;
	for (size_t i = 0; i < devices->count; i++) {
		kfd->id[i] = devices->device[i].id;
		kfd->node[i] = NO_NODE;
	}
	for (uint32_t n = 0; n < sys.NumNodes; n++) {
		HsaNodeProperties p;

		if (kfd->node_properties(n, &p) != HSAKMT_STATUS_SUCCESS || p.NumFComputeCores == 0)
			continue;
		for (size_t i = 0; i < devices->count; i++)
			if (p.DrmRenderMinor == devices->device[i].render_minor) {
				kfd->node[i] = n;
				found++;
			}
	}
	return found ? 0 : -ENODEV;
}

static void hsakmt_close(struct gm_kfd *kfd)
{
	kfd->release_properties();
	kfd->close_kfd();
	free(kfd);
}

/* Its functions into *kfd. Never closed again: the library leaves fork handlers behind that point into it. */
static bool load(struct gm_kfd *kfd)
{
	void *lib;

	gm_loader_enter();
	lib = dlopen("libhsakmt.so.1", RTLD_NOW | RTLD_LOCAL);
	if (lib) {
#define FIND(field, name) kfd->field = (__typeof__(kfd->field))dlsym(lib, name)
		FIND(open_kfd, "hsaKmtOpenKFD");
		FIND(close_kfd, "hsaKmtCloseKFD");
		FIND(acquire_properties, "hsaKmtAcquireSystemProperties");
		FIND(release_properties, "hsaKmtReleaseSystemProperties");
		FIND(node_properties, "hsaKmtGetNodeProperties");
		FIND(set_attr, "hsaKmtSVMSetAttr"); /* ROCm 4.2 and later */
#undef FIND
	}
	gm_loader_leave();
	return kfd->open_kfd && kfd->close_kfd && kfd->acquire_properties && kfd->release_properties &&
	       kfd->node_properties && kfd->set_attr;
}

static int hsakmt_open(const struct gm_place_devices *devices, struct gm_kfd **ret)
{
	struct gm_kfd *kfd = calloc(1, sizeof(*kfd));
	HSAKMT_STATUS status;
	int rc;

	if (!kfd)
		return -ENOMEM;
	if (!load(kfd)) {
		free(kfd);
		return -ENOSYS;
	}
	errno = 0;
	status = kfd->open_kfd();
	if (status != HSAKMT_STATUS_SUCCESS && status != HSAKMT_STATUS_KERNEL_ALREADY_OPENED) {
		rc = errno ? -errno : status_errno(status);
		free(kfd);
		return rc;
	}
	rc = map_nodes(kfd, devices);
	if (rc < 0) {
		hsakmt_close(kfd);
		return rc;
	}
	*ret = kfd;
	return 0;
}

/* System memory is node 0, the first CPU node, whatever its number in sysfs. */
static int node_of(const struct gm_kfd *kfd, uint32_t id, uint32_t *ret)
{
	if (id == GM_KFD_SYSMEM || id == UINT32_MAX) {
		*ret = id == GM_KFD_SYSMEM ? 0 : INVALID_NODEID;
		return 0;
	}
	for (size_t i = 0; i < kfd->count; i++)
		if (kfd->id[i] == id && kfd->node[i] != NO_NODE) {
			*ret = kfd->node[i];
			return 0;
		}
	return -ENODEV;
}

static int set(struct gm_kfd *kfd, void *addr, size_t len, uint32_t id, bool prefetch)
{
	HSA_SVM_ATTRIBUTE attrs[2] = {
		{ HSA_SVM_ATTR_PREFERRED_LOC, 0 },
		{ HSA_SVM_ATTR_PREFETCH_LOC, 0 },
	};
	int rc = node_of(kfd, id, &attrs[0].value);

	if (rc < 0)
		return rc;
	attrs[1].value = attrs[0].value;
	errno = 0;
	return status_errno(kfd->set_attr(addr, len, prefetch ? 2 : 1, attrs));
}

static int hsakmt_prefetch(struct gm_kfd *kfd, void *addr, size_t len, uint32_t id)
{
	return set(kfd, addr, len, id, true);
}

static int hsakmt_prefer(struct gm_kfd *kfd, void *addr, size_t len, uint32_t id)
{
	return set(kfd, addr, len, id, false);
}

#else /* !HAVE_HSAKMT */

static int hsakmt_open(const struct gm_place_devices *devices, struct gm_kfd **ret)
{
	(void)devices;
	(void)ret;
	return -ENOSYS;
}
#define hsakmt_close NULL
#define hsakmt_prefetch NULL
#define hsakmt_prefer NULL
#endif

const struct gm_kfd_ops gm_kfd_hsakmt = {
	.name = "hsakmt",
	.open = hsakmt_open,
	.close = hsakmt_close,
	.prefetch = hsakmt_prefetch,
	.prefer = hsakmt_prefer,
};
