/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process that opened /dev/kfd: one per mm, from the first open until the mm
 * dies, whoever closes the file in between.
 *
 * Locks, outermost first: the process list (process.c), @info_lock, mmap_lock,
 * @migrate_mutex, @svm_lock, then spinlocks. The mmu notifier runs below
 * mmap_lock and takes @svm_lock at most; nothing below @svm_lock takes
 * mmap_lock. A second process is only ever locked by trylock (evict.c).
 */
#ifndef KS_PROCESS_H
#define KS_PROCESS_H

#include <linux/idr.h>
#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "kfdsim.h"

/* What the driver calls a PDD: this process on that GPU. */
struct ks_pdd {
	bool allowed; /* by the opener's device cgroup */
	struct file *drm_file; /* set by ACQUIRE_VM, kept until exit */
	atomic_long_t faults;
	atomic_long_t page_in;
	atomic_long_t page_out;
	atomic64_t kfd_bytes; /* ALLOC_MEMORY_OF_GPU */
};

struct ks_process {
	struct kref ref;
	struct list_head node;
	struct mm_struct *mm; /* grabbed, not pinned */
	struct task_struct *lead;
	pid_t pid; /* of the group leader, init namespace */
	bool dead; /* mm is being torn down */
	bool xnack;
	bool vm_acquired;
	struct ks_owner *owner;
	struct ks_pdd pdd[KS_MAX_DEV];

	struct mutex lock; /* pdd->drm_file, xnack, buffers */
	struct idr bos; /* ALLOC_MEMORY_OF_GPU, by handle */
	spinlock_t event_lock; /* what is in @events */
	wait_queue_head_t event_wait;
	struct xarray events; /* CREATE_EVENT, by id */
	struct mutex info_lock;
	struct mutex migrate_mutex;
	struct mutex svm_lock; /* @ranges and all that is in them */
	struct rb_root_cached ranges;

	struct mmu_interval_notifier mni;
	spinlock_t map_lock;
	struct xarray gpu_map; /* page number -> GPUs that map it */
	unsigned long evicted_gpus; /* queues stopped, restore is due */
	struct delayed_work restore_work;
	struct work_struct release_work;

	struct list_head proc_files;
};

int ks_process_init(void);
void ks_process_fini(void);

/* The process of current->mm with a reference, created if need be; ERR_PTR. */
struct ks_process *ks_process_open(void);
/* By pid in the initial namespace, with a reference; NULL if none. */
struct ks_process *ks_process_find(pid_t pid);
void ks_process_put(struct ks_process *p);

/* The allowed device with that id or NULL. */
struct ks_dev *ks_process_dev(struct ks_process *p, u32 gpu_id);

/* sysfs directory, procfs.c; failure is reported and harmless. */
int ks_procfs_init(struct kobject *kfd);
void ks_procfs_fini(void);
void ks_procfs_add(struct ks_process *p);
void ks_procfs_del(struct ks_process *p);

#endif /* KS_PROCESS_H */
