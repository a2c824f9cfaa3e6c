/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dmem controller: buffers are charged to the cgroup of who allocates them, under the name that amdgpu gives
 * its memory. Without the controller everything fits and nothing is counted.
 */
#ifndef KS_DMEM_H
#define KS_DMEM_H

#include "kfdsim.h"

#if IS_ENABLED(CONFIG_CGROUP_DMEM)

/* Makes the device known to the controller; 0 or -errno. */
int ks_dmem_init(struct ks_dev *dev);
/* Buffers that are left keep what they need of it. */
void ks_dmem_fini(struct ks_dev *dev);

/* Charges the caller's cgroup. -EAGAIN: @limit is whose limit is met, to be given to ks_dmem_put(). */
int ks_dmem_charge(struct ks_dev *dev, u64 bytes, struct dmem_cgroup_pool_state **pool,
		   struct dmem_cgroup_pool_state **limit);
void ks_dmem_uncharge(struct dmem_cgroup_pool_state *pool, u64 bytes);
void ks_dmem_put(struct dmem_cgroup_pool_state *limit);
/* Does what @pool has count towards @limit, and is it not protected? */
bool ks_dmem_counts(struct dmem_cgroup_pool_state *limit, struct dmem_cgroup_pool_state *pool);

#else

static inline int ks_dmem_init(struct ks_dev *dev) { return 0; }
static inline void ks_dmem_fini(struct ks_dev *dev) { }
static inline int ks_dmem_charge(struct ks_dev *dev, u64 bytes, struct dmem_cgroup_pool_state **pool,
				 struct dmem_cgroup_pool_state **limit)
{
	*pool = NULL;
	return 0;
}
static inline void ks_dmem_uncharge(struct dmem_cgroup_pool_state *pool, u64 bytes) { }
static inline void ks_dmem_put(struct dmem_cgroup_pool_state *limit) { }
static inline bool ks_dmem_counts(struct dmem_cgroup_pool_state *limit,
				  struct dmem_cgroup_pool_state *pool)
{
	return false;
}

#endif

#endif /* KS_DMEM_H */
