// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tree of SVM ranges: add, split, trim at munmap, drop.
 */
#include <linux/bitmap.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/kfd_ioctl.h>

#include "range.h"
#include "vram.h"

static atomic64_t sysmem_used = ATOMIC64_INIT(0);
static u64 sysmem_limit;

void ks_sysmem_init(u64 limit_bytes)
{
	u64 ram = (u64)totalram_pages() << PAGE_SHIFT;
	u64 keep = 3ULL << 29;

	/* RAM - RAM/64 - 1.5 GiB as the driver; half on guests that small. */
	sysmem_limit = ram - (ram >> 6);
	sysmem_limit = sysmem_limit < 2 * keep ? sysmem_limit / 2 : sysmem_limit - keep;
	if (limit_bytes)
		sysmem_limit = limit_bytes;
}

u64 ks_sysmem_used(void)
{
	return atomic64_read(&sysmem_used);
}

static bool sysmem_reserve(s64 bytes)
{
	if (atomic64_add_return(bytes, &sysmem_used) <= (s64)sysmem_limit)
		return true;
	atomic64_sub(bytes, &sysmem_used);
	return false;
}

struct ks_range *ks_range_first(struct ks_process *p, unsigned long start, unsigned long last)
{
	struct interval_tree_node *it;

	it = interval_tree_iter_first(&p->ranges, start, last);
	return it ? container_of(it, struct ks_range, it) : NULL;
}

struct ks_range *ks_range_add(struct ks_process *p, unsigned long start, unsigned long last)
{
	struct ks_range *r = kzalloc(sizeof(*r), GFP_KERNEL);
	struct ks_dev *dev;
	unsigned int i;

	if (!r)
		return ERR_PTR(-ENOMEM);
	r->it.start = start;
	r->it.last = last;
	if (!p->xnack) {
		if (!sysmem_reserve(ks_range_bytes(r))) {
			kfree(r);
			return ERR_PTR(-ENOMEM);
		}
		r->reserved = true;
	}
	r->preferred_loc = KS_LOC_UNDEFINED;
	r->prefetch_loc = KS_LOC_UNDEFINED;
	r->granularity = 9;
	r->flags = KFD_IOCTL_SVM_FLAG_HOST_ACCESS | KFD_IOCTL_SVM_FLAG_COHERENT;
	if (p->xnack)
		ks_for_each_dev (dev, i)
			if (p->pdd[i].allowed)
				r->access |= BIT(i);
	interval_tree_insert(&r->it, &p->ranges);
	return r;
}

int ks_range_split_at(struct ks_process *p, unsigned long at, gfp_t gfp)
{
	struct ks_range *r = ks_range_first(p, at, at);
	struct ks_range *tail;
	unsigned long head_pages;

	if (!r || r->it.start == at)
		return 0;
	tail = kmemdup(r, sizeof(*r), gfp);
	if (!tail)
		return -ENOMEM;
	head_pages = at - r->it.start;
	if (r->resident) {
		/* The head keeps the longer map: the bits beyond are unused. */
		tail->resident = kvcalloc(BITS_TO_LONGS(ks_range_npages(r)), sizeof(long), gfp);
		if (!tail->resident) {
			kfree(tail);
			return -ENOMEM;
		}
		bitmap_shift_right(tail->resident, r->resident, head_pages, ks_range_npages(r));
		bitmap_clear(r->resident, head_pages, ks_range_npages(r) - head_pages);
	}
	if (tail->bo)
		ks_bo_get(tail->bo);
	interval_tree_remove(&r->it, &p->ranges);
	r->it.last = at - 1;
	interval_tree_insert(&r->it, &p->ranges);
	tail->it.start = at;
	interval_tree_insert(&tail->it, &p->ranges);
	return 0;
}

int ks_range_need_bits(struct ks_range *r)
{
	if (!r->resident)
		r->resident = kvcalloc(BITS_TO_LONGS(ks_range_npages(r)), sizeof(long), GFP_KERNEL);
	return r->resident ? 0 : -ENOMEM;
}

void ks_range_set_resident(struct ks_process *p, unsigned long pfn, bool in)
{
	struct ks_range *r = ks_range_first(p, pfn, pfn);

	if (!r || !r->resident)
		return;
	if (in)
		__set_bit(pfn - r->it.start, r->resident);
	else
		__clear_bit(pfn - r->it.start, r->resident);
}

unsigned long ks_range_resident(const struct ks_range *r)
{
	return r->resident ? bitmap_weight(r->resident, ks_range_npages(r)) : 0;
}

void ks_range_drop_bo(struct ks_range *r)
{
	ks_bo_put(r->bo);
	r->bo = NULL;
	r->loc = NULL;
	kvfree(r->resident);
	r->resident = NULL;
}

static void range_free(struct ks_process *p, struct ks_range *r)
{
	interval_tree_remove(&r->it, &p->ranges);
	if (r->reserved)
		atomic64_sub(ks_range_bytes(r), &sysmem_used);
	ks_range_drop_bo(r);
	kfree(r);
}

void ks_range_unmap(struct ks_process *p, unsigned long start, unsigned long last)
{
	/* munmap cannot be refused here, so the splits must not fail. */
	const gfp_t gfp = GFP_KERNEL | __GFP_NOFAIL;
	struct ks_range *r;

	mutex_lock(&p->svm_lock);
	if (ks_range_first(p, start, last)) {
		ks_range_split_at(p, start, gfp);
		if (last != ULONG_MAX >> PAGE_SHIFT)
			ks_range_split_at(p, last + 1, gfp);
		while ((r = ks_range_first(p, start, last)))
			range_free(p, r);
	}
	mutex_unlock(&p->svm_lock);
}

void ks_range_drop_all(struct ks_process *p)
{
	struct ks_range *r;

	mutex_lock(&p->svm_lock);
	while ((r = ks_range_first(p, 0, ULONG_MAX)))
		range_free(p, r);
	mutex_unlock(&p->svm_lock);
}

int ks_range_switch_xnack(struct ks_process *p, bool xnack)
{
	struct interval_tree_node *it;
	u64 bytes = 0;
	int r = 0;

	mutex_lock(&p->svm_lock);
	for (it = interval_tree_iter_first(&p->ranges, 0, ULONG_MAX); it;
	     it = interval_tree_iter_next(it, 0, ULONG_MAX))
		bytes += (u64)(it->last - it->start + 1) << PAGE_SHIFT;
	if (!xnack && !sysmem_reserve(bytes)) {
		r = -ENOMEM;
	} else {
		if (xnack)
			atomic64_sub(bytes, &sysmem_used);
		for (it = interval_tree_iter_first(&p->ranges, 0, ULONG_MAX); it;
		     it = interval_tree_iter_next(it, 0, ULONG_MAX))
			container_of(it, struct ks_range, it)->reserved = !xnack;
		p->xnack = xnack;
	}
	mutex_unlock(&p->svm_lock);
	return r;
}
