// SPDX-License-Identifier: GPL-2.0-only
/*
 * Migration of the pages of one range with migrate_vma, 2 MiB at a time, and
 * the bookkeeping of where they are.
 */
#include <linux/highmem.h>
#include <linux/migrate.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "control.h"
#include "migrate.h"
#include "range.h"
#include "vram.h"

struct batch {
	unsigned long src[KS_BATCH];
	unsigned long dst[KS_BATCH];
};

struct moved {
	unsigned long collected; /* the kernel offered these to us */
	unsigned long copied; /* had a destination */
	unsigned long moved; /* really are there now */
	unsigned long holes; /* collected without a page */
	unsigned long stuck; /* refused after they were collected */
};

/* One migration of one VMA's part, in either direction. */
struct job {
	struct ks_process *p;
	struct ks_dev *dev;
	struct ks_bo *bo; /* to the device; NULL: to system memory */
	struct batch *batch;
	struct vm_area_struct *vma;
};

static struct page *job_new_page(struct job *job, unsigned long addr)
{
	struct page *page;

	if (job->bo)
		return ks_vram_page_alloc(job->bo);
	page = alloc_page_vma(GFP_HIGHUSER, job->vma, addr);
	if (page)
		lock_page(page);
	return page;
}

/* A page that vanished on the device is counted as one that came back. */
static void hole(struct job *job, unsigned long addr)
{
	mutex_lock(&job->p->svm_lock);
	ks_range_set_resident(job->p, addr >> PAGE_SHIFT, false);
	mutex_unlock(&job->p->svm_lock);
}

static int job_copy(struct job *job, struct migrate_vma *m, struct moved *count)
{
	unsigned long i;
	int r = 0;

	for (i = 0; i < m->npages; i++) {
		struct page *src, *dst;

		m->dst[i] = 0;
		if (!(m->src[i] & MIGRATE_PFN_MIGRATE))
			continue;
		src = migrate_pfn_to_page(m->src[i]);
		/* No source: a hole, which only the way to the device fills. */
		if (!src && !job->bo) {
			count->holes++;
			hole(job, m->start + i * PAGE_SIZE);
			continue;
		}
		dst = r ? NULL : job_new_page(job, m->start + i * PAGE_SIZE);
		if (!dst) {
			r = -ENOMEM;
			continue;
		}
		if (src)
			copy_highpage(dst, src);
		else
			clear_highpage(dst);
		m->dst[i] = migrate_pfn(page_to_pfn(dst));
		count->copied++;
	}
	return r;
}

/* Note where the pages of a finished batch are. */
static void job_account(struct job *job, struct migrate_vma *m, struct moved *count)
{
	unsigned long page = m->start >> PAGE_SHIFT, i;

	mutex_lock(&job->p->svm_lock);
	for (i = 0; i < m->npages; i++) {
		bool moved = m->src[i] & MIGRATE_PFN_MIGRATE && m->dst[i];

		count->moved += moved;
		count->stuck += (m->src[i] & (MIGRATE_PFN_VALID | MIGRATE_PFN_MIGRATE)) ==
				MIGRATE_PFN_VALID;
		/* 6.12 believes that what was copied also arrived. */
		if (job->bo && (moved || (ks_abi == KS_ABI_6_12 && m->dst[i])))
			ks_range_set_resident(job->p, page + i, true);
		else if (!job->bo && moved)
			ks_range_set_resident(job->p, page + i, false);
	}
	mutex_unlock(&job->p->svm_lock);
}

static int job_batch(struct job *job, unsigned long start, unsigned long end, struct moved *count)
{
	struct migrate_vma m = {
		.vma = job->vma,
		.start = start,
		.end = end,
		.src = job->batch->src,
		.dst = job->batch->dst,
		.pgmap_owner = job->dev,
		.flags = job->bo ? MIGRATE_VMA_SELECT_SYSTEM : MIGRATE_VMA_SELECT_DEVICE_COHERENT,
	};
	int r;

	memset(job->batch, 0, sizeof(*job->batch));
	r = migrate_vma_setup(&m);
	if (r) {
		pr_info_ratelimited(KS_NAME ": vma setup of 0x%lx-0x%lx: %d\n", start, end, r);
		return r;
	}
	if (!m.cpages)
		return 0;
	count->collected += m.cpages;
	r = job_copy(job, &m, count);
	migrate_vma_pages(&m);
	job_account(job, &m, count);
	migrate_vma_finalize(&m);
	return r;
}

/* The part [start, end) of job->vma; emits the events of it. */
static int job_vma(struct job *job, struct ks_smi_migration *ev, unsigned long start,
		   unsigned long end, struct moved *total)
{
	struct moved count = {};
	unsigned long addr = start, next;
	int r = 0;

	ev->start = start >> PAGE_SHIFT;
	ev->end = end >> PAGE_SHIFT;
	ks_smi_migrate_start(job->dev, job->p, ev);
	for (; addr < end && !r; addr = next) {
		next = min(end, ALIGN(addr + 1, KS_BATCH * PAGE_SIZE));
		r = fatal_signal_pending(current) ? -EINTR : job_batch(job, addr, next, &count);
	}
	/* 6.1 and 6.12 jump over the end event when there was nothing. */
	if (count.collected || ks_abi == KS_ABI_7_3)
		ks_smi_migrate_end(job->dev, job->p, ev, r);
	total->collected += count.collected;
	total->copied += count.copied;
	total->moved += count.moved;
	total->holes += count.holes;
	total->stuck += count.stuck;
	return r;
}

/* All VMAs under [start, last]. */
static int job_run(struct job *job, struct ks_smi_migration *ev, unsigned long start,
		   unsigned long last, struct moved *total)
{
	unsigned long addr = start << PAGE_SHIFT, end = (last + 1) << PAGE_SHIFT;
	unsigned long next;
	int r = 0;

	job->batch = kmalloc(sizeof(*job->batch), GFP_KERNEL);
	if (!job->batch)
		return -ENOMEM;
	for (; addr < end && !r; addr = next) {
		job->vma = vma_lookup(job->p->mm, addr);
		if (!job->vma) {
			r = job->bo ? 0 : -EFAULT;
			break;
		}
		next = min(end, job->vma->vm_end);
		r = job_vma(job, ev, addr, next, total);
	}
	kfree(job->batch);
	return r;
}

/* Copy what the events say of the range at @start; its location. */
static struct ks_dev *range_look(struct ks_process *p, unsigned long start,
				 struct ks_smi_migration *ev)
{
	struct ks_dev *loc = NULL;
	struct ks_range *r;

	mutex_lock(&p->svm_lock);
	r = ks_range_first(p, start, start);
	if (r) {
		loc = r->loc;
		ev->prefetch_loc = r->prefetch_loc;
		ev->preferred_loc = r->preferred_loc;
	}
	mutex_unlock(&p->svm_lock);
	return loc;
}

int ks_migrate_to_ram(struct ks_process *p, unsigned long start, unsigned long last,
		      enum ks_migrate_trigger trigger)
{
	struct ks_smi_migration ev = {.trigger = trigger};
	struct job job = {.p = p};
	struct moved count = {};
	struct ks_range *range;
	int r;

	job.dev = range_look(p, start, &ev);
	if (!job.dev)
		return 0;
	ev.from = job.dev->gpu_id;
	r = ks_inject(KS_INJECT_TORAM);
	if (!r)
		r = job_run(&job, &ev, start, last, &count);
	/* 6.12 takes the holes it was offered for pages. */
	atomic_long_add(count.moved + (ks_abi == KS_ABI_6_12 ? count.holes : 0),
			&p->pdd[job.dev->idx].page_out);
	spin_lock_irq(&job.dev->lock);
	job.dev->migrated_out += count.moved;
	spin_unlock_irq(&job.dev->lock);

	mutex_lock(&p->svm_lock);
	range = ks_range_first(p, start, start);
	if (range && !r) {
		bool whole = range->it.start >= start && range->it.last <= last;

		/*
		 * 6.12 drops the buffer when its own count of pages says so,
		 * 6.1 when no page that was collected refused to move.
		 */
		if (ks_abi == KS_ABI_6_1 ? whole && !count.stuck : !ks_range_resident(range))
			ks_range_drop_bo(range);
	}
	mutex_unlock(&p->svm_lock);
	return r;
}

/* There is no way between two devices but through system memory. */
static int leave_other_device(struct ks_process *p, unsigned long start, unsigned long last,
			      struct ks_dev *dev, enum ks_migrate_trigger trigger)
{
	struct ks_smi_migration ev;
	struct ks_dev *loc = range_look(p, start, &ev);
	int tries, r;

	for (tries = 0; loc && loc != dev; tries++) {
		if (tries == 3)
			return -EDEADLK;
		r = ks_migrate_to_ram(p, start, last, trigger);
		if (r)
			return r;
		loc = range_look(p, start, &ev);
	}
	return 0;
}

/* The buffer of the range at @start on @dev, made if need be. */
static struct ks_bo *range_buffer(struct ks_process *p, unsigned long start, struct ks_dev *dev)
{
	struct ks_bo *bo = NULL;
	struct ks_range *range;
	u64 bytes = 0;

	mutex_lock(&p->svm_lock);
	range = ks_range_first(p, start, start);
	if (range && range->bo && range->bo->dev == dev)
		bo = ks_bo_get(range->bo);
	else if (range)
		bytes = ks_range_bytes(range);
	mutex_unlock(&p->svm_lock);
	if (!range)
		return ERR_PTR(-EFAULT);
	if (!bo) {
		u64 tables = dev->size >> 14;

		/* 6.12 first asks KFD's own books, which ignore SVM buffers. */
		if (ks_abi != KS_ABI_6_1 &&
		    bytes + dev->kfd_bytes + dev->taken_bytes + tables > dev->size)
			return ERR_PTR(-ENOSPC);
		bo = ks_evict_bo_create(dev, p, bytes);
		if (IS_ERR(bo))
			return bo;
	}

	mutex_lock(&p->svm_lock);
	range = ks_range_first(p, start, start);
	if (range && range->bo != bo) {
		ks_range_drop_bo(range);
		range->bo = ks_bo_get(bo);
	}
	if (!range || ks_range_need_bits(range)) {
		ks_bo_put(bo);
		bo = ERR_PTR(range ? -ENOMEM : -EFAULT);
	}
	mutex_unlock(&p->svm_lock);
	return bo;
}

int ks_migrate_to_vram(struct ks_process *p, unsigned long start, unsigned long last,
		       struct ks_dev *dev, enum ks_migrate_trigger trigger)
{
	struct ks_smi_migration ev = {.trigger = trigger, .to = dev->gpu_id};
	struct job job = {.p = p, .dev = dev};
	struct moved count = {};
	struct ks_range *range;
	int r;

	r = ks_inject(KS_INJECT_TOVRAM);
	if (r)
		return r;
	r = leave_other_device(p, start, last, dev, trigger);
	if (r)
		return r;
	range_look(p, start, &ev);
	job.bo = range_buffer(p, start, dev);
	if (IS_ERR(job.bo))
		return PTR_ERR(job.bo);
	r = job_run(&job, &ev, start, last, &count);
	atomic_long_add(ks_abi == KS_ABI_6_12 ? count.copied : count.moved,
			&p->pdd[dev->idx].page_in);
	spin_lock_irq(&dev->lock);
	dev->migrated_in += count.moved;
	spin_unlock_irq(&dev->lock);

	mutex_lock(&p->svm_lock);
	range = ks_range_first(p, start, start);
	if (range && range->bo == job.bo) {
		if (ks_range_resident(range))
			range->loc = dev;
		else if (!range->loc)
			ks_range_drop_bo(range);
	}
	mutex_unlock(&p->svm_lock);
	ks_bo_put(job.bo);
	return r;
}
