// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/class/kfd/kfd/proc/<pid>: pasid, vram_<gpuid>, sdma_<gpuid> and
 * counters_<gpuid>/{faults,page_in,page_out}.
 */
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "process.h"
#include "vram.h"

#define NAME_SIZE 16

/* One directory: the process itself or its counters on one device. */
struct proc_dir {
	struct kobject kobj;
	struct list_head node;
	struct ks_process *p;
	int gpu; /* -1: the process directory */
	struct attribute attr[1 + 2 * KS_MAX_DEV];
	char name[1 + 2 * KS_MAX_DEV][NAME_SIZE];
};

static struct kobject *proc_root;

static u64 vram_bytes(struct ks_process *p, unsigned int gpu)
{
	u64 bytes = atomic64_read(&p->pdd[gpu].kfd_bytes);

	/* SVM buffers were added to this figure after 6.1. */
	if (ks_abi != KS_ABI_6_1)
		bytes += atomic64_read(&p->owner->bo_bytes[gpu]);
	return bytes;
}

static ssize_t proc_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	struct proc_dir *dir = container_of(kobj, struct proc_dir, kobj);
	struct ks_pdd *pdd = &dir->p->pdd[dir->gpu < 0 ? 0 : dir->gpu];
	unsigned int i = attr - dir->attr;

	if (dir->gpu >= 0)
		return sysfs_emit(buf, "%ld\n",
				  i == 0   ? atomic_long_read(&pdd->faults)
				  : i == 1 ? atomic_long_read(&pdd->page_in)
					   : atomic_long_read(&pdd->page_out));
	if (!i)
		return sysfs_emit(buf, "%d\n", 0x8000 + dir->p->pid % 0x8000);
	if (i % 2)
		return sysfs_emit(buf, "%llu\n", vram_bytes(dir->p, i / 2));
	return sysfs_emit(buf, "0\n");
}

static const struct sysfs_ops proc_ops = {.show = proc_show};

static void proc_release(struct kobject *kobj)
{
	struct proc_dir *dir = container_of(kobj, struct proc_dir, kobj);

	ks_process_put(dir->p);
	kfree(dir);
}

static const struct kobj_type proc_type = {
	.release = proc_release,
	.sysfs_ops = &proc_ops,
};

static struct proc_dir *dir_add(struct ks_process *p, struct kobject *parent, int gpu,
				const char *name)
{
	struct proc_dir *dir = kzalloc(sizeof(*dir), GFP_KERNEL);

	if (!dir)
		return NULL;
	kref_get(&p->ref);
	dir->p = p;
	dir->gpu = gpu;
	if (kobject_init_and_add(&dir->kobj, &proc_type, parent, "%s", name)) {
		kobject_put(&dir->kobj);
		return NULL;
	}
	list_add(&dir->node, &p->proc_files);
	return dir;
}

static void file_add(struct proc_dir *dir, unsigned int i, const char *what, u32 gpu_id)
{
	if (gpu_id)
		snprintf(dir->name[i], NAME_SIZE, "%s_%u", what, gpu_id);
	else
		strscpy(dir->name[i], what, NAME_SIZE);
	sysfs_attr_init(&dir->attr[i]);
	dir->attr[i].name = dir->name[i];
	dir->attr[i].mode = 0444;
	if (sysfs_create_file(&dir->kobj, &dir->attr[i]))
		pr_warn(KS_NAME ": no file %s\n", dir->name[i]);
}

void ks_procfs_add(struct ks_process *p)
{
	struct proc_dir *top, *sub;
	struct ks_dev *dev;
	char name[32];
	unsigned int i;

	snprintf(name, sizeof(name), "%d", p->pid);
	top = dir_add(p, proc_root, -1, name);
	if (!top)
		return;
	file_add(top, 0, "pasid", 0);
	ks_for_each_dev (dev, i) {
		if (!p->pdd[i].allowed)
			continue;
		file_add(top, 1 + 2 * i, "vram", dev->gpu_id);
		file_add(top, 2 + 2 * i, "sdma", dev->gpu_id);
		snprintf(name, sizeof(name), "counters_%u", dev->gpu_id);
		sub = dir_add(p, &top->kobj, i, name);
		if (!sub)
			continue;
		file_add(sub, 0, "faults", 0);
		file_add(sub, 1, "page_in", 0);
		file_add(sub, 2, "page_out", 0);
	}
}

void ks_procfs_del(struct ks_process *p)
{
	struct proc_dir *dir, *next;

	list_for_each_entry_safe (dir, next, &p->proc_files, node) {
		list_del(&dir->node);
		kobject_del(&dir->kobj);
		kobject_put(&dir->kobj);
	}
}

int ks_procfs_init(struct kobject *kfd)
{
	proc_root = kobject_create_and_add("proc", kfd);
	return proc_root ? 0 : -ENOMEM;
}

void ks_procfs_fini(void)
{
	kobject_put(proc_root);
	proc_root = NULL;
}
