/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device memory: the coherent pages of a device, the buffers (BOs) they are
 * charged to, and the owners the buffers are charged to.
 */
#ifndef KS_VRAM_H
#define KS_VRAM_H

#include <linux/kref.h>

#include "kfdsim.h"

struct ks_process;

/*
 * Who migrated a page here. Outlives the process while pages of it are left
 * (a forked child shares them), so it is all that page_free() needs.
 */
struct ks_owner {
	struct kref ref;
	struct list_head node;
	pid_t pid;
	spinlock_t lock;
	struct ks_process *proc; /* NULL after the process is gone */
	atomic_long_t pages[KS_MAX_DEV];
	atomic64_t bo_bytes[KS_MAX_DEV];
};

/*
 * One buffer per sub-range, as the driver allocates it: its whole size is
 * charged even if one page of it is used. Each resident page and each range
 * (after a split there are several) holds a reference.
 */
struct ks_bo {
	struct kref ref;
	struct ks_dev *dev;
	struct ks_owner *owner;
	u64 bytes;
	struct dmem_cgroup_pool_state *pool; /* where it is charged */
	struct list_head lru;
};

/* Register the reserved range as coherent pages; 0 or -errno. */
int ks_vram_init(struct ks_dev *dev);
/* Waits until the last page came home. */
void ks_vram_fini(struct ks_dev *dev);

struct ks_owner *ks_owner_create(pid_t pid, struct ks_process *proc);
void ks_owner_put(struct ks_owner *owner);
/* The process behind an owner with a reference, or NULL. */
struct ks_process *ks_owner_process(struct ks_owner *owner);
/* Print "pid pages bo_bytes" of every owner on @dev; returns the length. */
int ks_owner_list(struct ks_dev *dev, char *buf, size_t size);

/* A buffer without evicting, NULL if it does not fit; @pool, which has been charged, is its own then. */
struct ks_bo *ks_bo_try_create(struct ks_dev *dev, struct ks_owner *owner, u64 bytes,
			       struct dmem_cgroup_pool_state *pool);
struct ks_bo *ks_bo_get(struct ks_bo *bo);
void ks_bo_put(struct ks_bo *bo);
/* A GPU fault used the buffer: it becomes the hottest one. */
void ks_bo_touch(struct ks_bo *bo);
/* The buffer after the @skip coldest ones, with a reference; or NULL. */
struct ks_bo *ks_bo_coldest(struct ks_dev *dev, unsigned int skip);

/* Bytes that buffers may use at this moment (negative: overcommitted). */
s64 ks_vram_room(struct ks_dev *dev);
/* Charge or uncharge a buffer of ALLOC_MEMORY_OF_GPU; false: no room. */
bool ks_vram_charge_kfd(struct ks_dev *dev, s64 bytes);

/* A locked page with one reference, charged to @bo; or NULL. */
struct page *ks_vram_page_alloc(struct ks_bo *bo);

#endif /* KS_VRAM_H */
