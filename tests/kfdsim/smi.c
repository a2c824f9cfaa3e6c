// SPDX-License-Identifier: GPL-2.0-only
/*
 * SMI event files: a mask is written, lines are read. Lines that do not fit
 * into the fifo are lost without a word, as in the driver.
 */
#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/kfifo.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/kfd_ioctl.h>

#include "process.h"
#include "smi.h"

#define ALL_PROCESS KFD_SMI_EVENT_MASK_FROM_INDEX(KFD_SMI_EVENT_ALL_PROCESS)

struct smi_client {
	struct list_head node;
	struct ks_dev *dev;
	struct kfifo fifo;
	spinlock_t lock;
	wait_queue_head_t wait;
	u64 mask;
	pid_t pid;
	bool admin;
};

static ssize_t smi_read(struct file *file, char __user *user, size_t size, loff_t *off)
{
	struct smi_client *c = file->private_data;
	size_t n;
	char *buf;

	size = min_t(size_t, size, kfifo_size(&c->fifo));
	buf = kmalloc(size, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	spin_lock_irq(&c->lock);
	n = kfifo_out(&c->fifo, buf, size);
	spin_unlock_irq(&c->lock);
	/* Never blocks; poll() is the way to wait. */
	if (!n) {
		kfree(buf);
		return -EAGAIN;
	}
	if (copy_to_user(user, buf, n))
		n = -EFAULT;
	kfree(buf);
	return n;
}

static ssize_t smi_write(struct file *file, const char __user *user, size_t size, loff_t *off)
{
	struct smi_client *c = file->private_data;
	u64 mask;

	if (size < sizeof(mask) || copy_from_user(&mask, user, sizeof(mask)))
		return -EFAULT;
	WRITE_ONCE(c->mask, mask);
	return sizeof(mask);
}

static __poll_t smi_poll(struct file *file, poll_table *wait)
{
	struct smi_client *c = file->private_data;

	poll_wait(file, &c->wait, wait);
	return kfifo_is_empty(&c->fifo) ? 0 : EPOLLIN | EPOLLRDNORM;
}

static int smi_release(struct inode *inode, struct file *file)
{
	struct smi_client *c = file->private_data;

	spin_lock_irq(&c->dev->smi_lock);
	list_del(&c->node);
	spin_unlock_irq(&c->dev->smi_lock);
	kfifo_free(&c->fifo);
	kfree(c);
	return 0;
}

static const struct file_operations smi_fops = {
	.owner = THIS_MODULE,
	.read = smi_read,
	.write = smi_write,
	.poll = smi_poll,
	.release = smi_release,
	.llseek = noop_llseek,
};

int ks_smi_open(struct ks_dev *dev)
{
	struct smi_client *c = kzalloc(sizeof(*c), GFP_KERNEL);
	unsigned int size = ks_abi == KS_ABI_7_3 ? 8192 : 1024;
	int fd;

	if (!c)
		return -ENOMEM;
	if (kfifo_alloc(&c->fifo, size, GFP_KERNEL)) {
		kfree(c);
		return -ENOMEM;
	}
	spin_lock_init(&c->lock);
	init_waitqueue_head(&c->wait);
	c->dev = dev;
	c->pid = current->tgid;
	c->admin = capable(CAP_SYS_ADMIN);
	spin_lock_irq(&dev->smi_lock);
	list_add_tail(&c->node, &dev->smi_clients);
	spin_unlock_irq(&dev->smi_lock);

	fd = anon_inode_getfd("kfd_smi_ev", &smi_fops, c, O_RDWR);
	if (fd < 0) {
		spin_lock_irq(&dev->smi_lock);
		list_del(&c->node);
		spin_unlock_irq(&dev->smi_lock);
		kfifo_free(&c->fifo);
		kfree(c);
	}
	return fd;
}

static bool smi_wanted(struct smi_client *c, pid_t pid, unsigned int event)
{
	u64 mask = READ_ONCE(c->mask);
	bool all = c->admin && (ks_abi == KS_ABI_7_3 || (mask & ALL_PROCESS));

	return (c->pid == pid || all) && (mask & KFD_SMI_EVENT_MASK_FROM_INDEX(event));
}

static __printf(4, 5) void smi_emit(struct ks_dev *dev, struct ks_process *p, unsigned int event,
				    const char *fmt, ...)
{
	char line[KFD_SMI_EVENT_MSG_SIZE];
	struct smi_client *c;
	unsigned long flags;
	va_list args;
	int len;

	if (list_empty(&dev->smi_clients))
		return;
	len = scnprintf(line, sizeof(line), "%x ", event);
	va_start(args, fmt);
	len += vscnprintf(line + len, sizeof(line) - len, fmt, args);
	va_end(args);

	spin_lock_irqsave(&dev->smi_lock, flags);
	list_for_each_entry (c, &dev->smi_clients, node) {
		if (!smi_wanted(c, p->pid, event))
			continue;
		spin_lock(&c->lock);
		if (kfifo_avail(&c->fifo) >= len)
			kfifo_in(&c->fifo, line, len);
		spin_unlock(&c->lock);
		wake_up_all(&c->wait);
	}
	spin_unlock_irqrestore(&dev->smi_lock, flags);
}

/* 7.3 names the pid as the task itself sees it. */
static pid_t shown_pid(struct ks_process *p)
{
	return ks_abi == KS_ABI_7_3 ? task_tgid_nr_ns(p->lead, task_active_pid_ns(p->lead))
				    : p->pid;
}

void ks_smi_migrate_start(struct ks_dev *dev, struct ks_process *p,
			  const struct ks_smi_migration *m)
{
	smi_emit(dev, p, KFD_SMI_EVENT_MIGRATE_START, "%lld -%d @%lx(%lx) %x->%x %x:%x %d\n",
		 ktime_get_boottime_ns(), shown_pid(p), m->start, m->end - m->start, m->from, m->to,
		 m->prefetch_loc, m->preferred_loc, m->trigger);
}

void ks_smi_migrate_end(struct ks_dev *dev, struct ks_process *p, const struct ks_smi_migration *m,
			int error)
{
	char code[16] = "";

	if (ks_abi == KS_ABI_7_3)
		snprintf(code, sizeof(code), " %d", error);
	smi_emit(dev, p, KFD_SMI_EVENT_MIGRATE_END, "%lld -%d @%lx(%lx) %x->%x %d%s\n",
		 ktime_get_boottime_ns(), shown_pid(p), m->start, m->end - m->start, m->from, m->to,
		 m->trigger, code);
}

void ks_smi_fault_start(struct ks_dev *dev, struct ks_process *p, unsigned long page, bool write)
{
	smi_emit(dev, p, KFD_SMI_EVENT_PAGE_FAULT_START, "%lld -%d @%lx(%x) %c\n",
		 ktime_get_boottime_ns(), shown_pid(p), page, dev->gpu_id, write ? 'W' : 'R');
}

void ks_smi_fault_end(struct ks_dev *dev, struct ks_process *p, unsigned long page, bool migrated)
{
	smi_emit(dev, p, KFD_SMI_EVENT_PAGE_FAULT_END, "%lld -%d @%lx(%x) %c\n",
		 ktime_get_boottime_ns(), shown_pid(p), page, dev->gpu_id, migrated ? 'M' : 'U');
}

void ks_smi_vmfault(struct ks_dev *dev, struct ks_process *p)
{
	smi_emit(dev, p, KFD_SMI_EVENT_VMFAULT, "%x:%s\n", p->pid, p->lead->comm);
}

void ks_smi_queue_eviction(struct ks_dev *dev, struct ks_process *p)
{
	smi_emit(dev, p, KFD_SMI_EVENT_QUEUE_EVICTION, "%lld -%d %x %d\n", ktime_get_boottime_ns(),
		 shown_pid(p), dev->gpu_id, 0);
}

void ks_smi_queue_restore(struct ks_dev *dev, struct ks_process *p)
{
	smi_emit(dev, p, KFD_SMI_EVENT_QUEUE_RESTORE,
		 ks_abi == KS_ABI_6_1 ? "%lld -%d %x\n" : "%lld -%d %x 0\n",
		 ktime_get_boottime_ns(), shown_pid(p), dev->gpu_id);
}

void ks_smi_unmap(struct ks_dev *dev, struct ks_process *p, unsigned long start, unsigned long last,
		  enum ks_unmap_trigger trigger)
{
	smi_emit(dev, p, KFD_SMI_EVENT_UNMAP_FROM_GPU, "%lld -%d @%lx(%lx) %x %d\n",
		 ktime_get_boottime_ns(), shown_pid(p), start, last - start + 1, dev->gpu_id,
		 trigger);
}
