// SPDX-License-Identifier: GPL-2.0-only
/*
 * The topology tree, and what a device cgroup hides of it.
 */
#define _GNU_SOURCE
#include "testlib.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/bpf.h>

#define TOPOLOGY "/sys/class/kfd/kfd/topology"

/* The keys of a properties file, joined by blanks. */
static void keys(const char *path, char *buf, size_t size)
{
	char line[128], *blank;
	size_t len = 0;
	FILE *f = fopen(path, "r");

	buf[0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		blank = strchr(line, ' ');
		if (blank)
			*blank = '\0';
		len += snprintf(buf + len, size - len, "%s%s", len ? " " : "", line);
	}
	if (f)
		fclose(f);
}

static long long value(unsigned int node, const char *file, const char *key)
{
	char path[160], name[64];
	unsigned long long v;
	long long found = -1;
	FILE *f;

	snprintf(path, sizeof(path), TOPOLOGY "/nodes/%u/%s", node, file);
	f = fopen(path, "r");
	while (f && fscanf(f, "%63s %llu", name, &v) == 2)
		if (!strcmp(name, key))
			found = v;
	if (f)
		fclose(f);
	return found;
}

static const char head_keys[] =
	"cpu_cores_count simd_count mem_banks_count caches_count io_links_count "
	"p2p_links_count cpu_core_id_base simd_id_base max_waves_per_simd "
	"lds_size_in_kb gds_size_in_kb num_gws wave_front_size array_count "
	"simd_arrays_per_engine cu_per_simd_array simd_per_cu max_slots_scratch_cu "
	"gfx_target_version vendor_id device_id location_id domain "
	"drm_render_minor hive_id num_sdma_engines num_sdma_xgmi_engines "
	"num_sdma_queues_per_engine num_cp_queues";

void group_topology(void)
{
	const char *cwsr = abi == ABI_6_1 ? "" : " cwsr_size ctl_stack_size";
	char got[2048], want[2048], path[128];
	unsigned int node = gpus[0].node, link, far = 0;
	long long cap;

	ok(read_number(TOPOLOGY "/generation_id") > 0, "generation_id");
	keys(TOPOLOGY "/system_properties", got, sizeof(got));
	ok(!strcmp(got, "platform_oem platform_id platform_rev"), "system_properties");
	snprintf(want, sizeof(want),
		 "%s%s max_engine_clk_fcompute local_mem_size fw_version capability%s%s"
		 " sdma_fw_version unique_id%s max_engine_clk_ccompute",
		 head_keys, cwsr, abi == ABI_7_3 ? " capability2" : "",
		 abi == ABI_6_1 ? "" : " debug_prop", abi == ABI_6_1 ? "" : " num_xcc");
	snprintf(path, sizeof(path), TOPOLOGY "/nodes/%u/properties", node);
	keys(path, got, sizeof(got));
	if (!ok(!strcmp(got, want), "GPU properties, in order"))
		note("have %s", got);
	snprintf(want, sizeof(want), "%s%s max_engine_clk_ccompute", head_keys, cwsr);
	keys(TOPOLOGY "/nodes/0/properties", got, sizeof(got));
	ok(!strcmp(got, want), "CPU properties, in order");

	cap = value(node, "properties", "capability");
	ok(cap & 0x08000000, "SVM bit");
	ok(!!(cap & 0x10000000) == (abi != ABI_6_1), "coherence bit (clear on 6.1)");
	ok(value(node, "properties", "gfx_target_version") == 90010 &&
		   value(node, "properties", "vendor_id") == 4098 &&
		   value(node, "properties", "device_id") == 29704,
	   "an MI250X");
	ok(value(node, "properties", "location_id") == 0xc100, "bus c1");
	ok(value(node, "properties", "hive_id") == value(0, "properties", "hive_id"),
	   "CPU and GPU in one hive");
	ok(value(node, "mem_banks/0/properties", "heap_type") == 1 &&
		   value(node, "mem_banks/0/properties", "size_in_bytes") ==
			   (long long)gpus[0].bytes,
	   "memory bank");
	ok(value(0, "mem_banks/0/properties", "heap_type") == 0 &&
		   value(0, "mem_banks/0/properties", "size_in_bytes") > 0,
	   "CPU memory bank");
	ok(value(node, "io_links/0/properties", "type") == 11 &&
		   value(node, "io_links/0/properties", "flags") == 1,
	   "XGMI link to the CPU");
	for (link = 0; link < n_gpus; link++) {
		snprintf(path, sizeof(path), "io_links/%u/properties", link);
		far += value(node, path, "node_to") != node;
	}
	ok(far == n_gpus, "links to the CPU and to all other GPUs");
	ok(read_number("/sys/bus/pci/devices/0000:c1:00.0/vendor") == 0x1002 &&
		   read_number("/sys/class/drm/renderD%u/device/device", gpus[0].minor) == 0x7408,
	   "the PCI device");
	ok(read_number("/sys/class/drm/renderD%u/device/mem_info_vram_total", gpus[0].minor) ==
		   (long)gpus[0].bytes,
	   "mem_info_vram_total");
	ok(read_number("/sys/class/drm/renderD%u/device/numa_node", gpus[0].minor) == 0 &&
		   read_number("/sys/class/drm/renderD%u/device/numa_node",
			       gpus[n_gpus - 1].minor) >= 0,
	   "numa_node");
}

#define INSN(c, d, s, o, i)                                                                        \
	{                                                                                          \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)                \
	}

/* A cgroup device program that allows all but char 226:@minor. */
static int device_program(int minor)
{
	struct bpf_insn prog[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_W, 2, 1, 4, 0), /* major */
		INSN(BPF_LDX | BPF_MEM | BPF_W, 3, 1, 8, 0), /* minor */
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1),
		INSN(BPF_JMP | BPF_JNE | BPF_K, 2, 0, 2, 226),
		INSN(BPF_JMP | BPF_JNE | BPF_K, 3, 0, 1, minor),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)prog;
	attr.insn_cnt = sizeof(prog) / sizeof(prog[0]);
	attr.license = (uintptr_t) "GPL";
	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static bool enter_cgroup(const char *dir, int minor)
{
	char path[160], text[16];
	union bpf_attr attr;
	int cg, prog, fd;
	ssize_t n;

	if (mkdir(dir, 0755) && errno != EEXIST)
		return false;
	cg = open(dir, O_RDONLY | O_DIRECTORY);
	prog = device_program(minor);
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = cg;
	attr.attach_bpf_fd = prog;
	attr.attach_type = BPF_CGROUP_DEVICE;
	if (cg < 0 || prog < 0 || syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)))
		return false;
	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	fd = open(path, O_WRONLY);
	n = snprintf(text, sizeof(text), "%d", getpid());
	return fd >= 0 && write(fd, text, n) == n;
}

static void in_cgroup(void)
{
	struct kfd_ioctl_get_process_apertures_new_args args = {};
	struct kfd_ioctl_acquire_vm_args acq = {.gpu_id = gpus[0].id};
	char *mem = map_filled(2 * MiB);
	unsigned int node = gpus[0].node;
	int kfd;

	ok(read_number(TOPOLOGY "/nodes/%u/gpu_id", node) == -EPERM, "gpu_id: EPERM");
	ok(read_number(TOPOLOGY "/nodes/%u/properties", node) == -EPERM, "properties: EPERM");
	ok(read_number(TOPOLOGY "/nodes/%u/mem_banks/0/properties", node) == -EPERM,
	   "memory bank: EPERM");
	ok(read_number(TOPOLOGY "/nodes/%u/gpu_id", gpus[1].node) == gpus[1].id,
	   "another GPU is readable");
	ok(acquire(kfd_open(), 0) < 0, "its render node cannot be opened");
	kfd = kfd_open();
	call(kfd, AMDKFD_IOC_GET_PROCESS_APERTURES_NEW, &args);
	ok(args.num_of_nodes == n_gpus - 1, "apertures leave it out");
	acq.drm_fd = open("/dev/dri/renderD129", O_RDWR);
	ok(call(kfd, AMDKFD_IOC_ACQUIRE_VM, &acq) == -EINVAL, "ACQUIRE_VM: EINVAL");
	ok(!acquire(kfd, 1), "the other one is acquired");
	ok(prefetch(kfd, mem, 2 * MiB, gpus[0].id) == -EINVAL, "SVM does not know it");
	ok(!prefetch(kfd, mem, 2 * MiB, gpus[1].id) && on_device(mem, 2 * MiB) == 512,
	   "the other one works");
}

void group_cgroup(void)
{
	const char *root = "/sys/fs/cgroup";
	char dir[64];
	pid_t pid;

	if (access("/sys/fs/cgroup/cgroup.procs", F_OK)) {
		root = "/tmp/kfdsim-cgroup";
		mkdir(root, 0755);
		mount("none", root, "cgroup2", 0, NULL);
	}
	snprintf(dir, sizeof(dir), "%s/kfdsim-test", root);
	if (n_gpus < 2)
		return;
	pid = fork();
	if (!pid) {
		if (enter_cgroup(dir, gpus[0].minor))
			in_cgroup();
		else
			ok(false, "a device cgroup (%s)", strerror(errno));
		exit(0);
	}
	waitpid(pid, NULL, 0);
	at_baseline();
	rmdir(dir);
}
