/* SPDX-License-Identifier: MIT */
/*
 * nvidia.h: what NVIDIA's driver says in procfs of its GPUs and of their memory as NUMA nodes.
 */
#ifndef GM_NVIDIA_H
#define GM_NVIDIA_H

#include "discover/pci.h"

enum gm_nvidia_mode { /* CoherentGPUMemoryMode of the driver's parameters */
	GM_NVIDIA_MODE_UNSET = 0,
	GM_NVIDIA_MODE_NUMA = 1,
	GM_NVIDIA_MODE_DRIVER = 2, /* CDMM: memory is coherent, but no NUMA node */
};

struct gm_nvidia_gpu {
	char pci[GPUMEM_PCI_LEN];
	char model[64];	 /* "" unknown */
	int32_t minor;	 /* of /dev/nvidia<n>; -1 unknown */
	int status_rc;	 /* 0 numa_status was read; -ENOENT there is none; -EIO under MIG; ... */
	int32_t node;	 /* -1 not named */
	char status[24]; /* "online", ... ; "" not named */
	bool has_address; /* missing until the driver has started the GPU */
	uint64_t bytes;	 /* 0 not named */
};

struct gm_nvidia {
	size_t count;
	struct gm_nvidia_gpu *gpu;
	enum gm_nvidia_mode mode;
};

/* No driver gives an empty list. Errors: ENOMEM. */
int gm_nvidia_read(struct gm_root *root, struct gm_nvidia *ret);
void gm_nvidia_free(struct gm_nvidia *nvidia);
const struct gm_nvidia_gpu *gm_nvidia_find(const struct gm_nvidia *nvidia, const char *pci);

#endif
