// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GPU's side: which GPUs map a range, and what a GPU page fault does.
 */
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/kfd_ioctl.h>

#include "gpumap.h"
#include "migrate.h"
#include "range.h"
#include "svm.h"
#include "vram.h"

#define NO_ACCESS_TO_RANGE -1
#define FLAG_GPU_ALWAYS_MAPPED 0x40

static unsigned long gpus_to_map(struct ks_process *p, struct ks_range *r, int fault_gpu)
{
	unsigned long gpus;

	if (fault_gpu >= 0)
		return BIT(fault_gpu);
	if (!p->xnack)
		return r->access | r->in_place;
	gpus = r->in_place;
	if (r->loc)
		gpus |= r->access & BIT(r->loc->idx);
	if (!gpus && (r->mapped || (r->flags & FLAG_GPU_ALWAYS_MAPPED)))
		gpus = r->access;
	return gpus;
}

int ks_svm_map(struct ks_process *p, unsigned long start, unsigned long last, int fault_gpu)
{
	unsigned long gpus = 0;
	struct ks_range *r;
	unsigned int i;
	int err;

	mutex_lock(&p->svm_lock);
	r = ks_range_first(p, start, start);
	if (r)
		gpus = gpus_to_map(p, r, fault_gpu);
	mutex_unlock(&p->svm_lock);
	if (!gpus)
		return 0;
	for (i = 0; i < ks_ndevs; i++) {
		if ((gpus & BIT(i)) && !READ_ONCE(p->pdd[i].drm_file)) {
			/* The driver follows a NULL pointer at this point. */
			atomic_inc(&ks_would_oops);
			pr_err(KS_NAME ": pid %d: GPU %x is to map memory, but its VM was not "
				       "acquired: amdgpu would crash\n",
			       p->pid, ks_devs[i]->gpu_id);
			return -EFAULT;
		}
	}
	err = ks_gpumap_add(p, start, last, gpus);
	mutex_lock(&p->svm_lock);
	r = ks_range_first(p, start, start);
	if (r && !err)
		r->mapped = true;
	mutex_unlock(&p->svm_lock);
	return err;
}

static void restore_mappings(struct ks_process *p)
{
	unsigned long at = 0, start = 0, last = 0;
	struct ks_range *r;

	mutex_lock(&p->migrate_mutex);
	do {
		mutex_lock(&p->svm_lock);
		do {
			r = ks_range_first(p, at, ULONG_MAX);
			if (r) {
				start = r->it.start;
				last = r->it.last;
				at = last + 1;
			}
		} while (r && !r->mapped);
		mutex_unlock(&p->svm_lock);
		if (r)
			ks_svm_map(p, start, last, -1);
	} while (r);
	mutex_unlock(&p->migrate_mutex);
}

void ks_svm_restore_work(struct work_struct *work)
{
	struct ks_process *p = container_of(to_delayed_work(work), struct ks_process, restore_work);
	unsigned long gpus;
	struct ks_dev *dev;
	unsigned int i;

	if (!mmget_not_zero(p->mm))
		return;
	spin_lock(&p->map_lock);
	gpus = p->evicted_gpus;
	p->evicted_gpus = 0;
	spin_unlock(&p->map_lock);
	mmap_read_lock(p->mm);
	restore_mappings(p);
	mmap_read_unlock(p->mm);
	ks_for_each_dev (dev, i)
		if (gpus & BIT(i))
			ks_smi_queue_restore(dev, p);
	mmput(p->mm);
}

static bool is_heap_or_stack(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;

	return (vma->vm_start <= mm->brk && vma->vm_end >= mm->start_brk) ||
	       (vma->vm_start <= mm->start_stack && vma->vm_end >= mm->start_stack);
}

/* Memory nobody ever named: a default range of at most 2 MiB around @page. */
static int add_unregistered(struct ks_process *p, unsigned long page)
{
	struct vm_area_struct *vma = vma_lookup(p->mm, page << PAGE_SHIFT);
	unsigned long start, last;
	struct ks_range *r;
	int err = 0;

	if (!vma)
		return -EFAULT;
	start = max(vma->vm_start >> PAGE_SHIFT, ALIGN_DOWN(page, 512UL));
	last = min(vma->vm_end >> PAGE_SHIFT, ALIGN(page + 1, 512UL)) - 1;
	mutex_lock(&p->svm_lock);
	while (start < page && (r = ks_range_first(p, start, page - 1)))
		start = r->it.last + 1;
	r = ks_range_first(p, page, last);
	if (!r || r->it.start > page) {
		if (r)
			last = r->it.start - 1;
		r = ks_range_add(p, start, last);
		err = PTR_ERR_OR_ZERO(r);
		if (!err && is_heap_or_stack(vma))
			r->preferred_loc = KS_LOC_SYSMEM;
	}
	mutex_unlock(&p->svm_lock);
	return err;
}

/* Where the driver puts a range that this GPU faulted on: gpu_id, 0 or -1. */
static s64 restore_location(struct ks_range *r, struct ks_dev *dev)
{
	if (r->preferred_loc == dev->gpu_id || r->preferred_loc == KS_LOC_SYSMEM)
		return r->preferred_loc;
	/* All devices are in one hive, so that another one will do as well. */
	if (r->preferred_loc != KS_LOC_UNDEFINED)
		return r->preferred_loc;
	if (r->access & BIT(dev->idx))
		return dev->gpu_id;
	if (r->in_place & BIT(dev->idx))
		return r->loc ? r->loc->gpu_id : 0;
	return NO_ACCESS_TO_RANGE;
}

struct fault {
	struct ks_process *p;
	struct ks_dev *dev;
	unsigned long page;
	bool write;
	unsigned long start; /* the chunk that the fault moves */
	unsigned long last;
	s64 to;
	bool in_vram;
};

/* Choose target and chunk; the LRU learns of the fault. */
static int fault_plan(struct fault *f)
{
	struct ks_process *p = f->p;
	struct ks_range *r;
	unsigned long size;
	int err = 0;

	mutex_lock(&p->svm_lock);
	r = ks_range_first(p, f->page, f->page);
	if (!r) {
		err = -EAGAIN;
		goto out;
	}
	f->to = restore_location(r, f->dev);
	if (f->to == NO_ACCESS_TO_RANGE) {
		err = -EACCES;
		goto out;
	}
	size = 1UL << min_t(u8, r->granularity, 40);
	f->start = max(ALIGN_DOWN(f->page, size), r->it.start);
	f->last = min(ALIGN(f->page + 1, size) - 1, r->it.last);
	f->in_vram = r->loc;
	if (r->bo)
		ks_bo_touch(r->bo);
	/* 6.1 makes the chunk a range of its own before it migrates. */
	if (ks_abi == KS_ABI_6_1 && (f->to || f->in_vram)) {
		err = ks_range_split_at(p, f->start, GFP_KERNEL);
		if (!err)
			err = ks_range_split_at(p, f->last + 1, GFP_KERNEL);
	}
out:
	mutex_unlock(&p->svm_lock);
	return err;
}

static int fault_move(struct fault *f, bool *migrated)
{
	struct ks_dev *to = f->to ? ks_process_dev(f->p, f->to) : NULL;
	int r = 0;

	*migrated = to || f->in_vram;
	if (to) {
		r = ks_migrate_to_vram(f->p, f->start, f->last, to, KS_MIGRATE_GPU_FAULT);
		/* No room: the GPU reaches it in system memory. */
		if (r != -EINTR)
			r = 0;
	} else if (f->in_vram) {
		r = ks_migrate_to_ram(f->p, f->start, f->last, KS_MIGRATE_GPU_FAULT);
	}
	return r;
}

static int fault_serve_locked(struct fault *f)
{
	struct vm_area_struct *vma = vma_lookup(f->p->mm, f->page << PAGE_SHIFT);
	unsigned long need = VM_READ | (f->write ? VM_WRITE : 0);
	bool migrated;
	int r;

	if (!vma)
		return -EFAULT;
	if ((vma->vm_flags & need) != need)
		return -EPERM;
	mutex_lock(&f->p->migrate_mutex);
	r = fault_plan(f);
	if (!r) {
		ks_smi_fault_start(f->dev, f->p, f->page, f->write);
		r = fault_move(f, &migrated);
		if (!r)
			r = ks_svm_map(f->p, f->start, f->last, f->dev->idx);
		ks_smi_fault_end(f->dev, f->p, f->page, migrated);
		atomic_long_inc(&f->p->pdd[f->dev->idx].faults);
	}
	mutex_unlock(&f->p->migrate_mutex);
	return r;
}

static int fault_serve(struct fault *f)
{
	struct mm_struct *mm = f->p->mm;
	bool known;
	int r = 0;

	/* Without XNACK a GPU fault is the end of the program. */
	if (!f->p->xnack)
		return -EFAULT;
	mmap_read_lock(mm);
	mutex_lock(&f->p->svm_lock);
	known = ks_range_first(f->p, f->page, f->page);
	mutex_unlock(&f->p->svm_lock);
	if (!known) {
		mmap_read_unlock(mm);
		mmap_write_lock(mm);
		r = add_unregistered(f->p, f->page);
		mmap_write_downgrade(mm);
	}
	if (!r)
		r = fault_serve_locked(f);
	mmap_read_unlock(mm);
	return r;
}

long ks_fault_touch(struct ks_process *p, struct ks_dev *dev, unsigned long addr, unsigned long len,
		    bool write)
{
	struct fault f = {.p = p, .dev = dev, .write = write};
	unsigned long last = (addr + len - 1) >> PAGE_SHIFT;
	long faults = 0;
	int tries = 0, r = 0;

	if (!len || addr + len < addr)
		return -EINVAL;
	if (!mmget_not_zero(p->mm))
		return -ESRCH;
	for (f.page = addr >> PAGE_SHIFT; f.page <= last && !r;) {
		if (ks_gpumap_test(p, f.page, dev->idx)) {
			f.page++;
			tries = 0;
			continue;
		}
		faults++;
		r = fault_serve(&f);
		/* Raced with an invalidation: the GPU just tries again. */
		if (r == -EAGAIN && ++tries < 16)
			r = 0;
		if (fatal_signal_pending(current))
			r = -EINTR;
		cond_resched();
	}
	mmput(p->mm);
	if (r && r != -EINTR)
		ks_smi_vmfault(dev, p);
	return r ? r : faults;
}
