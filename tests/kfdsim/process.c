// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes: creation at the first open of an mm, and the end of it.
 *
 * The end is noticed by the mmu notifier (exit, SIGKILL and exec alike) and
 * finished by a work item, because a notifier cannot remove itself.
 */
#include <linux/file.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "event.h"
#include "gpumap.h"
#include "kfdbo.h"
#include "process.h"
#include "range.h"
#include "svm.h"
#include "vram.h"

static LIST_HEAD(processes);
static DEFINE_MUTEX(processes_lock);
static struct workqueue_struct *release_wq;

static bool process_invalidate(struct mmu_interval_notifier *mni,
			       const struct mmu_notifier_range *range, unsigned long seq)
{
	struct ks_process *p = container_of(mni, struct ks_process, mni);

	if (range->event == MMU_NOTIFY_RELEASE) {
		spin_lock(&p->map_lock);
		mmu_interval_set_seq(mni, seq);
		spin_unlock(&p->map_lock);
		if (!xchg(&p->dead, true))
			queue_work(release_wq, &p->release_work);
		return true;
	}
	/* Nothing but the reaper of a dying mm is not allowed to sleep. */
	if (range->event == MMU_NOTIFY_UNMAP && mmu_notifier_range_blockable(range))
		ks_range_unmap(p, range->start >> PAGE_SHIFT, (range->end - 1) >> PAGE_SHIFT);
	ks_gpumap_invalidate(p, range, seq);
	return true;
}

static const struct mmu_interval_notifier_ops process_mni_ops = {
	.invalidate = process_invalidate,
};

static void process_free(struct kref *ref)
{
	struct ks_process *p = container_of(ref, struct ks_process, ref);

	put_task_struct(p->lead);
	mmdrop(p->mm);
	ks_event_drop_all(p);
	idr_destroy(&p->bos);
	xa_destroy(&p->gpu_map);
	kfree(p);
	module_put(THIS_MODULE);
}

void ks_process_put(struct ks_process *p)
{
	kref_put(&p->ref, process_free);
}

static void process_release(struct work_struct *work)
{
	struct ks_process *p = container_of(work, struct ks_process, release_work);
	unsigned int i;

	mmu_interval_notifier_remove(&p->mni);
	cancel_delayed_work_sync(&p->restore_work);
	mutex_lock(&processes_lock);
	list_del(&p->node);
	mutex_unlock(&processes_lock);
	ks_procfs_del(p);

	/* An evictor that got here first ends before the ranges go. */
	mutex_lock(&p->migrate_mutex);
	ks_range_drop_all(p);
	mutex_unlock(&p->migrate_mutex);
	mutex_lock(&p->lock);
	ks_kfdbo_drop_all(p);
	mutex_unlock(&p->lock);
	for (i = 0; i < ks_ndevs; i++)
		if (p->pdd[i].drm_file)
			fput(p->pdd[i].drm_file);

	spin_lock_irq(&p->owner->lock);
	p->owner->proc = NULL;
	spin_unlock_irq(&p->owner->lock);
	ks_owner_put(p->owner);
	ks_process_put(p);
}

static struct ks_process *process_create(void)
{
	struct ks_process *p = kzalloc(sizeof(*p), GFP_KERNEL);
	struct ks_dev *dev;
	unsigned int i;
	int r;

	if (!p)
		return ERR_PTR(-ENOMEM);
	p->pid = current->group_leader->pid;
	p->owner = ks_owner_create(p->pid, p);
	if (!p->owner) {
		kfree(p);
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&p->ref);
	p->mm = current->mm;
	mmgrab(p->mm);
	p->lead = get_task_struct(current->group_leader);
	__module_get(THIS_MODULE);
	mutex_init(&p->lock);
	mutex_init(&p->info_lock);
	mutex_init(&p->migrate_mutex);
	mutex_init(&p->svm_lock);
	spin_lock_init(&p->map_lock);
	xa_init(&p->gpu_map);
	ks_event_init(p);
	idr_init(&p->bos);
	p->ranges = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&p->proc_files);
	INIT_WORK(&p->release_work, process_release);
	INIT_DELAYED_WORK(&p->restore_work, ks_svm_restore_work);
	p->xnack = ks_xnack_default;
	ks_for_each_dev (dev, i)
		p->pdd[i].allowed = !ks_dev_permission(dev);

	r = mmu_interval_notifier_insert(&p->mni, p->mm, 0, ULONG_MAX, &process_mni_ops);
	if (r) {
		spin_lock_irq(&p->owner->lock);
		p->owner->proc = NULL;
		spin_unlock_irq(&p->owner->lock);
		ks_owner_put(p->owner);
		ks_process_put(p);
		return ERR_PTR(r);
	}
	return p;
}

struct ks_process *ks_process_open(void)
{
	struct ks_process *p, *same_pid = NULL;

	if (current->group_leader->mm != current->mm || !current->mm)
		return ERR_PTR(-EINVAL);
	/* After an exec the old mm of this pid may still be on its way out. */
	flush_workqueue(release_wq);

	mutex_lock(&processes_lock);
	list_for_each_entry (p, &processes, node) {
		if (p->mm == current->mm && !READ_ONCE(p->dead)) {
			kref_get(&p->ref);
			goto out;
		}
		if (p->pid == current->group_leader->pid)
			same_pid = p;
	}
	p = process_create();
	if (IS_ERR(p))
		goto out;
	kref_get(&p->ref);
	list_add_tail(&p->node, &processes);
	/* A vfork parent keeps the old mm, and with it the directory. */
	if (!same_pid)
		ks_procfs_add(p);
out:
	mutex_unlock(&processes_lock);
	return p;
}

struct ks_process *ks_process_find(pid_t pid)
{
	struct ks_process *p, *found = NULL;

	mutex_lock(&processes_lock);
	list_for_each_entry (p, &processes, node) {
		if (p->pid == pid && !READ_ONCE(p->dead)) {
			kref_get(&p->ref);
			found = p;
			break;
		}
	}
	mutex_unlock(&processes_lock);
	return found;
}

struct ks_dev *ks_process_dev(struct ks_process *p, u32 gpu_id)
{
	struct ks_dev *dev = ks_dev_by_gpu_id(gpu_id);

	return dev && p->pdd[dev->idx].allowed ? dev : NULL;
}

int ks_process_init(void)
{
	release_wq = alloc_workqueue("kfdsim_release", WQ_UNBOUND, 0);
	return release_wq ? 0 : -ENOMEM;
}

void ks_process_fini(void)
{
	if (release_wq)
		destroy_workqueue(release_wq);
}
