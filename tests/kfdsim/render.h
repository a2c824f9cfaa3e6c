/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/dri/renderD<128+i> and /sys/class/drm.
 */
#ifndef KS_RENDER_H
#define KS_RENDER_H

#include "kfdsim.h"

int ks_render_init(void);
void ks_render_fini(void);
/* Node of @dev below its PCI device. */
int ks_render_add(struct ks_dev *dev);
void ks_render_del(struct ks_dev *dev);
/* ACQUIRE_VM: 0, or -EINVAL if no render file or one that is used already. */
int ks_render_make_compute(struct file *file);

#endif /* KS_RENDER_H */
