/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The SVM ranges of a process: an interval tree by page number with the
 * attributes of each range and what of it is in device memory.
 */
#ifndef KS_RANGE_H
#define KS_RANGE_H

#include <linux/interval_tree.h>

#include "process.h"

struct ks_bo;

struct ks_range {
	struct interval_tree_node it; /* page numbers, both inclusive */
	u32 preferred_loc;
	u32 prefetch_loc;
	u32 flags;
	u8 granularity;
	unsigned long access; /* one bit per device */
	unsigned long in_place;
	bool pending; /* touched by the SET under way */
	bool mapped; /* some GPU has mapped part of it */
	bool reserved; /* counted in the node's memory limit */
	struct ks_dev *loc; /* NULL: system memory */
	struct ks_bo *bo;
	unsigned long *resident; /* one bit per page thought to be in @bo */
};

#define ks_range_npages(r) ((r)->it.last - (r)->it.start + 1)
#define ks_range_bytes(r) ((u64)ks_range_npages(r) << PAGE_SHIFT)

/* All below: caller holds p->svm_lock unless said otherwise. */

/* First range that overlaps [start, last], or NULL. */
struct ks_range *ks_range_first(struct ks_process *p, unsigned long start, unsigned long last);
/* A range with default attributes, in the tree; ERR_PTR(-ENOMEM). */
struct ks_range *ks_range_add(struct ks_process *p, unsigned long start, unsigned long last);
/* Split so that a range begins at @at (inside a range or not); 0 or -ENOMEM. */
int ks_range_split_at(struct ks_process *p, unsigned long at, gfp_t gfp);
/* Make room for residency bits of @range; 0 or -ENOMEM. */
int ks_range_need_bits(struct ks_range *range);
/* Page @pfn is (not) in device memory any more. */
void ks_range_set_resident(struct ks_process *p, unsigned long pfn, bool in);
unsigned long ks_range_resident(const struct ks_range *range);
/* Give up the buffer: the range is in system memory again. */
void ks_range_drop_bo(struct ks_range *range);

/* Take these two without the lock. */
void ks_range_unmap(struct ks_process *p, unsigned long start, unsigned long last);
void ks_range_drop_all(struct ks_process *p);

/* XNACK is switched: ranges (no longer) count in the limit; 0 or -ENOMEM. */
int ks_range_switch_xnack(struct ks_process *p, bool xnack);

/* Node-wide limit of memory under SVM ranges of processes without XNACK. */
void ks_sysmem_init(u64 limit_bytes);
u64 ks_sysmem_used(void);

#endif /* KS_RANGE_H */
