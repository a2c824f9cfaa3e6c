// SPDX-License-Identifier: GPL-2.0-only
/*
 * DRM render nodes without the DRM core: they can be opened, say that they are
 * amdgpu, and lend themselves to ACQUIRE_VM.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <drm/drm.h>
#include <drm/amdgpu_drm.h>

#include "compat.h"
#include "pci.h"
#include "render.h"

static struct class *drm_class;
static bool registered;

struct render_file {
	struct ks_dev *dev;
	atomic_t compute;
};

static int render_open(struct inode *inode, struct file *file)
{
	unsigned int idx = iminor(inode) - KS_DRM_MINOR0;
	struct render_file *rf;

	if (iminor(inode) < KS_DRM_MINOR0 || idx >= ks_ndevs)
		return -ENODEV;
	rf = kzalloc(sizeof(*rf), GFP_KERNEL);
	if (!rf)
		return -ENOMEM;
	rf->dev = ks_devs[idx];
	file->private_data = rf;
	return 0;
}

static int render_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static int copy_text(const char *text, char __user *to, __kernel_size_t *len)
{
	size_t room = *len, n = strlen(text);

	*len = n;
	n = min(n, room);
	return n && to && copy_to_user(to, text, n) ? -EFAULT : 0;
}

static int render_version(void __user *user)
{
	struct drm_version v;
	int r;

	if (copy_from_user(&v, user, sizeof(v)))
		return -EFAULT;
	v.version_major = 3;
	v.version_minor = 57;
	v.version_patchlevel = 0;
	r = copy_text("amdgpu", v.name, &v.name_len);
	if (!r)
		r = copy_text("20150101", v.date, &v.date_len);
	if (!r)
		r = copy_text("AMD GPU", v.desc, &v.desc_len);
	if (!r && copy_to_user(user, &v, sizeof(v)))
		r = -EFAULT;
	return r;
}

/*
 * libdrm initialises a device before libhsakmt asks it for the product name.
 * Three questions need an answer for that; all others are answered with zeros.
 */
static int render_info(struct render_file *rf, void __user *user)
{
	union {
		struct drm_amdgpu_info_device device;
		u32 accel_working;
		u8 zeros[512];
	} * answer;
	struct drm_amdgpu_info q;
	int r = 0;

	if (copy_from_user(&q, user, sizeof(q)))
		return -EFAULT;
	answer = kzalloc(sizeof(*answer), GFP_KERNEL);
	if (!answer)
		return -ENOMEM;
	if (q.query == AMDGPU_INFO_ACCEL_WORKING) {
		answer->accel_working = 1;
	} else if (q.query == AMDGPU_INFO_DEV_INFO) {
		answer->device.device_id = KS_PCI_DEVICE;
		answer->device.chip_rev = 1;
		answer->device.pci_rev = 1;
		answer->device.family = AMDGPU_FAMILY_AI;
		answer->device.virtual_address_offset = SZ_2M;
		answer->device.virtual_address_max = 1ULL << 47;
		answer->device.virtual_address_alignment = PAGE_SIZE;
		answer->device.vram_bit_width = 4096;
	}
	if (copy_to_user(u64_to_user_ptr(q.return_pointer), answer,
			 min_t(u32, q.return_size, sizeof(*answer))))
		r = -EFAULT;
	kfree(answer);
	return r;
}

static long render_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd == DRM_IOCTL_VERSION)
		return render_version((void __user *)arg);
	if (cmd == DRM_IOCTL_AMDGPU_INFO)
		return render_info(file->private_data, (void __user *)arg);
	return -EINVAL;
}

/*
 * A buffer of ALLOC_MEMORY_OF_GPU as the CPU sees it: zeroed memory of its own
 * for each mapping, for nobody shares it with a GPU.
 */
static int render_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct file *shm = ks_shmem_file(KS_NAME, vma->vm_end - vma->vm_start);
	int r;

	if (IS_ERR(shm))
		return PTR_ERR(shm);
	vma->vm_pgoff = 0;
	vma_set_file(vma, shm);
	r = ks_mmap_file(shm, vma);
	fput(shm);
	return r;
}

static const struct file_operations render_fops = {
	.owner = THIS_MODULE,
	.open = render_open,
	.release = render_release,
	.unlocked_ioctl = render_ioctl,
	.mmap = render_mmap,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

int ks_render_make_compute(struct file *file)
{
	struct render_file *rf = file->private_data;

	if (file->f_op != &render_fops)
		return -EINVAL;
	return atomic_xchg(&rf->compute, 1) ? -EINVAL : 0;
}

static char *render_devnode(ks_devnode_arg *dev, umode_t *mode)
{
	if (mode)
		*mode = 0666;
	return kasprintf(GFP_KERNEL, "dri/%s", dev_name(dev));
}

int ks_render_init(void)
{
	int r = __register_chrdev(KS_DRM_MAJOR, 0, 256, "drm", &render_fops);

	if (r < 0) {
		pr_err(KS_NAME ": char major 226 is taken: unload drm first\n");
		return r;
	}
	registered = true;
	drm_class = ks_class_create("drm");
	if (IS_ERR(drm_class)) {
		r = PTR_ERR(drm_class);
		drm_class = NULL;
		ks_render_fini();
		return r;
	}
	drm_class->devnode = render_devnode;
	return 0;
}

void ks_render_fini(void)
{
	if (drm_class)
		class_destroy(drm_class);
	if (registered)
		__unregister_chrdev(KS_DRM_MAJOR, 0, 256, "drm");
	drm_class = NULL;
	registered = false;
}

int ks_render_add(struct ks_dev *dev)
{
	struct device *node;

	node = device_create(drm_class, ks_pci_device(dev), MKDEV(KS_DRM_MAJOR, dev->minor), dev,
			     "renderD%u", dev->minor);
	if (IS_ERR(node))
		return PTR_ERR(node);
	dev->render = node;
	return 0;
}

void ks_render_del(struct ks_dev *dev)
{
	if (dev->render)
		device_unregister(dev->render);
	dev->render = NULL;
}
