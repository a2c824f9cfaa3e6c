/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /sys/class/kfd/kfd/topology.
 */
#ifndef KS_TOPOLOGY_H
#define KS_TOPOLOGY_H

#include "kfdsim.h"

int ks_topology_init(struct kobject *kfd);
void ks_topology_fini(void);

#endif /* KS_TOPOLOGY_H */
