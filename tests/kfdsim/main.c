// SPDX-License-Identifier: GPL-2.0-only
/*
 * kfdsim: parameters, the devices, load and unload.
 */
#include <linux/device_cgroup.h>
#include <linux/jhash.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "chardev.h"
#include "compat.h"
#include "control.h"
#include "dmem.h"
#include "pci.h"
#include "process.h"
#include "range.h"
#include "render.h"
#include "topology.h"
#include "topology_text.h"
#include "vram.h"

struct ks_dev *ks_devs[KS_MAX_DEV];
unsigned int ks_ndevs;
enum ks_abi ks_abi;
bool ks_xnack_default = true;

static unsigned int devices = 4;
module_param(devices, uint, 0444);
MODULE_PARM_DESC(devices, "number of devices (1..16, default 4)");

static char *base[KS_MAX_DEV];
static unsigned int base_count;
module_param_array(base, charp, &base_count, 0444);
MODULE_PARM_DESC(base,
		 "physical start of each device's reserved range; one: they follow each other");

static char *size = "512M";
module_param(size, charp, 0444);
MODULE_PARM_DESC(size, "bytes per device, suffixes K M G (default 512M)");

static char *abi = "6.12";
module_param(abi, charp, 0444);
MODULE_PARM_DESC(abi, "kernel whose amdkfd is played: 6.1, 6.12 (default) or 7.3");

static char *sysmem_limit = "0";
module_param(sysmem_limit, charp, 0444);
MODULE_PARM_DESC(sysmem_limit,
		 "bytes under SVM ranges without XNACK (default: the driver's formula)");

module_param_named(xnack, ks_xnack_default, bool, 0444);
MODULE_PARM_DESC(xnack, "do new processes have XNACK on (default Y)");

/* Bus numbers of the eight GCDs of an EX235a blade, then made-up ones. */
static const u8 bus_numbers[KS_MAX_DEV] = {
	0xc1, 0xc6, 0xc9, 0xce, 0xd1, 0xd6, 0xd9, 0xde,
	0xe1, 0xe6, 0xe9, 0xee, 0xf1, 0xf6, 0xf9, 0xfe,
};

struct ks_dev *ks_dev_by_gpu_id(u32 gpu_id)
{
	struct ks_dev *dev;
	unsigned int i;

	ks_for_each_dev (dev, i)
		if (dev->gpu_id == gpu_id)
			return dev;
	return NULL;
}

int ks_dev_permission(const struct ks_dev *dev)
{
	return devcgroup_check_permission(DEVCG_DEV_CHAR, KS_DRM_MAJOR, dev->minor,
					  DEVCG_ACC_READ | DEVCG_ACC_WRITE);
}

static int parse_bytes(const char *text, u64 *bytes)
{
	char *end;

	*bytes = memparse(text, &end);
	return *end || end == text ? -EINVAL : 0;
}

static int parse_params(void)
{
	if (!strcmp(abi, "6.1"))
		ks_abi = KS_ABI_6_1;
	else if (!strcmp(abi, "6.12"))
		ks_abi = KS_ABI_6_12;
	else if (!strcmp(abi, "7.3"))
		ks_abi = KS_ABI_7_3;
	else
		return -EINVAL;
	if (!devices || devices > KS_MAX_DEV)
		return -EINVAL;
	return base_count == 1 || base_count == devices ? 0 : -EINVAL;
}

/* 16 bits from address and size, as the driver's ids: not the same each boot. */
static u32 make_gpu_id(const struct ks_dev *dev)
{
	u32 id = jhash_2words(dev->location_id, dev->size >> 20, 0) & 0xffff;

	while (!id || ks_dev_by_gpu_id(id))
		id = (id + 1) & 0xffff;
	return id;
}

static void dev_del(struct ks_dev *dev)
{
	ks_state_del(dev);
	ks_render_del(dev);
	ks_pci_del(dev);
	ks_dmem_fini(dev);
	ks_vram_fini(dev);
	kfree(dev);
}

static int dev_add(unsigned int i, u64 start, u64 bytes)
{
	struct ks_dev *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int r;

	if (!dev)
		return -ENOMEM;
	dev->idx = i;
	dev->minor = KS_DRM_MINOR0 + i;
	dev->location_id = bus_numbers[i] << 8;
	dev->base = start;
	dev->size = bytes;
	dev->nid = ks_topo_nid(i * ks_topo_cpu_nodes() / devices);
	dev->gpu_id = make_gpu_id(dev);
	spin_lock_init(&dev->smi_lock);
	INIT_LIST_HEAD(&dev->smi_clients);
	ks_devs[ks_ndevs++] = dev;

	r = ks_vram_init(dev);
	if (!r)
		r = ks_dmem_init(dev);
	if (!r)
		r = ks_pci_add(dev);
	if (!r)
		r = ks_render_add(dev);
	if (!r)
		r = ks_state_add(dev);
	return r;
}

static int devs_add(void)
{
	u64 start, bytes, limit;
	unsigned int i;
	int r;

	r = parse_bytes(size, &bytes);
	if (!r)
		r = parse_bytes(sysmem_limit, &limit);
	if (r || !bytes || !IS_ALIGNED(bytes, SZ_2M))
		return -EINVAL;
	ks_sysmem_init(limit);
	for (i = 0; i < devices; i++) {
		r = parse_bytes(base[base_count == 1 ? 0 : i], &start);
		if (r || !IS_ALIGNED(start, SZ_2M))
			return -EINVAL;
		if (base_count == 1)
			start += i * bytes;
		r = dev_add(i, start, bytes);
		if (r)
			return r;
	}
	return 0;
}

static void teardown(void)
{
	unsigned int i;

	ks_control_fini();
	ks_topology_fini();
	ks_procfs_fini();
	ks_chardev_fini();
	ks_process_fini();
	for (i = ks_ndevs; i-- > 0;)
		dev_del(ks_devs[i]);
	ks_ndevs = 0;
	ks_render_fini();
	if (!IS_ERR_OR_NULL(ks_state_class))
		class_destroy(ks_state_class);
}

static int __init kfdsim_init(void)
{
	int r = parse_params();

	if (r)
		return r;
	ks_state_class = ks_class_create(KS_NAME);
	if (IS_ERR(ks_state_class))
		return PTR_ERR(ks_state_class);
	r = ks_control_init();
	if (!r)
		r = ks_render_init();
	if (!r)
		r = devs_add();
	if (!r)
		r = ks_process_init();
	if (!r)
		r = ks_chardev_init();
	if (!r)
		r = ks_procfs_init(ks_chardev_kobj());
	if (!r)
		r = ks_topology_init(ks_chardev_kobj());
	if (r)
		teardown();
	else
		pr_info(KS_NAME ": %u devices of %s, abi %s\n", ks_ndevs, size, abi);
	return r;
}
module_init(kfdsim_init);

static void __exit kfdsim_exit(void)
{
	teardown();
}
module_exit(kfdsim_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated AMD KFD devices with coherent memory, for tests");
