/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The SVM ioctl (attributes and prefetch) and the GPU's page faults.
 */
#ifndef KS_SVM_H
#define KS_SVM_H

#include "process.h"

struct kfd_ioctl_svm_args;
struct ks_range;

/* AMDKFD_IOC_SVM; @usize is the size that the request encodes. */
int ks_svm_ioctl(struct ks_process *p, struct kfd_ioctl_svm_args *args, size_t usize);

/* New default ranges over the gaps of [start, last]; svm_lock is held. */
int ks_svm_fill_gaps(struct ks_process *p, unsigned long start, unsigned long last);

/*
 * Map the range at @start as far as [start, last] says on the GPUs that the
 * driver would choose; mmap_lock and migrate_mutex are held. 0 or -errno.
 */
int ks_svm_map(struct ks_process *p, unsigned long start, unsigned long last, int fault_gpu);

/* Stopped queues run again (process without XNACK). */
void ks_svm_restore_work(struct work_struct *work);

/*
 * GPU @dev accesses [addr, addr + len) of @p. Returns the number of faults it
 * took or -errno of the one that could not be served.
 */
long ks_fault_touch(struct ks_process *p, struct ks_dev *dev, unsigned long addr, unsigned long len,
		    bool write);

/* Times the real driver would have crashed the kernel. */
extern atomic_t ks_would_oops;

#endif /* KS_SVM_H */
