// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eviction: device memory is full, the coldest buffer goes to system memory.
 *
 * A process that waits for room holds its own mmap_lock, so that no other
 * process may be waited for: contended victims are skipped (as 7.3 does) and
 * tried again for a while (6.1 and 6.12 wait for a worker instead).
 */
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "dmem.h"
#include "migrate.h"
#include "range.h"
#include "vram.h"

#define EVICT_TRIES 3

/* Move every range that is in @bo to system memory. */
static void evict_ranges(struct ks_process *p, struct ks_bo *bo)
{
	unsigned long start, last, at = 0;
	struct ks_range *r;
	int tries = 0;

	for (;;) {
		mutex_lock(&p->svm_lock);
		do {
			r = ks_range_first(p, at, ULONG_MAX);
			if (r)
				at = r->it.last + 1;
		} while (r && r->bo != bo);
		if (r) {
			start = r->it.start;
			last = r->it.last;
		}
		mutex_unlock(&p->svm_lock);
		if (!r)
			return;
		ks_migrate_to_ram(p, start, last, KS_MIGRATE_EVICTION);
		mutex_lock(&p->svm_lock);
		r = ks_range_first(p, start, start);
		if (r && r->bo == bo && ++tries < EVICT_TRIES)
			at = start;
		else
			tries = 0;
		mutex_unlock(&p->svm_lock);
	}
}

/* 0: done what could be done; -EBUSY: its owner is busy; -ENOENT: no owner. */
static int evict_bo(struct ks_bo *bo, struct ks_process *self)
{
	struct ks_process *p = ks_owner_process(bo->owner);
	int r = -EBUSY;

	if (!p)
		return -ENOENT;
	if (p == self) {
		evict_ranges(p, bo);
		r = 0;
		goto out;
	}
	if (!mmget_not_zero(p->mm))
		goto out;
	if (mmap_read_trylock(p->mm)) {
		if (mutex_trylock(&p->migrate_mutex)) {
			evict_ranges(p, bo);
			mutex_unlock(&p->migrate_mutex);
			r = 0;
		}
		mmap_read_unlock(p->mm);
	}
	/* The last reference would run exit_mmap() under our own locks. */
	mmput_async(p->mm);
out:
	ks_process_put(p);
	return r;
}

/* One walk from cold to hot; true if any victim was busy. */
static bool evict_pass(struct ks_dev *dev, s64 bytes, struct ks_process *self)
{
	unsigned int skip = 0;
	bool busy = false;
	struct ks_bo *bo;

	while (ks_vram_room(dev) < bytes) {
		s64 before = ks_vram_room(dev);

		bo = ks_bo_coldest(dev, skip);
		if (!bo)
			break;
		busy |= evict_bo(bo, self) == -EBUSY;
		ks_bo_put(bo);
		if (ks_vram_room(dev) > before)
			dev->evicted_bos++;
		else
			skip++;
	}
	return busy;
}

int ks_evict_make_room(struct ks_dev *dev, u64 bytes, struct ks_process *self)
{
	unsigned long deadline = jiffies + (self ? HZ : 5 * HZ);
	u64 most = dev->size - dev->taken_bytes - dev->kfd_bytes;

	/* Evicting everybody would not help: leave them in peace. */
	if ((s64)bytes > (s64)most)
		return -ENOMEM;
	while (ks_vram_room(dev) < (s64)bytes) {
		bool busy = evict_pass(dev, bytes, self);

		if (ks_vram_room(dev) >= (s64)bytes)
			break;
		if (!busy || time_after(jiffies, deadline) || fatal_signal_pending(current))
			return -ENOMEM;
		schedule_timeout_uninterruptible(1);
	}
	return 0;
}

u64 ks_evict_counted(struct ks_dev *dev, struct dmem_cgroup_pool_state *limit, u64 bytes,
		     struct ks_process *self)
{
	unsigned int skip = 0;
	struct ks_bo *bo;
	u64 gone = 0;

	while (gone < bytes && (bo = ks_bo_coldest(dev, skip))) {
		if (ks_dmem_counts(limit, bo->pool))
			evict_bo(bo, self);
		/* Nobody else has it any more: it goes with our reference. */
		if (kref_read(&bo->ref) == 1) {
			gone += bo->bytes;
			dev->evicted_bos++;
		} else {
			skip++;
		}
		ks_bo_put(bo);
	}
	return gone;
}

int ks_evict_charge(struct ks_dev *dev, struct ks_process *self, u64 bytes,
		    struct dmem_cgroup_pool_state **pool)
{
	struct dmem_cgroup_pool_state *limit;
	u64 gone;
	int r;

	while ((r = ks_dmem_charge(dev, bytes, pool, &limit)) == -EAGAIN) {
		gone = ks_evict_counted(dev, limit, bytes, self);
		ks_dmem_put(limit);
		if (!gone)
			return -ENOMEM;
	}
	return r;
}

struct ks_bo *ks_evict_bo_create(struct ks_dev *dev, struct ks_process *self, u64 bytes)
{
	struct dmem_cgroup_pool_state *pool;
	struct ks_bo *bo;
	int r;

	for (;;) {
		r = ks_evict_charge(dev, self, bytes, &pool);
		if (r)
			return ERR_PTR(r);
		bo = ks_bo_try_create(dev, self->owner, bytes, pool);
		if (bo)
			return bo;
		ks_dmem_uncharge(pool, bytes);
		r = ks_evict_make_room(dev, bytes, self);
		if (r)
			return ERR_PTR(r);
	}
}
