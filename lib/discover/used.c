/* SPDX-License-Identifier: MIT */
/*
 * used.c: what can be said of a device at the moment: bytes in use, and whether it may be opened.
 */
#include "config.h"

#include <unistd.h>

#define GM_WHERE "discover"
#include "discover/devices.h"
#include "discover/numa_nodes.h"
#include "discover/pci.h"

static int read_used(struct gm_root *root, const struct gpumem_device *dev, uint64_t *ret)
{
	struct gm_numa_usage usage;
	char folder[64];
	uint64_t idle;
	int rc;

	if (dev->kind == GPUMEM_KIND_NUMA || dev->kind == GPUMEM_KIND_NUMA_SHARED) {
		rc = gm_numa_usage(root, dev->node, &usage);
		if (rc < 0)
			return rc;
		/* What the kernel gives up when somebody needs the memory is in nobody's use. */
		idle = gm_numa_at_hand(root, dev->node);
		if (dev->kind == GPUMEM_KIND_NUMA)
			idle += usage.cache;
		*ret = usage.used > idle ? usage.used - idle : 0;
		return 0;
	}
	gm_pci_folder(root, dev->pci, dev->render_minor, folder);
	if (!folder[0])
		return -ENOENT;
	return gm_read_u64(root, ret, "%s/mem_info_vram_used", folder);
}

int gpumem_device_used(struct gpumem_ctx *ctx, const struct gpumem_device *dev, uint64_t *ret_bytes)
{
	struct gm_root root;
	uint64_t bytes;
	int rc = gm_root_open(&root, ctx);

	if (rc < 0)
		return -ENODATA;
	rc = read_used(&root, dev, &bytes);
	gm_root_close(&root);
	if (rc < 0)
		return -ENODATA;
	*ret_bytes = bytes;
	return 0;
}

bool gpumem_device_permitted(const struct gpumem_device *dev)
{
	if (!dev->file[0])
		return true;
	/* The devices cgroup answers EPERM; plain file modes answer EACCES. */
	return access(dev->file, R_OK | W_OK) == 0 || errno != EPERM;
}
