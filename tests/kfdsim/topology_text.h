/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contents of the topology files.
 */
#ifndef KS_TOPOLOGY_TEXT_H
#define KS_TOPOLOGY_TEXT_H

#include "kfdsim.h"

enum ks_topo_kind {
	KS_TOPO_TOP = 1,
	KS_TOPO_NODE,
	KS_TOPO_MEM_BANK,
	KS_TOPO_CACHE,
	KS_TOPO_IO_LINK,
};

struct ks_topo_item {
	enum ks_topo_kind kind;
	unsigned int node;
	unsigned int index; /* within its directory */
	struct ks_dev *gpu; /* NULL: CPU node */
};

/* Text of file @file of @item into a page; its length. */
ssize_t ks_topo_text(const struct ks_topo_item *item, const char *file, char *buf);

/* NUMA nodes with CPUs, which KFD counts; those without are skipped. */
unsigned int ks_topo_cpu_nodes(void);
/* NUMA id of CPU node @n. */
int ks_topo_nid(unsigned int n);
unsigned int ks_topo_caches(const struct ks_topo_item *item);
unsigned int ks_topo_io_links(const struct ks_topo_item *item);

#endif /* KS_TOPOLOGY_TEXT_H */
