// SPDX-License-Identifier: GPL-2.0-only
/*
 * The topology tree: directories as kobjects, files made when read. CPU nodes
 * come first (one per NUMA node with CPUs), then one node per device. What
 * the property files say is in topology_text.c.
 */
#include <linux/slab.h>
#include <linux/topology.h>

#include "topology.h"
#include "topology_text.h"

struct dir {
	struct kobject kobj;
	struct list_head node;
	struct ks_topo_item item;
};

static LIST_HEAD(dirs);

static struct dir *to_dir(struct kobject *kobj)
{
	return container_of(kobj, struct dir, kobj);
}

static ssize_t dir_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	const struct ks_topo_item *item = &to_dir(kobj)->item;

	/* A job sees that the node is there, and no more. */
	if (item->gpu && ks_dev_permission(item->gpu))
		return -EPERM;
	return ks_topo_text(item, attr->name, buf);
}

static const struct sysfs_ops dir_ops = {.show = dir_show};

static struct attribute generation_id = {"generation_id", 0444};
static struct attribute system_properties = {"system_properties", 0444};
static struct attribute gpu_id = {"gpu_id", 0444};
static struct attribute name = {"name", 0444};
static struct attribute properties = {"properties", 0444};

static struct attribute *top_attrs[] = {&generation_id, &system_properties, NULL};
static struct attribute *node_attrs[] = {&gpu_id, &name, &properties, NULL};
static struct attribute *leaf_attrs[] = {&properties, NULL};
static struct attribute *no_attrs[] = {NULL};
ATTRIBUTE_GROUPS(top);
ATTRIBUTE_GROUPS(node);
ATTRIBUTE_GROUPS(leaf);
ATTRIBUTE_GROUPS(no);

static void dir_release(struct kobject *kobj)
{
	kfree(to_dir(kobj));
}

static const struct kobj_type top_type = {
	.release = dir_release,
	.sysfs_ops = &dir_ops,
	.default_groups = top_groups,
};
static const struct kobj_type node_type = {
	.release = dir_release,
	.sysfs_ops = &dir_ops,
	.default_groups = node_groups,
};
static const struct kobj_type leaf_type = {
	.release = dir_release,
	.sysfs_ops = &dir_ops,
	.default_groups = leaf_groups,
};
static const struct kobj_type no_type = {
	.release = dir_release,
	.sysfs_ops = &dir_ops,
	.default_groups = no_groups,
};

static struct kobject *dir_add(struct kobject *parent, const char *dirname,
			       const struct kobj_type *type, const struct ks_topo_item *item)
{
	struct dir *dir = kzalloc(sizeof(*dir), GFP_KERNEL);

	if (!dir)
		return NULL;
	if (item)
		dir->item = *item;
	if (kobject_init_and_add(&dir->kobj, type, parent, "%s", dirname)) {
		kobject_put(&dir->kobj);
		return NULL;
	}
	list_add(&dir->node, &dirs);
	return &dir->kobj;
}

/* <node>/<what>/0..n-1/properties */
static int leaves_add(struct kobject *node, const char *what, enum ks_topo_kind kind,
		      struct ks_topo_item item, unsigned int n)
{
	struct kobject *parent = dir_add(node, what, &no_type, NULL);
	char number[12];

	if (!parent)
		return -ENOMEM;
	item.kind = kind;
	for (item.index = 0; item.index < n; item.index++) {
		snprintf(number, sizeof(number), "%u", item.index);
		if (!dir_add(parent, number, &leaf_type, &item))
			return -ENOMEM;
	}
	return 0;
}

static int node_add(struct kobject *nodes, unsigned int n)
{
	struct ks_topo_item item = {.kind = KS_TOPO_NODE, .node = n};
	struct kobject *node;
	char number[12];
	int r;

	if (n >= ks_topo_cpu_nodes())
		item.gpu = ks_devs[n - ks_topo_cpu_nodes()];
	snprintf(number, sizeof(number), "%u", n);
	node = dir_add(nodes, number, &node_type, &item);
	if (!node)
		return -ENOMEM;
	r = leaves_add(node, "mem_banks", KS_TOPO_MEM_BANK, item, 1);
	if (!r)
		r = leaves_add(node, "caches", KS_TOPO_CACHE, item, ks_topo_caches(&item));
	if (!r)
		r = leaves_add(node, "io_links", KS_TOPO_IO_LINK, item, ks_topo_io_links(&item));
	if (!r)
		r = leaves_add(node, "p2p_links", KS_TOPO_IO_LINK, item, 0);
	return r;
}

int ks_topology_init(struct kobject *kfd)
{
	struct ks_topo_item item = {.kind = KS_TOPO_TOP};
	struct kobject *top, *nodes = NULL;
	unsigned int n;
	int r = 0;

	top = dir_add(kfd, "topology", &top_type, &item);
	if (top)
		nodes = dir_add(top, "nodes", &no_type, NULL);
	if (!nodes)
		r = -ENOMEM;
	for (n = 0; !r && n < ks_topo_cpu_nodes() + ks_ndevs; n++)
		r = node_add(nodes, n);
	if (r)
		ks_topology_fini();
	return r;
}

void ks_topology_fini(void)
{
	struct dir *dir, *next;

	/* Newest first, that is children before parents. */
	list_for_each_entry_safe (dir, next, &dirs, node) {
		list_del(&dir->node);
		kobject_del(&dir->kobj);
		kobject_put(&dir->kobj);
	}
}
