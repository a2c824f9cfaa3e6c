// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMDKFD_IOC_SVM with SET_ATTR: checks in the driver's order, ranges split at
 * the edges, then migration and mapping range by range. GET_ATTR is in
 * svm_get.c.
 */
#include <linux/log2.h>
#include <linux/sched/mm.h>
#include <linux/kfd_ioctl.h>

#include "control.h"
#include "gpumap.h"
#include "kfdbo.h"
#include "migrate.h"
#include "range.h"
#include "svm.h"
#include "svm_get.h"

atomic_t ks_would_oops = ATOMIC_INIT(0);

static int check_attr(struct ks_process *p, u32 type, u32 value)
{
	switch (type) {
	case KFD_IOCTL_SVM_ATTR_PREFERRED_LOC:
		if (value == KS_LOC_SYSMEM || value == KS_LOC_UNDEFINED)
			return 0;
		break;
	case KFD_IOCTL_SVM_ATTR_PREFETCH_LOC:
		if (value == KS_LOC_SYSMEM)
			return 0;
		break;
	case KFD_IOCTL_SVM_ATTR_ACCESS:
	case KFD_IOCTL_SVM_ATTR_ACCESS_IN_PLACE:
	case KFD_IOCTL_SVM_ATTR_NO_ACCESS:
		break;
	case KFD_IOCTL_SVM_ATTR_SET_FLAGS:
	case KFD_IOCTL_SVM_ATTR_CLR_FLAGS:
	case KFD_IOCTL_SVM_ATTR_GRANULARITY:
		return 0;
	default:
		return -EINVAL;
	}
	return ks_process_dev(p, value) ? 0 : -EINVAL;
}

/* Every page must have an ordinary VMA and no KFD buffer at its address. */
int ks_svm_check_range(struct ks_process *p, u64 start, u64 size)
{
	const unsigned long special = VM_IO | VM_PFNMAP | VM_MIXEDMAP;
	struct vm_area_struct *vma;
	u64 addr, end;

	if (check_add_overflow(start, size, &end))
		return ks_abi == KS_ABI_6_1 ? -EFAULT : -EOVERFLOW;
	for (addr = start; addr < end; addr = vma->vm_end) {
		vma = vma_lookup(p->mm, addr);
		if (!vma || (vma->vm_flags & special))
			return -EFAULT;
	}
	return ks_kfdbo_overlaps(p, start, end) ? -EADDRINUSE : 0;
}

/* Largest range that is made for a gap: VRAM/32, a power of two. */
static unsigned long max_range_pages(void)
{
	u64 bytes = ks_ndevs ? rounddown_pow_of_two(ks_devs[0]->size / 32) : 0;

	return clamp_t(u64, bytes, SZ_2M, SZ_1G) >> PAGE_SHIFT;
}

static int fill_gap(struct ks_process *p, unsigned long start, unsigned long last)
{
	unsigned long max = max_range_pages();

	while (start <= last) {
		unsigned long l = min(last, ALIGN_DOWN(start + max, max) - 1);
		struct ks_range *r = ks_range_add(p, start, l);

		if (IS_ERR(r))
			return PTR_ERR(r);
		start = l + 1;
	}
	return 0;
}

int ks_svm_fill_gaps(struct ks_process *p, unsigned long start, unsigned long last)
{
	while (start <= last) {
		struct ks_range *r = ks_range_first(p, start, last);
		int err = 0;

		if (!r)
			return fill_gap(p, start, last);
		if (r->it.start > start)
			err = fill_gap(p, start, r->it.start - 1);
		if (err)
			return err;
		start = r->it.last + 1;
	}
	return 0;
}

/* Would these attributes change nothing? A prefetch always acts. */
static bool same_attrs(struct ks_range *r, const struct kfd_ioctl_svm_args *args)
{
	u32 i;

	for (i = 0; i < args->nattr; i++) {
		u32 value = args->attrs[i].value;
		struct ks_dev *dev = ks_dev_by_gpu_id(value);
		unsigned long bit = dev ? BIT(dev->idx) : 0;
		bool same = true;

		switch (args->attrs[i].type) {
		case KFD_IOCTL_SVM_ATTR_PREFERRED_LOC:
			same = r->preferred_loc == value;
			break;
		case KFD_IOCTL_SVM_ATTR_PREFETCH_LOC:
			return false;
		case KFD_IOCTL_SVM_ATTR_ACCESS:
			same = r->access & bit;
			break;
		case KFD_IOCTL_SVM_ATTR_ACCESS_IN_PLACE:
			same = r->in_place & bit;
			break;
		case KFD_IOCTL_SVM_ATTR_NO_ACCESS:
			same = !((r->access | r->in_place) & bit);
			break;
		case KFD_IOCTL_SVM_ATTR_SET_FLAGS:
			same = (r->flags & value) == value;
			break;
		case KFD_IOCTL_SVM_ATTR_CLR_FLAGS:
			same = !(r->flags & value);
			break;
		case KFD_IOCTL_SVM_ATTR_GRANULARITY:
			same = r->granularity == value;
			break;
		}
		if (!same)
			return false;
	}
	return true;
}

/* Returns the GPUs that lost access. */
static unsigned long apply_attrs(struct ks_range *r, const struct kfd_ioctl_svm_args *args)
{
	unsigned long lost = 0;
	u32 i;

	for (i = 0; i < args->nattr; i++) {
		u32 value = args->attrs[i].value;
		struct ks_dev *dev = ks_dev_by_gpu_id(value);
		unsigned long bit = dev ? BIT(dev->idx) : 0;

		switch (args->attrs[i].type) {
		case KFD_IOCTL_SVM_ATTR_PREFERRED_LOC:
			r->preferred_loc = value;
			break;
		case KFD_IOCTL_SVM_ATTR_PREFETCH_LOC:
			r->prefetch_loc = value;
			break;
		case KFD_IOCTL_SVM_ATTR_ACCESS:
			r->access |= bit;
			r->in_place &= ~bit;
			break;
		case KFD_IOCTL_SVM_ATTR_ACCESS_IN_PLACE:
			r->access &= ~bit;
			r->in_place |= bit;
			break;
		case KFD_IOCTL_SVM_ATTR_NO_ACCESS:
			r->access &= ~bit;
			r->in_place &= ~bit;
			lost |= bit;
			break;
		case KFD_IOCTL_SVM_ATTR_SET_FLAGS:
			r->flags |= value;
			break;
		case KFD_IOCTL_SVM_ATTR_CLR_FLAGS:
			r->flags &= ~value;
			break;
		case KFD_IOCTL_SVM_ATTR_GRANULARITY:
			r->granularity = min_t(u32, value, 0x3f);
			break;
		}
	}
	return lost;
}

/* Split at the edges, fill the gaps, set the attributes; mmap_lock is held. */
static int add_ranges(struct ks_process *p, unsigned long start, unsigned long last,
		      const struct kfd_ioctl_svm_args *args)
{
	unsigned long at, lost;
	struct ks_range *r;
	int err = 0;

	mutex_lock(&p->svm_lock);
	r = ks_range_first(p, start, start);
	if (r && !same_attrs(r, args))
		err = ks_range_split_at(p, start, GFP_KERNEL);
	r = ks_range_first(p, last, last);
	if (!err && r && !same_attrs(r, args))
		err = ks_range_split_at(p, last + 1, GFP_KERNEL);
	if (!err)
		err = ks_svm_fill_gaps(p, start, last);
	for (at = start; !err && (r = ks_range_first(p, at, last)); at = r->it.last + 1) {
		r->pending = !same_attrs(r, args);
		if (!r->pending)
			continue;
		lost = apply_attrs(r, args);
		/* Up to 6.12 the old GPU mapping stays behind. */
		if (lost && ks_abi == KS_ABI_7_3)
			ks_gpumap_clear(p, r->it.start, r->it.last, lost);
	}
	mutex_unlock(&p->svm_lock);
	return err;
}

/*
 * Where the prefetch of a range shall go. Another GPU with access in the same
 * hive does not matter, and all our devices are in one.
 */
static bool prefetch_target(struct ks_process *p, unsigned long start, struct ks_dev **to)
{
	struct ks_range *r = ks_range_first(p, start, start);

	if (!r || r->prefetch_loc == KS_LOC_UNDEFINED)
		return false;
	*to = r->prefetch_loc ? ks_process_dev(p, r->prefetch_loc) : NULL;
	if (ks_abi == KS_ABI_6_1 && *to == r->loc)
		return false;
	return *to || r->loc;
}

/* Migrate and map one range; what the driver would return for it. */
static int update_range(struct ks_process *p, unsigned long start, unsigned long last)
{
	struct ks_dev *to = NULL;
	bool move;
	int r = 0;

	mutex_lock(&p->svm_lock);
	move = prefetch_target(p, start, &to);
	mutex_unlock(&p->svm_lock);
	if (move && to) {
		r = ks_migrate_to_vram(p, start, last, to, KS_MIGRATE_PREFETCH);
		/* The error that user space never sees. */
		if (ks_abi != KS_ABI_6_1)
			r = 0;
	} else if (move) {
		r = ks_migrate_to_ram(p, start, last, KS_MIGRATE_PREFETCH);
	}
	return r ? r : ks_svm_map(p, start, last, -1);
}

static int update_ranges(struct ks_process *p, unsigned long start, unsigned long last)
{
	unsigned long at = start, first, end;
	struct ks_range *r;
	int err = 0, one;

	mutex_lock(&p->migrate_mutex);
	for (;;) {
		mutex_lock(&p->svm_lock);
		do {
			r = ks_range_first(p, at, last);
			if (r)
				at = r->it.last + 1;
		} while (r && !r->pending);
		if (r) {
			r->pending = false;
			first = r->it.start;
			end = r->it.last;
		}
		mutex_unlock(&p->svm_lock);
		if (!r)
			break;
		one = update_range(p, first, end);
		if (one)
			err = one;
		if ((err && ks_abi == KS_ABI_6_1) || fatal_signal_pending(current))
			break;
	}
	mutex_unlock(&p->migrate_mutex);
	return err;
}

static int svm_set(struct ks_process *p, const struct kfd_ioctl_svm_args *args)
{
	unsigned long start = args->start_addr >> PAGE_SHIFT;
	unsigned long last = start + (args->size >> PAGE_SHIFT) - 1;
	u32 i;
	int r;

	for (i = 0; i < args->nattr; i++) {
		r = check_attr(p, args->attrs[i].type, args->attrs[i].value);
		if (r)
			return r;
	}
	if (!READ_ONCE(p->vm_acquired))
		return -EINVAL;
	r = ks_inject(KS_INJECT_SET);
	if (r)
		return r;
	if (mutex_lock_killable(&p->info_lock))
		return -EINTR;
	if (mmap_write_lock_killable(p->mm)) {
		mutex_unlock(&p->info_lock);
		return -EINTR;
	}
	r = ks_svm_check_range(p, args->start_addr, args->size);
	if (!r)
		r = add_ranges(p, start, last, args);
	if (r) {
		mmap_write_unlock(p->mm);
	} else {
		mmap_write_downgrade(p->mm);
		r = update_ranges(p, start, last);
		mmap_read_unlock(p->mm);
	}
	mutex_unlock(&p->info_lock);
	return r;
}

int ks_svm_ioctl(struct ks_process *p, struct kfd_ioctl_svm_args *args, size_t usize)
{
	if (usize < struct_size(args, attrs, args->nattr))
		return -EINVAL;
	if (!PAGE_ALIGNED(args->start_addr) || !PAGE_ALIGNED(args->size))
		return -EINVAL;
	if (!args->start_addr || !args->size)
		return -EINVAL;
	switch (args->op) {
	case KFD_IOCTL_SVM_OP_SET_ATTR:
		return svm_set(p, args);
	case KFD_IOCTL_SVM_OP_GET_ATTR:
		return ks_svm_get(p, args);
	}
	return -EINVAL;
}
