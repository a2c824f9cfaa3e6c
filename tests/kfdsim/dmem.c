// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dmem controller of Linux 7.3, as TTM and amdgpu use it for a device's memory.
 */
#include <linux/cgroup_dmem.h>
#include <linux/err.h>
#include <linux/pci.h>

#include "dmem.h"
#include "migrate.h"

/* dmem.max was set below what the cgroup has. */
static int dmem_reclaim(struct dmem_cgroup_pool_state *pool, u64 bytes, void *dev)
{
	return ks_evict_counted(dev, pool, bytes, NULL) ? 0 : -ENOSPC;
}

static const struct dmem_cgroup_ops dmem_ops = { .reclaim = dmem_reclaim };

int ks_dmem_init(struct ks_dev *dev)
{
	const struct dmem_cgroup_init init = {
		.size = dev->size,
		.ops = &dmem_ops,
		.reclaim_priv = dev,
	};
	struct dmem_cgroup_region *region;

	region = dmem_cgroup_register_region(&init, "drm/0000:%02x:%02x.%x/vram",
					     PCI_BUS_NUM(dev->location_id),
					     PCI_SLOT(dev->location_id & 0xff),
					     PCI_FUNC(dev->location_id));
	if (IS_ERR(region))
		return PTR_ERR(region);
	dev->dmem = region;
	return 0;
}

void ks_dmem_fini(struct ks_dev *dev)
{
	dmem_cgroup_unregister_region(dev->dmem);
	dev->dmem = NULL;
}

int ks_dmem_charge(struct ks_dev *dev, u64 bytes, struct dmem_cgroup_pool_state **pool,
		   struct dmem_cgroup_pool_state **limit)
{
	return dmem_cgroup_try_charge(dev->dmem, bytes, pool, limit);
}

void ks_dmem_uncharge(struct dmem_cgroup_pool_state *pool, u64 bytes)
{
	dmem_cgroup_uncharge(pool, bytes);
}

void ks_dmem_put(struct dmem_cgroup_pool_state *limit)
{
	dmem_cgroup_pool_state_put(limit);
}

bool ks_dmem_counts(struct dmem_cgroup_pool_state *limit, struct dmem_cgroup_pool_state *pool)
{
	bool hit_low = false;

	return dmem_cgroup_state_evict_valuable(limit, pool, false, &hit_low);
}
