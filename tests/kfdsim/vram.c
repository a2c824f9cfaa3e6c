// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device memory: free pages, buffers and owners.
 *
 * Pages are real MEMORY_DEVICE_COHERENT pages of a reserved physical range.
 * A free page is chained through zone_device_data, a used one names its
 * buffer there. All puts may come from page_free(), that is from any context.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "dmem.h"
#include "process.h"
#include "vram.h"

static LIST_HEAD(owners);
static DEFINE_SPINLOCK(owners_lock);

struct ks_owner *ks_owner_create(pid_t pid, struct ks_process *proc)
{
	struct ks_owner *owner = kzalloc(sizeof(*owner), GFP_KERNEL);

	if (!owner)
		return NULL;
	kref_init(&owner->ref);
	spin_lock_init(&owner->lock);
	owner->pid = pid;
	owner->proc = proc;
	spin_lock_irq(&owners_lock);
	list_add_tail(&owner->node, &owners);
	spin_unlock_irq(&owners_lock);
	return owner;
}

static void owner_free(struct kref *ref)
{
	struct ks_owner *owner = container_of(ref, struct ks_owner, ref);

	list_del(&owner->node);
	kfree(owner);
}

void ks_owner_put(struct ks_owner *owner)
{
	unsigned long flags;

	spin_lock_irqsave(&owners_lock, flags);
	kref_put(&owner->ref, owner_free);
	spin_unlock_irqrestore(&owners_lock, flags);
}

struct ks_process *ks_owner_process(struct ks_owner *owner)
{
	struct ks_process *p;

	spin_lock_irq(&owner->lock);
	p = owner->proc;
	if (p && !kref_get_unless_zero(&p->ref))
		p = NULL;
	spin_unlock_irq(&owner->lock);
	return p;
}

int ks_owner_list(struct ks_dev *dev, char *buf, size_t size)
{
	struct ks_owner *owner;
	int len = 0;

	spin_lock_irq(&owners_lock);
	list_for_each_entry (owner, &owners, node) {
		long pages = atomic_long_read(&owner->pages[dev->idx]);
		s64 bytes = atomic64_read(&owner->bo_bytes[dev->idx]);

		if (pages || bytes)
			len += scnprintf(buf + len, size - len, "%d %ld %lld\n", owner->pid, pages,
					 bytes);
	}
	spin_unlock_irq(&owners_lock);
	return len;
}

static s64 room_locked(struct ks_dev *dev)
{
	return (s64)dev->size - (s64)dev->taken_bytes - (s64)dev->kfd_bytes - (s64)dev->bo_bytes;
}

s64 ks_vram_room(struct ks_dev *dev)
{
	unsigned long flags;
	s64 room;

	spin_lock_irqsave(&dev->lock, flags);
	room = room_locked(dev);
	spin_unlock_irqrestore(&dev->lock, flags);
	return room;
}

bool ks_vram_charge_kfd(struct ks_dev *dev, s64 bytes)
{
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&dev->lock, flags);
	ok = bytes < 0 || room_locked(dev) >= bytes;
	if (ok)
		dev->kfd_bytes += bytes;
	spin_unlock_irqrestore(&dev->lock, flags);
	return ok;
}

struct ks_bo *ks_bo_try_create(struct ks_dev *dev, struct ks_owner *owner, u64 bytes,
			       struct dmem_cgroup_pool_state *pool)
{
	struct ks_bo *bo = kzalloc(sizeof(*bo), GFP_KERNEL);
	bool fits;

	if (!bo)
		return NULL;
	kref_init(&bo->ref);
	bo->dev = dev;
	bo->bytes = bytes;
	bo->owner = owner;
	bo->pool = pool;

	spin_lock_irq(&dev->lock);
	fits = room_locked(dev) >= (s64)bytes;
	if (fits) {
		kref_get(&owner->ref);
		dev->bo_bytes += bytes;
		list_add_tail(&bo->lru, &dev->lru);
	}
	spin_unlock_irq(&dev->lock);
	if (!fits) {
		kfree(bo);
		return NULL;
	}
	/* Pages may outlive their process: they keep the module in place. */
	__module_get(THIS_MODULE);
	atomic64_add(bytes, &owner->bo_bytes[dev->idx]);
	return bo;
}

struct ks_bo *ks_bo_get(struct ks_bo *bo)
{
	kref_get(&bo->ref);
	return bo;
}

static void bo_release(struct kref *ref)
{
	struct ks_bo *bo = container_of(ref, struct ks_bo, ref);

	bo->dev->bo_bytes -= bo->bytes;
	list_del(&bo->lru);
}

void ks_bo_put(struct ks_bo *bo)
{
	struct ks_dev *dev;
	unsigned long flags;
	int last;

	if (!bo)
		return;
	dev = bo->dev;
	/* Under the lock, so that ks_bo_coldest() never sees a dead buffer. */
	spin_lock_irqsave(&dev->lock, flags);
	last = kref_put(&bo->ref, bo_release);
	spin_unlock_irqrestore(&dev->lock, flags);
	if (!last)
		return;
	atomic64_sub(bo->bytes, &bo->owner->bo_bytes[dev->idx]);
	ks_dmem_uncharge(bo->pool, bo->bytes);
	ks_owner_put(bo->owner);
	kfree(bo);
	module_put(THIS_MODULE);
}

void ks_bo_touch(struct ks_bo *bo)
{
	unsigned long flags;

	spin_lock_irqsave(&bo->dev->lock, flags);
	list_move_tail(&bo->lru, &bo->dev->lru);
	spin_unlock_irqrestore(&bo->dev->lock, flags);
}

struct ks_bo *ks_bo_coldest(struct ks_dev *dev, unsigned int skip)
{
	struct ks_bo *bo, *found = NULL;

	spin_lock_irq(&dev->lock);
	list_for_each_entry (bo, &dev->lru, lru) {
		if (!skip--) {
			kref_get(&bo->ref);
			found = bo;
			break;
		}
	}
	spin_unlock_irq(&dev->lock);
	return found;
}

struct page *ks_vram_page_alloc(struct ks_bo *bo)
{
	struct ks_dev *dev = bo->dev;
	unsigned long used, flags;
	struct page *page;

	spin_lock_irqsave(&dev->lock, flags);
	page = dev->free;
	if (page) {
		dev->free = page->zone_device_data;
		dev->free_pages--;
		used = dev->total_pages - dev->free_pages;
		dev->peak_pages = max(dev->peak_pages, used);
		kref_get(&bo->ref);
	}
	spin_unlock_irqrestore(&dev->lock, flags);
	if (!page)
		return NULL;
	atomic_long_inc(&bo->owner->pages[dev->idx]);
	page->zone_device_data = bo;
	ks_zone_device_page_init(page, &dev->pgmap);
	return page;
}

static void vram_page_free(ks_freed_arg *freed)
{
	struct page *page = ks_freed_page(freed);
	struct ks_bo *bo = page->zone_device_data;
	struct ks_dev *dev = bo->dev;
	unsigned long flags;

	atomic_long_dec(&bo->owner->pages[dev->idx]);
	spin_lock_irqsave(&dev->lock, flags);
	page->zone_device_data = dev->free;
	dev->free = page;
	dev->free_pages++;
	spin_unlock_irqrestore(&dev->lock, flags);
	ks_bo_put(bo);
}

/* The CPU reaches coherent pages directly: this fault never happens. */
static vm_fault_t vram_migrate_to_ram(struct vm_fault *vmf)
{
	return VM_FAULT_SIGBUS;
}

static const struct dev_pagemap_ops vram_ops = {
	.ks_page_free = vram_page_free,
	.migrate_to_ram = vram_migrate_to_ram,
};

int ks_vram_init(struct ks_dev *dev)
{
	unsigned long pfn, first;
	void *addr;

	spin_lock_init(&dev->lock);
	INIT_LIST_HEAD(&dev->lru);
	dev->pgmap.type = MEMORY_DEVICE_COHERENT;
	dev->pgmap.range.start = dev->base;
	dev->pgmap.range.end = dev->base + dev->size - 1;
	dev->pgmap.nr_range = 1;
	dev->pgmap.ops = &vram_ops;
	dev->pgmap.owner = dev;
	addr = memremap_pages(&dev->pgmap, dev->nid);
	if (IS_ERR(addr)) {
		pr_err(KS_NAME
		       ": device %u: range %pa+%#llx: error %ld (is it reserved with memmap=?)\n",
		       dev->idx, &dev->base, dev->size, PTR_ERR(addr));
		return PTR_ERR(addr);
	}
	dev->mapped = true;

	first = PHYS_PFN(dev->base);
	for (pfn = first + PHYS_PFN(dev->size); pfn-- > first;) {
		struct page *page = pfn_to_page(pfn);

		page->zone_device_data = dev->free;
		dev->free = page;
	}
	dev->total_pages = PHYS_PFN(dev->size);
	dev->free_pages = dev->total_pages;
	return 0;
}

void ks_vram_fini(struct ks_dev *dev)
{
	if (dev->mapped)
		memunmap_pages(&dev->pgmap);
	dev->mapped = false;
}
