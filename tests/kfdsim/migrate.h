/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Moving pages between system and device memory, and making room for it.
 */
#ifndef KS_MIGRATE_H
#define KS_MIGRATE_H

#include "process.h"
#include "smi.h"

struct ks_bo;
struct ks_owner;

/*
 * Move what can be moved of the pages [start, last] of one range. The caller
 * holds mmap_lock for reading and p->migrate_mutex. 0 if nothing failed
 * outright (pages that cannot move are no failure), else -errno.
 */
int ks_migrate_to_vram(struct ks_process *p, unsigned long start, unsigned long last,
		       struct ks_dev *dev, enum ks_migrate_trigger trigger);
int ks_migrate_to_ram(struct ks_process *p, unsigned long start, unsigned long last,
		      enum ks_migrate_trigger trigger);

/*
 * Evict the least recently faulted buffers of any process until @bytes more
 * fit. @self: the process whose locks the caller holds, or NULL. 0 or -ENOMEM.
 */
int ks_evict_make_room(struct ks_dev *dev, u64 bytes, struct ks_process *self);
/*
 * Evict the least recently faulted buffers that count towards a cgroup's limit until @bytes of them are gone.
 * Returns how many are.
 */
u64 ks_evict_counted(struct ks_dev *dev, struct dmem_cgroup_pool_state *limit, u64 bytes,
		     struct ks_process *self);
/* Charges the caller's cgroup, whose own buffers make the room that its limit asks for. 0 or -ENOMEM. */
int ks_evict_charge(struct ks_dev *dev, struct ks_process *self, u64 bytes,
		    struct dmem_cgroup_pool_state **pool);
/*
 * As ks_bo_try_create(), charged to the caller's cgroup, evicting if need be: the cgroup's own buffers for
 * its limit, anybody's for room. ERR_PTR(-ENOMEM).
 */
struct ks_bo *ks_evict_bo_create(struct ks_dev *dev, struct ks_process *self, u64 bytes);

#endif /* KS_MIGRATE_H */
