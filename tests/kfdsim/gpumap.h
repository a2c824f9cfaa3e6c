/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the GPUs have mapped: the stand-in for their page tables.
 */
#ifndef KS_GPUMAP_H
#define KS_GPUMAP_H

#include "process.h"

/*
 * Fault in the pages [start, last] and map them on the GPUs of @gpus, as the
 * driver does when it validates a range. mmap_lock is held for reading.
 * -EFAULT: cannot be read; -EAGAIN: kept racing with invalidations; -ENOMEM.
 */
int ks_gpumap_add(struct ks_process *p, unsigned long start, unsigned long last,
		  unsigned long gpus);
bool ks_gpumap_test(struct ks_process *p, unsigned long page, unsigned int gpu);
/* Unmap everywhere; the set of GPUs that had a mapping. */
unsigned long ks_gpumap_clear(struct ks_process *p, unsigned long start, unsigned long last,
			      unsigned long gpus);
/* From the notifier: unmap, stop queues, tell the listeners. */
void ks_gpumap_invalidate(struct ks_process *p, const struct mmu_notifier_range *range,
			  unsigned long seq);

#endif /* KS_GPUMAP_H */
