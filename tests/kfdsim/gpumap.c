// SPDX-License-Identifier: GPL-2.0-only
/*
 * GPU mappings of a process: one xarray entry per mapped page, its value the
 * set of GPUs. Kept honest by the mmu notifier like a real page table.
 */
#include <linux/hmm.h>
#include <linux/slab.h>
#include <linux/kfd_ioctl.h>

#include "gpumap.h"
#include "range.h"
#include "smi.h"

#define MAP_TRIES 8

unsigned long ks_gpumap_clear(struct ks_process *p, unsigned long start, unsigned long last,
			      unsigned long gpus)
{
	unsigned long index, had = 0;
	void *entry;

	if (xa_empty(&p->gpu_map))
		return 0;
	xa_for_each_range (&p->gpu_map, index, entry, start, last) {
		unsigned long left = xa_to_value(entry) & ~gpus;

		had |= xa_to_value(entry) & gpus;
		/* Replacing an entry that exists allocates nothing. */
		if (left)
			xa_store(&p->gpu_map, index, xa_mk_value(left), GFP_NOWAIT);
		else
			xa_erase(&p->gpu_map, index);
	}
	return had;
}

bool ks_gpumap_test(struct ks_process *p, unsigned long page, unsigned int gpu)
{
	void *entry = xa_load(&p->gpu_map, page);

	return entry && (xa_to_value(entry) & BIT(gpu));
}

void ks_gpumap_invalidate(struct ks_process *p, const struct mmu_notifier_range *range,
			  unsigned long seq)
{
	unsigned long start = range->start >> PAGE_SHIFT;
	unsigned long last = (range->end - 1) >> PAGE_SHIFT;
	unsigned long had;
	struct ks_dev *dev;
	unsigned int i;
	int trigger;

	spin_lock(&p->map_lock);
	mmu_interval_set_seq(&p->mni, seq);
	had = ks_gpumap_clear(p, start, last, ~0UL);
	if (!p->xnack)
		p->evicted_gpus |= had;
	spin_unlock(&p->map_lock);
	if (!had)
		return;

	trigger = range->event == MMU_NOTIFY_UNMAP     ? KS_UNMAP_CPU
		  : range->event == MMU_NOTIFY_MIGRATE ? KS_UNMAP_MIGRATE
						       : KS_UNMAP_NOTIFIER;
	ks_for_each_dev (dev, i) {
		if (!(had & BIT(i)))
			continue;
		if (p->xnack || trigger == KS_UNMAP_CPU)
			ks_smi_unmap(dev, p, start, last, trigger);
		else
			ks_smi_queue_eviction(dev, p);
	}
	if (!p->xnack && trigger != KS_UNMAP_CPU)
		schedule_delayed_work(&p->restore_work, msecs_to_jiffies(1));
}

/* One batch of at most KS_BATCH pages: fault, then publish unless raced. */
static int map_batch(struct ks_process *p, struct hmm_range *range, unsigned long gpus)
{
	unsigned long page = range->start >> PAGE_SHIFT;
	unsigned long n = (range->end - range->start) >> PAGE_SHIFT, i;
	int tries, r;

	for (tries = 0; tries < MAP_TRIES; tries++) {
		range->notifier_seq = mmu_interval_read_begin(&p->mni);
		r = hmm_range_fault(range);
		if (r == -EBUSY)
			continue;
		if (r)
			return r;
		for (i = 0; i < n; i++) {
			void *old = xa_load(&p->gpu_map, page + i);
			unsigned long all = gpus | (old ? xa_to_value(old) : 0);

			r = xa_err(xa_store(&p->gpu_map, page + i, xa_mk_value(all), GFP_KERNEL));
			if (r)
				return r;
		}
		spin_lock(&p->map_lock);
		r = mmu_interval_read_retry(&p->mni, range->notifier_seq);
		if (r)
			ks_gpumap_clear(p, page, page + n - 1, gpus);
		spin_unlock(&p->map_lock);
		if (!r)
			return 0;
	}
	return -EAGAIN;
}

int ks_gpumap_add(struct ks_process *p, unsigned long start, unsigned long last, unsigned long gpus)
{
	struct hmm_range range = {.notifier = &p->mni};
	unsigned long addr = start << PAGE_SHIFT;
	unsigned long end = (last + 1) << PAGE_SHIFT;
	struct vm_area_struct *vma;
	int r = 0;

	range.hmm_pfns = kcalloc(KS_BATCH, sizeof(unsigned long), GFP_KERNEL);
	if (!range.hmm_pfns)
		return -ENOMEM;
	while (addr < end && !r) {
		vma = find_vma(p->mm, addr);
		if (!vma || vma->vm_start > addr) {
			r = -EFAULT;
			break;
		}
		range.start = addr;
		range.end = min3(end, vma->vm_end, addr + KS_BATCH * PAGE_SIZE);
		range.default_flags = HMM_PFN_REQ_FAULT;
		if (vma->vm_flags & VM_WRITE)
			range.default_flags |= HMM_PFN_REQ_WRITE;
		r = map_batch(p, &range, gpus);
		addr = range.end;
	}
	kfree(range.hmm_pfns);
	return r;
}
