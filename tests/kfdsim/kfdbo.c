// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers of ALLOC_MEMORY_OF_GPU. They occupy address ranges (SVM answers
 * EADDRINUSE there) and VRAM bytes, which are never evicted; that is all the
 * rest of the module needs of them.
 */
#include <linux/slab.h>
#include <linux/kfd_ioctl.h>

#include "dmem.h"
#include "kfdbo.h"
#include "migrate.h"
#include "vram.h"

struct kfdbo {
	struct ks_dev *dev;
	u64 va;
	u64 size;
	bool vram;
	struct dmem_cgroup_pool_state *pool; /* where it is charged */
};

/* VRAM for it, in its cgroup and on the device. */
static int take_vram(struct kfdbo *bo)
{
	int r = ks_evict_charge(bo->dev, NULL, bo->size, &bo->pool);

	if (r)
		return r;
	if (!ks_evict_make_room(bo->dev, bo->size, NULL) && ks_vram_charge_kfd(bo->dev, bo->size))
		return 0;
	ks_dmem_uncharge(bo->pool, bo->size);
	return -ENOMEM;
}

static void give_vram(struct kfdbo *bo)
{
	ks_vram_charge_kfd(bo->dev, -(s64)bo->size);
	ks_dmem_uncharge(bo->pool, bo->size);
}

#define HANDLE(dev, id) ((u64)(dev)->gpu_id << 32 | (u32)(id))

int ks_kfdbo_alloc(struct ks_process *p, struct kfd_ioctl_alloc_memory_of_gpu_args *args)
{
	struct ks_dev *dev = ks_process_dev(p, args->gpu_id);
	struct kfdbo *bo;
	int id;

	if (!args->size || !dev || !p->pdd[dev->idx].drm_file)
		return -EINVAL;
	bo = kzalloc(sizeof(*bo), GFP_KERNEL);
	if (!bo)
		return -ENOMEM;
	bo->dev = dev;
	bo->va = args->va_addr;
	bo->size = PAGE_ALIGN(args->size);
	bo->vram = args->flags & KFD_IOC_ALLOC_MEM_FLAGS_VRAM;
	if (bo->vram && take_vram(bo)) {
		kfree(bo);
		return -ENOMEM;
	}
	mutex_lock(&p->lock);
	id = idr_alloc(&p->bos, bo, 1, 0, GFP_KERNEL);
	mutex_unlock(&p->lock);
	if (id < 0) {
		if (bo->vram)
			give_vram(bo);
		kfree(bo);
		return id;
	}
	if (bo->vram)
		atomic64_add(bo->size, &p->pdd[dev->idx].kfd_bytes);
	args->handle = HANDLE(dev, id);
	if (!(args->flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR))
		args->mmap_offset = (u64)id << PAGE_SHIFT;
	return 0;
}

static void kfdbo_drop(struct ks_process *p, struct kfdbo *bo)
{
	if (bo->vram) {
		give_vram(bo);
		atomic64_sub(bo->size, &p->pdd[bo->dev->idx].kfd_bytes);
	}
	kfree(bo);
}

int ks_kfdbo_free(struct ks_process *p, u64 handle)
{
	struct kfdbo *bo;
	int r = -EINVAL;

	mutex_lock(&p->lock);
	bo = idr_find(&p->bos, (u32)handle);
	if (bo && HANDLE(bo->dev, (u32)handle) == handle) {
		idr_remove(&p->bos, (u32)handle);
		kfdbo_drop(p, bo);
		r = 0;
	}
	mutex_unlock(&p->lock);
	return r;
}

bool ks_kfdbo_exists(struct ks_process *p, u64 handle)
{
	struct kfdbo *bo;
	bool ok;

	mutex_lock(&p->lock);
	bo = idr_find(&p->bos, (u32)handle);
	ok = bo && HANDLE(bo->dev, (u32)handle) == handle;
	mutex_unlock(&p->lock);
	return ok;
}

bool ks_kfdbo_overlaps(struct ks_process *p, u64 start, u64 end)
{
	struct kfdbo *bo;
	bool hit = false;
	int id;

	mutex_lock(&p->lock);
	idr_for_each_entry (&p->bos, bo, id)
		hit |= bo->va < end && bo->va + bo->size > start;
	mutex_unlock(&p->lock);
	return hit;
}

void ks_kfdbo_drop_all(struct ks_process *p)
{
	struct kfdbo *bo;
	int id;

	idr_for_each_entry (&p->bos, bo, id) {
		idr_remove(&p->bos, id);
		kfdbo_drop(p, bo);
	}
}
