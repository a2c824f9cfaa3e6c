// SPDX-License-Identifier: GPL-2.0-only
/*
 * GET_ATTR: what the ranges under the query have in common. Parts of the
 * query without a range have no say, unless there is no range at all.
 */
#include <linux/kfd_ioctl.h>

#include "range.h"
#include "svm_get.h"

struct common {
	u32 preferred_loc;
	u32 prefetch_loc;
	unsigned long access;
	unsigned long in_place;
	u32 flags_and;
	u32 flags_or;
	u8 granularity;
};

static void no_range(struct ks_process *p, struct common *c)
{
	struct ks_dev *dev;
	unsigned int i;

	c->preferred_loc = KS_LOC_UNDEFINED;
	c->prefetch_loc = KS_LOC_UNDEFINED;
	c->flags_and = KFD_IOCTL_SVM_FLAG_HOST_ACCESS | KFD_IOCTL_SVM_FLAG_COHERENT;
	c->flags_or = c->flags_and;
	c->granularity = 9;
	c->in_place = 0;
	c->access = 0;
	if (p->xnack)
		ks_for_each_dev (dev, i)
			if (p->pdd[i].allowed)
				c->access |= BIT(i);
}

static void collect(struct ks_process *p, unsigned long start, unsigned long last, struct common *c)
{
	struct ks_range *r = ks_range_first(p, start, last);

	if (!r) {
		no_range(p, c);
		return;
	}
	*c = (struct common){
		.preferred_loc = r->preferred_loc,
		.prefetch_loc = r->prefetch_loc,
		.access = ~0UL,
		.in_place = ~0UL,
		.flags_and = ~0U,
		.granularity = 0xff,
	};
	for (; r; r = r->it.last < last ? ks_range_first(p, r->it.last + 1, last) : NULL) {
		if (r->preferred_loc != c->preferred_loc)
			c->preferred_loc = KS_LOC_UNDEFINED;
		if (r->prefetch_loc != c->prefetch_loc)
			c->prefetch_loc = KS_LOC_UNDEFINED;
		c->access &= r->access;
		c->in_place &= r->in_place;
		c->flags_and &= r->flags;
		c->flags_or |= r->flags;
		c->granularity = min(c->granularity, r->granularity);
	}
}

static int answer(struct ks_process *p, const struct common *c, struct kfd_ioctl_svm_attribute *a)
{
	struct ks_dev *dev;

	switch (a->type) {
	case KFD_IOCTL_SVM_ATTR_PREFERRED_LOC:
		a->value = c->preferred_loc;
		return 0;
	case KFD_IOCTL_SVM_ATTR_PREFETCH_LOC:
		a->value = c->prefetch_loc;
		return 0;
	case KFD_IOCTL_SVM_ATTR_ACCESS:
		dev = ks_process_dev(p, a->value);
		if (!dev)
			return -EINVAL;
		if (c->access & BIT(dev->idx))
			a->type = KFD_IOCTL_SVM_ATTR_ACCESS;
		else if (c->in_place & BIT(dev->idx))
			a->type = KFD_IOCTL_SVM_ATTR_ACCESS_IN_PLACE;
		else
			a->type = KFD_IOCTL_SVM_ATTR_NO_ACCESS;
		return 0;
	case KFD_IOCTL_SVM_ATTR_SET_FLAGS:
		a->value = c->flags_and;
		return 0;
	case KFD_IOCTL_SVM_ATTR_CLR_FLAGS:
		a->value = ~c->flags_or;
		return 0;
	case KFD_IOCTL_SVM_ATTR_GRANULARITY:
		a->value = c->granularity;
		return 0;
	}
	return -EINVAL;
}

int ks_svm_get(struct ks_process *p, struct kfd_ioctl_svm_args *args)
{
	unsigned long start = args->start_addr >> PAGE_SHIFT;
	unsigned long last = start + (args->size >> PAGE_SHIFT) - 1;
	struct common c;
	u32 i;
	int r;

	mmap_read_lock(p->mm);
	r = ks_svm_check_range(p, args->start_addr, args->size);
	mmap_read_unlock(p->mm);
	for (i = 0; !r && i < args->nattr; i++)
		if (args->attrs[i].type > KFD_IOCTL_SVM_ATTR_GRANULARITY ||
		    args->attrs[i].type == KFD_IOCTL_SVM_ATTR_ACCESS_IN_PLACE ||
		    args->attrs[i].type == KFD_IOCTL_SVM_ATTR_NO_ACCESS)
			r = -EINVAL;
	if (r)
		return r;

	mutex_lock(&p->svm_lock);
	collect(p, start, last, &c);
	mutex_unlock(&p->svm_lock);
	for (i = 0; !r && i < args->nattr; i++)
		r = answer(p, &c, &args->attrs[i]);
	return r;
}
