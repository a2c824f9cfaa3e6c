/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffers of AMDKFD_IOC_ALLOC_MEMORY_OF_GPU: addresses and bytes, no pages.
 */
#ifndef KS_KFDBO_H
#define KS_KFDBO_H

#include "process.h"

struct kfd_ioctl_alloc_memory_of_gpu_args;

int ks_kfdbo_alloc(struct ks_process *p, struct kfd_ioctl_alloc_memory_of_gpu_args *args);
int ks_kfdbo_free(struct ks_process *p, u64 handle);
bool ks_kfdbo_exists(struct ks_process *p, u64 handle);
/* Does [start, end) touch the address range of a buffer? */
bool ks_kfdbo_overlaps(struct ks_process *p, u64 start, u64 end);
/* Caller holds p->lock. */
void ks_kfdbo_drop_all(struct ks_process *p);

#endif /* KS_KFDBO_H */
