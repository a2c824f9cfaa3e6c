// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/class/kfdsim/dev<N>/: the witness that tests believe. One number per
 * file, and "owners": a line "pid pages bo_bytes" for everybody who has
 * something on the device.
 */
#include <linux/sysfs.h>

#include "compat.h"
#include "control.h"
#include "range.h"
#include "svm.h"
#include "vram.h"

struct class *ks_state_class;

#define STATE_FILE(_name, _value)                                                                  \
	static ssize_t _name##_show(struct device *d, struct device_attribute *attr, char *buf)    \
	{                                                                                          \
		struct ks_dev *dev __maybe_unused = dev_get_drvdata(d);                            \
                                                                                                   \
		return sysfs_emit(buf, "%llu\n", (u64)(_value));                                   \
	}                                                                                          \
	static DEVICE_ATTR_RO(_name)

STATE_FILE(total_pages, dev->total_pages);
STATE_FILE(free_pages, READ_ONCE(dev->free_pages));
STATE_FILE(used_pages, dev->total_pages - READ_ONCE(dev->free_pages));
STATE_FILE(peak_pages, READ_ONCE(dev->peak_pages));
STATE_FILE(bo_bytes, READ_ONCE(dev->bo_bytes));
STATE_FILE(kfd_bytes, READ_ONCE(dev->kfd_bytes));
STATE_FILE(taken_bytes, READ_ONCE(dev->taken_bytes));
STATE_FILE(migrated_in, READ_ONCE(dev->migrated_in));
STATE_FILE(migrated_out, READ_ONCE(dev->migrated_out));
STATE_FILE(evicted_bos, READ_ONCE(dev->evicted_bos));
STATE_FILE(gpu_id, dev->gpu_id);
STATE_FILE(would_oops, atomic_read(&ks_would_oops));
STATE_FILE(sysmem_used, ks_sysmem_used());

static ssize_t owners_show(struct device *d, struct device_attribute *attr, char *buf)
{
	return ks_owner_list(dev_get_drvdata(d), buf, PAGE_SIZE);
}
static DEVICE_ATTR_RO(owners);

static struct attribute *state_attrs[] = {
	&dev_attr_total_pages.attr, &dev_attr_free_pages.attr,	&dev_attr_used_pages.attr,
	&dev_attr_peak_pages.attr,  &dev_attr_bo_bytes.attr,	&dev_attr_kfd_bytes.attr,
	&dev_attr_taken_bytes.attr, &dev_attr_migrated_in.attr, &dev_attr_migrated_out.attr,
	&dev_attr_evicted_bos.attr, &dev_attr_gpu_id.attr,	&dev_attr_would_oops.attr,
	&dev_attr_sysmem_used.attr, &dev_attr_owners.attr,	NULL,
};
ATTRIBUTE_GROUPS(state);

int ks_state_add(struct ks_dev *dev)
{
	struct device *d;

	d = device_create_with_groups(ks_state_class, NULL, MKDEV(0, 0), dev, state_groups, "dev%u",
				      dev->idx);
	if (IS_ERR(d))
		return PTR_ERR(d);
	dev->state = d;
	return 0;
}

void ks_state_del(struct ks_dev *dev)
{
	if (dev->state)
		device_unregister(dev->state);
	dev->state = NULL;
}
