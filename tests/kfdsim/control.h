/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The test's side: /dev/kfdsim-control, injected errors and the state files
 * /sys/class/kfdsim/dev<N>/. README.md documents the commands.
 */
#ifndef KS_CONTROL_H
#define KS_CONTROL_H

#include "kfdsim.h"

enum ks_inject_op {
	KS_INJECT_SET, /* whole SET_ATTR call */
	KS_INJECT_TOVRAM, /* one range to the device */
	KS_INJECT_TORAM, /* one range to system memory */
	KS_INJECT_OPS,
};

/* The error to fail with now, or 0; counts down. */
int ks_inject(enum ks_inject_op op);

int ks_control_init(void);
void ks_control_fini(void);
/* State directory of one device. */
int ks_state_add(struct ks_dev *dev);
void ks_state_del(struct ks_dev *dev);

#endif /* KS_CONTROL_H */
