/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * AMDKFD_IOC_SVM with GET_ATTR.
 */
#ifndef KS_SVM_GET_H
#define KS_SVM_GET_H

#include "process.h"

struct kfd_ioctl_svm_args;

/* Needs no VM. Fills args->attrs; 0, -EFAULT (hole) or -EINVAL. */
int ks_svm_get(struct ks_process *p, struct kfd_ioctl_svm_args *args);

/* Shared with SET: 0, -EFAULT, -EOVERFLOW or -EADDRINUSE; mmap_lock held. */
int ks_svm_check_range(struct ks_process *p, u64 start, u64 size);

#endif /* KS_SVM_GET_H */
