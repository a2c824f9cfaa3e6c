// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/kfdsim-control: one command per line, README.md has the list. A write
 * fails with the error of the command; a read gives the answer of the last
 * command written through the same open file.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/parser.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "control.h"
#include "migrate.h"
#include "process.h"
#include "svm.h"
#include "vram.h"

struct injection {
	int errno;
	unsigned int count;
};

static struct injection injections[KS_INJECT_OPS];
static DEFINE_SPINLOCK(inject_lock);

/* key=value pairs of one command line. */
struct command {
	int pid;
	int dev;
	u64 addr;
	u64 len;
	u64 bytes;
	int write;
	int errno;
	unsigned int count;
	int op;
};

int ks_inject(enum ks_inject_op op)
{
	struct injection *inj = &injections[op];
	int r = 0;

	if (!READ_ONCE(inj->count))
		return 0;
	spin_lock(&inject_lock);
	if (inj->count) {
		inj->count--;
		r = inj->errno;
	}
	spin_unlock(&inject_lock);
	return r;
}

static int word_to_errno(const char *word)
{
	static const struct {
		const char *name;
		int code;
	} names[] = {
		{"ENOMEM", -ENOMEM}, {"EAGAIN", -EAGAIN}, {"EINTR", -EINTR},
		{"EFAULT", -EFAULT}, {"ENODEV", -ENODEV}, {"EIO", -EIO},
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(word, names[i].name))
			return names[i].code;
	return 0;
}

static int parse_pair(struct command *c, char *pair)
{
	static const char *const ops[] = {"set", "tovram", "toram"};
	char *value = strchr(pair, '=');
	u64 number;

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	if (!strcmp(pair, "errno")) {
		c->errno = word_to_errno(value);
		return c->errno ? 0 : -EINVAL;
	}
	if (!strcmp(pair, "op")) {
		c->op = match_string(ops, ARRAY_SIZE(ops), value);
		return c->op < 0 ? -EINVAL : 0;
	}
	number = memparse(value, &value);
	if (*value)
		return -EINVAL;
	if (!strcmp(pair, "pid"))
		c->pid = number;
	else if (!strcmp(pair, "dev"))
		c->dev = number;
	else if (!strcmp(pair, "addr"))
		c->addr = number;
	else if (!strcmp(pair, "len"))
		c->len = number;
	else if (!strcmp(pair, "bytes"))
		c->bytes = number;
	else if (!strcmp(pair, "write"))
		c->write = number;
	else if (!strcmp(pair, "count"))
		c->count = number;
	else
		return -EINVAL;
	return 0;
}

static struct ks_dev *command_dev(const struct command *c)
{
	return c->dev >= 0 && c->dev < ks_ndevs ? ks_devs[c->dev] : NULL;
}

static int cmd_touch(const struct command *c, char *answer, size_t size)
{
	struct ks_dev *dev = command_dev(c);
	struct ks_process *p;
	long faults;

	if (!dev)
		return -EINVAL;
	p = ks_process_find(c->pid);
	if (!p)
		return -ESRCH;
	faults = p->pdd[dev->idx].allowed ? ks_fault_touch(p, dev, c->addr, c->len, c->write)
					  : -EACCES;
	ks_process_put(p);
	if (faults < 0)
		return faults;
	snprintf(answer, size, "faults=%ld\n", faults);
	return 0;
}

/* Somebody else takes memory: what does not fit any more is evicted. */
static int cmd_shrink(const struct command *c, char *answer, size_t size)
{
	struct ks_dev *dev = command_dev(c);
	int r = 0;

	if (!dev || c->bytes > dev->size)
		return -EINVAL;
	spin_lock_irq(&dev->lock);
	dev->taken_bytes = c->bytes;
	spin_unlock_irq(&dev->lock);
	if (ks_vram_room(dev) < 0)
		r = ks_evict_make_room(dev, 0, NULL);
	snprintf(answer, size, "room=%lld\n", ks_vram_room(dev));
	return r;
}

static int cmd_refill(const struct command *c, char *answer, size_t size)
{
	struct command none = *c;

	none.bytes = 0;
	return cmd_shrink(&none, answer, size);
}

static int cmd_inject(const struct command *c, char *answer, size_t size)
{
	if (!c->errno || c->op < 0)
		return -EINVAL;
	spin_lock(&inject_lock);
	injections[c->op].errno = c->errno;
	injections[c->op].count = c->count;
	spin_unlock(&inject_lock);
	return 0;
}

static int cmd_reset_peak(const struct command *c, char *answer, size_t size)
{
	struct ks_dev *dev = command_dev(c);

	if (!dev)
		return -EINVAL;
	spin_lock_irq(&dev->lock);
	dev->peak_pages = dev->total_pages - dev->free_pages;
	spin_unlock_irq(&dev->lock);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(const struct command *c, char *answer, size_t size);
} commands[] = {
	{"touch", cmd_touch},	{"shrink", cmd_shrink},		{"refill", cmd_refill},
	{"inject", cmd_inject}, {"reset-peak", cmd_reset_peak},
};

static int run_line(char *line, char *answer, size_t size)
{
	struct command c = {.dev = -1, .op = -1, .count = 1};
	char *word = strsep(&line, " ");
	unsigned int i;
	int r;

	answer[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(word, commands[i].name))
			break;
	if (i == ARRAY_SIZE(commands))
		return -EINVAL;
	while ((word = strsep(&line, " "))) {
		r = *word ? parse_pair(&c, word) : 0;
		if (r)
			return r;
	}
	return commands[i].run(&c, answer, size);
}

#define ANSWER_SIZE 128

static int control_open(struct inode *inode, struct file *file)
{
	file->private_data = kzalloc(ANSWER_SIZE, GFP_KERNEL);
	return file->private_data ? 0 : -ENOMEM;
}

static int control_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static ssize_t control_write(struct file *file, const char __user *user, size_t size, loff_t *off)
{
	char *text, *rest, *line;
	int r = 0;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (size > PAGE_SIZE)
		return -E2BIG;
	text = memdup_user_nul(user, size);
	if (IS_ERR(text))
		return PTR_ERR(text);
	rest = text;
	while (!r && (line = strsep(&rest, "\n"))) {
		line = strim(line);
		if (*line)
			r = run_line(line, file->private_data, ANSWER_SIZE);
	}
	kfree(text);
	*off = 0;
	return r ? r : size;
}

static ssize_t control_read(struct file *file, char __user *user, size_t size, loff_t *off)
{
	const char *answer = file->private_data;

	return simple_read_from_buffer(user, size, off, answer, strlen(answer));
}

static const struct file_operations control_fops = {
	.owner = THIS_MODULE,
	.open = control_open,
	.release = control_release,
	.read = control_read,
	.write = control_write,
	.llseek = noop_llseek,
};

static struct miscdevice control_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kfdsim-control",
	.fops = &control_fops,
	.mode = 0600,
};

int ks_control_init(void)
{
	return misc_register(&control_device);
}

void ks_control_fini(void)
{
	misc_deregister(&control_device);
}
