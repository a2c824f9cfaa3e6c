/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/kfd.
 */
#ifndef KS_CHARDEV_H
#define KS_CHARDEV_H

#include "kfdsim.h"

/* Creates class "kfd" and the device "kfd" of it. */
int ks_chardev_init(void);
void ks_chardev_fini(void);
/* /sys/class/kfd/kfd, where topology and proc hang. */
struct kobject *ks_chardev_kobj(void);

#endif /* KS_CHARDEV_H */
