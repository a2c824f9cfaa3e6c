// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/kfd: open, the ioctl table and the small ioctls.
 */
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/kfd_ioctl.h>

#include "chardev.h"
#include "compat.h"
#include "event.h"
#include "kfdbo.h"
#include "process.h"
#include "range.h"
#include "render.h"
#include "smi.h"
#include "svm.h"
#include "vram.h"

static struct class *kfd_class;
static struct device *kfd_device;
static int kfd_major;

static int kfd_open(struct inode *inode, struct file *file)
{
	struct ks_process *p;

	if (iminor(inode) != 0)
		return -ENODEV;
	if (in_compat_syscall())
		return -EPERM;
	p = ks_process_open();
	if (IS_ERR(p))
		return PTR_ERR(p);
	file->private_data = p;
	return 0;
}

static int kfd_release(struct inode *inode, struct file *file)
{
	ks_process_put(file->private_data);
	return 0;
}

static int ioc_get_version(struct ks_process *p, void *data, size_t usize)
{
	struct kfd_ioctl_get_version_args *args = data;

	args->major_version = KFD_IOCTL_MAJOR_VERSION;
	args->minor_version = ks_abi == KS_ABI_6_1 ? 11 : ks_abi == KS_ABI_6_12 ? 17 : 23;
	return 0;
}

/* The address windows of a GFXv9 GPU. */
static void fill_apertures(struct ks_dev *dev, struct kfd_process_device_apertures *a)
{
	memset(a, 0, sizeof(*a));
	a->gpu_id = dev->gpu_id;
	a->lds_base = 1ULL << 48;
	a->lds_limit = a->lds_base | 0xffffffff;
	a->scratch_base = 2ULL << 48;
	a->scratch_limit = a->scratch_base | 0xffffffff;
	a->gpuvm_base = SZ_16M;
	a->gpuvm_limit = (1ULL << 47) - 1;
}

static int ioc_apertures(struct ks_process *p, void *data, size_t usize)
{
	struct kfd_ioctl_get_process_apertures_args *args = data;
	struct ks_dev *dev;
	unsigned int i;

	args->num_of_nodes = 0;
	ks_for_each_dev (dev, i)
		if (p->pdd[i].allowed && args->num_of_nodes < NUM_OF_SUPPORTED_GPUS)
			fill_apertures(dev, &args->process_apertures[args->num_of_nodes++]);
	return 0;
}

static int ioc_apertures_new(struct ks_process *p, void *data, size_t usize)
{
	struct kfd_ioctl_get_process_apertures_new_args *args = data;
	struct kfd_process_device_apertures a;
	u32 room = args->num_of_nodes, n = 0;
	struct ks_dev *dev;
	unsigned int i;

	ks_for_each_dev (dev, i) {
		if (!p->pdd[i].allowed)
			continue;
		if (n < room) {
			fill_apertures(dev, &a);
			if (copy_to_user(u64_to_user_ptr(args->kfd_process_device_apertures_ptr) +
						 n * sizeof(a),
					 &a, sizeof(a)))
				return -EFAULT;
		}
		n++;
	}
	/* Asked with no room: how many there are. */
	args->num_of_nodes = room ? min(room, n) : n;
	return 0;
}

static int ioc_acquire_vm(struct ks_process *p, void *data, size_t usize)
{
	struct kfd_ioctl_acquire_vm_args *args = data;
	struct file *drm = fget(args->drm_fd);
	struct ks_dev *dev;
	struct ks_pdd *pdd;
	int r = -EINVAL;

	if (!drm)
		return -EINVAL;
	mutex_lock(&p->lock);
	dev = ks_process_dev(p, args->gpu_id);
	if (!dev)
		goto out;
	pdd = &p->pdd[dev->idx];
	if (pdd->drm_file) {
		r = pdd->drm_file == drm ? 0 : -EBUSY;
		goto out;
	}
	r = ks_render_make_compute(drm);
	if (!r) {
		/* Kept until the mm dies, whoever closes the descriptor. */
		WRITE_ONCE(pdd->drm_file, drm);
		WRITE_ONCE(p->vm_acquired, true);
		drm = NULL;
	}
out:
	mutex_unlock(&p->lock);
	if (drm)
		fput(drm);
	return r;
}

static int ioc_memory_policy(struct ks_process *p, void *data, size_t usize)
{
	struct kfd_ioctl_set_memory_policy_args *args = data;

	if (args->default_policy > KFD_IOC_CACHE_POLICY_NONCOHERENT ||
	    args->alternate_policy > KFD_IOC_CACHE_POLICY_NONCOHERENT)
		return -EINVAL;
	return ks_process_dev(p, args->gpu_id) ? 0 : -EINVAL;
}

static int ioc_clock_counters(struct ks_process *p, void *data, size_t usize)
{
	struct kfd_ioctl_get_clock_counters_args *args = data;

	/* A GPU that is not there has no clock, which is no error. */
	args->gpu_clock_counter = ks_process_dev(p, args->gpu_id) ? ktime_get_raw_ns() / 10 : 0;
	args->cpu_clock_counter = ktime_get_raw_ns();
	args->system_clock_counter = ktime_get_boottime_ns();
	args->system_clock_freq = NSEC_PER_SEC;
	return 0;
}

static int ioc_available_memory(struct ks_process *p, void *data, size_t usize)
{
	struct kfd_ioctl_get_available_memory_args *args = data;
	struct ks_dev *dev = ks_process_dev(p, args->gpu_id);
	s64 left;

	if (!dev)
		return -EINVAL;
	/* SVM buffers are not in KFD's books, so that this promises too much. */
	left = dev->size - dev->kfd_bytes - dev->taken_bytes - (dev->size >> 14);
	args->available = left > 0 ? ALIGN_DOWN((u64)left, SZ_2M) : 0;
	return 0;
}

static int ioc_xnack(struct ks_process *p, void *data, size_t usize)
{
	struct kfd_ioctl_set_xnack_mode_args *args = data;
	int r = 0;

	mutex_lock(&p->lock);
	if (args->xnack_enabled < 0)
		args->xnack_enabled = p->xnack;
	else if (p->xnack != !!args->xnack_enabled)
		r = ks_range_switch_xnack(p, args->xnack_enabled);
	mutex_unlock(&p->lock);
	return r;
}

static int ioc_smi_events(struct ks_process *p, void *data, size_t usize)
{
	struct kfd_ioctl_smi_events_args *args = data;
	struct ks_dev *dev = ks_process_dev(p, args->gpuid);
	int fd;

	if (!dev)
		return -EINVAL;
	fd = ks_smi_open(dev);
	if (fd < 0)
		return fd;
	args->anon_fd = fd;
	return 0;
}

static int ioc_alloc_memory(struct ks_process *p, void *data, size_t usize)
{
	return ks_kfdbo_alloc(p, data);
}

static int ioc_free_memory(struct ks_process *p, void *data, size_t usize)
{
	struct kfd_ioctl_free_memory_of_gpu_args *args = data;

	return ks_kfdbo_free(p, args->handle);
}

/* Without a GPU there is nothing to map: only the handle is checked. */
static int ioc_map_memory(struct ks_process *p, void *data, size_t usize)
{
	struct kfd_ioctl_map_memory_to_gpu_args *args = data;

	if (!args->n_devices || !ks_kfdbo_exists(p, args->handle))
		return -EINVAL;
	args->n_success = args->n_devices;
	return 0;
}

static int ioc_create_event(struct ks_process *p, void *data, size_t usize)
{
	return ks_event_create(p, data);
}

static int ioc_destroy_event(struct ks_process *p, void *data, size_t usize)
{
	return ks_event_destroy(p, *(u32 *)data);
}

static int ioc_set_event(struct ks_process *p, void *data, size_t usize)
{
	return ks_event_set(p, *(u32 *)data, true);
}

static int ioc_reset_event(struct ks_process *p, void *data, size_t usize)
{
	return ks_event_set(p, *(u32 *)data, false);
}

static int ioc_wait_events(struct ks_process *p, void *data, size_t usize)
{
	return ks_event_wait(p, data);
}

/* Settings of a GPU that is not there: the id is checked, no more. */
static int ioc_trap_handler(struct ks_process *p, void *data, size_t usize)
{
	struct kfd_ioctl_set_trap_handler_args *args = data;

	return ks_process_dev(p, args->gpu_id) ? 0 : -EINVAL;
}

static int ioc_scratch(struct ks_process *p, void *data, size_t usize)
{
	struct kfd_ioctl_set_scratch_backing_va_args *args = data;

	return ks_process_dev(p, args->gpu_id) ? 0 : -EINVAL;
}

static int ioc_tile_config(struct ks_process *p, void *data, size_t usize)
{
	struct kfd_ioctl_get_tile_config_args *args = data;

	args->num_tile_configs = 0;
	args->num_macro_tile_configs = 0;
	return ks_process_dev(p, args->gpu_id) ? 0 : -EINVAL;
}

static int ioc_svm(struct ks_process *p, void *data, size_t usize)
{
	return ks_svm_ioctl(p, data, usize);
}

static const struct {
	unsigned int cmd;
	int (*func)(struct ks_process *p, void *data, size_t usize);
} kfd_ioctls[] = {
#define IOC(cmd, func) [_IOC_NR(cmd)] = {cmd, func}
	IOC(AMDKFD_IOC_GET_VERSION, ioc_get_version),
	IOC(AMDKFD_IOC_SET_MEMORY_POLICY, ioc_memory_policy),
	IOC(AMDKFD_IOC_GET_CLOCK_COUNTERS, ioc_clock_counters),
	IOC(AMDKFD_IOC_GET_PROCESS_APERTURES, ioc_apertures),
	IOC(AMDKFD_IOC_GET_PROCESS_APERTURES_NEW, ioc_apertures_new),
	IOC(AMDKFD_IOC_ACQUIRE_VM, ioc_acquire_vm),
	IOC(AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, ioc_alloc_memory),
	IOC(AMDKFD_IOC_FREE_MEMORY_OF_GPU, ioc_free_memory),
	IOC(AMDKFD_IOC_MAP_MEMORY_TO_GPU, ioc_map_memory),
	IOC(AMDKFD_IOC_UNMAP_MEMORY_FROM_GPU, ioc_map_memory),
	IOC(AMDKFD_IOC_CREATE_EVENT, ioc_create_event),
	IOC(AMDKFD_IOC_DESTROY_EVENT, ioc_destroy_event),
	IOC(AMDKFD_IOC_SET_EVENT, ioc_set_event),
	IOC(AMDKFD_IOC_RESET_EVENT, ioc_reset_event),
	IOC(AMDKFD_IOC_WAIT_EVENTS, ioc_wait_events),
	IOC(AMDKFD_IOC_SET_TRAP_HANDLER, ioc_trap_handler),
	IOC(AMDKFD_IOC_SET_SCRATCH_BACKING_VA, ioc_scratch),
	IOC(AMDKFD_IOC_GET_TILE_CONFIG, ioc_tile_config),
	IOC(AMDKFD_IOC_SMI_EVENTS, ioc_smi_events),
	IOC(AMDKFD_IOC_SVM, ioc_svm),
	IOC(AMDKFD_IOC_SET_XNACK_MODE, ioc_xnack),
	IOC(AMDKFD_IOC_AVAILABLE_MEMORY, ioc_available_memory),
#undef IOC
};

static long kfd_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	unsigned int nr = _IOC_NR(cmd), usize = _IOC_SIZE(cmd), size;
	struct ks_process *p = file->private_data;
	void __user *user = (void __user *)arg;
	unsigned int known;
	void *data;
	long r;

	if (nr >= ARRAY_SIZE(kfd_ioctls) || !kfd_ioctls[nr].func)
		return -ENOTTY;
	/*
	 * The file belongs to the process that opened it. After an exec the
	 * leader is the same but its mm is gone; the driver then follows a
	 * NULL pointer, which is not worth simulating.
	 */
	if (p->lead != current->group_leader || p->mm != current->mm || READ_ONCE(p->dead))
		return -EBADF;

	known = kfd_ioctls[nr].cmd;
	size = max_t(unsigned int, usize, _IOC_SIZE(known));
	data = kzalloc(size, GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	r = -EFAULT;
	if ((known & IOC_IN) && copy_from_user(data, user, usize))
		goto out;
	r = kfd_ioctls[nr].func(p, data, usize);
	if ((known & IOC_OUT) && copy_to_user(user, data, usize))
		r = -EFAULT;
out:
	kfree(data);
	return r;
}

static const struct file_operations kfd_fops = {
	.owner = THIS_MODULE,
	.open = kfd_open,
	.release = kfd_release,
	.unlocked_ioctl = kfd_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/* As the distribution's udev rules would leave it. */
static char *kfd_devnode(ks_devnode_arg *dev, umode_t *mode)
{
	if (mode)
		*mode = 0666;
	return NULL;
}

int ks_chardev_init(void)
{
	int r;

	kfd_major = register_chrdev(0, "kfd", &kfd_fops);
	if (kfd_major < 0)
		return kfd_major;
	kfd_class = ks_class_create("kfd");
	if (IS_ERR(kfd_class)) {
		r = PTR_ERR(kfd_class);
		kfd_class = NULL;
		goto fail;
	}
	kfd_class->devnode = kfd_devnode;
	kfd_device = device_create(kfd_class, NULL, MKDEV(kfd_major, 0), NULL, "kfd");
	if (!IS_ERR(kfd_device))
		return 0;
	r = PTR_ERR(kfd_device);
	kfd_device = NULL;
fail:
	ks_chardev_fini();
	return r;
}

void ks_chardev_fini(void)
{
	if (kfd_device)
		device_destroy(kfd_class, MKDEV(kfd_major, 0));
	if (kfd_class)
		class_destroy(kfd_class);
	if (kfd_major > 0)
		unregister_chrdev(kfd_major, "kfd");
	kfd_device = NULL;
	kfd_class = NULL;
	kfd_major = 0;
}

struct kobject *ks_chardev_kobj(void)
{
	return &kfd_device->kobj;
}
