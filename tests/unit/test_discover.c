/* SPDX-License-Identifier: MIT */
/*
 * test_discover.c: discovery over small trees made here, and over errors that no tree can hold.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/ctx.h"
#include "discover/devices.h"
#include "discover/kfd_topology.h"
#include "discover/numa_nodes.h"
#include "discover/nvidia.h"

#define TOPOLOGY "/sys/class/kfd/kfd/topology"
#define NODES "/sys/devices/system/node"
#define GPU_NODE                                                                                 \
	"cpu_cores_count 0\nsimd_count 440\ngfx_target_version 90010\nvendor_id 4098\n"          \
	"device_id 29704\ndomain 0\ndrm_render_minor 128\n"

struct world {
	char dir[32];
	struct gpumem_ctx *ctx;
	struct gm_root root;
	/* What read_fault() does. */
	const char *fault_path;
	int fault_rc;
	int reads; /* of generation_id */
	int changes; /* how often it is made another */
};

static void write_file(struct world *w, const char *path, const char *text, size_t len)
{
	char full[1024], *slash;
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", w->dir, path);
	for (slash = full + strlen(w->dir) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void put(struct world *w, const char *path, const char *text)
{
	write_file(w, path, text, strlen(text));
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	strcpy(w->dir, "test-discover-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(gpumem_new(&w->ctx), 0);
	assert_int_equal(gpumem_set_root(w->ctx, w->dir, NULL), 0);
	assert_int_equal(gm_root_open(&w->root, w->ctx), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	char command[64];

	gm_root_close(&w->root);
	gpumem_unref(w->ctx);
	snprintf(command, sizeof(command), "rm -rf %s", w->dir);
	assert_int_equal(system(command), 0);
	free(w);
	return 0;
}

static int fault(void *data, const char *path)
{
	struct world *w = data;
	char text[16];

	if (w->fault_path && strstr(path, w->fault_path))
		return w->fault_rc;
	if (w->changes && strstr(path, "generation_id") && w->reads < w->changes) {
		snprintf(text, sizeof(text), "%d\n", ++w->reads + 100);
		put(w, TOPOLOGY "/generation_id", text);
	}
	return 0;
}

static void inject(struct world *w, const char *path, int rc)
{
	w->fault_path = path;
	w->fault_rc = rc;
	w->root.read_fault = fault;
	w->root.read_fault_data = w;
}

/* One CPU node and one GPU linked to it. */
static void put_gpu(struct world *w, const char *more)
{
	char text[4096];

	put(w, TOPOLOGY "/generation_id", "1\n");
	put(w, TOPOLOGY "/nodes/0/gpu_id", "0\n");
	put(w, TOPOLOGY "/nodes/0/properties", "cpu_cores_count 64\nsimd_count 0\n");
	put(w, TOPOLOGY "/nodes/1/gpu_id", "51000\n");
	snprintf(text, sizeof(text), GPU_NODE "location_id 49408\n%s", more);
	put(w, TOPOLOGY "/nodes/1/properties", text);
	put(w, TOPOLOGY "/nodes/1/mem_banks/0/properties",
	    "heap_type 1\nsize_in_bytes 68702699520\nflags 0\n");
	put(w, TOPOLOGY "/nodes/1/io_links/0/properties",
	    "type 11\nnode_from 1\nnode_to 0\nflags 1\n");
}

static void test_kfd_numbers(void **state)
{
	struct world *w = *state;
	const struct gm_kfd_node *gpu;
	struct gm_kfd kfd;

	put_gpu(w, "capability 2893521536\nhive_id 15188982192727901047\n"
		   "a_key_of_tomorrow 5\nno_value\nnot_a_number x\nnegative -1\n");
	assert_int_equal(gm_kfd_read(&w->root, &kfd), 0);
	assert_int_equal(kfd.count, 2);
	gpu = gm_kfd_find(&kfd, 1);
	assert_non_null(gpu);
	assert_true(gm_kfd_is_gpu(gpu));
	assert_false(gm_kfd_is_gpu(gm_kfd_find(&kfd, 0)));
	assert_true(gpu->capability == 2893521536u);
	assert_true(gpu->hive_id == 15188982192727901047u);
	assert_int_equal(gpu->gpu_id, 51000);
	assert_int_equal(gpu->render_minor, 128);
	assert_true(gpu->bank_bytes == 68702699520u);
	assert_int_equal(gm_kfd_cpu_link(&kfd, gpu)->type, GM_KFD_LINK_XGMI);
	gm_kfd_free(&kfd);
}

static void test_kfd_old_kernel(void **state)
{
	struct world *w = *state;
	const struct gm_kfd_node *gpu;
	struct gm_kfd kfd;

	put(w, TOPOLOGY "/nodes/0/properties", "simd_count 256\nlocation_id 256\n");
	assert_int_equal(gm_kfd_read(&w->root, &kfd), 0);
	gpu = gm_kfd_find(&kfd, 0);
	assert_non_null(gpu);
	assert_true(gm_kfd_is_gpu(gpu));
	assert_int_equal(gpu->domain, 0);
	assert_int_equal(gpu->render_minor, -1);
	assert_null(gm_kfd_cpu_link(&kfd, gpu));
	gm_kfd_free(&kfd);
}

static void test_kfd_garbage(void **state)
{
	struct world *w = *state;
	char *huge = malloc(1 << 20);
	struct gm_kfd kfd;

	assert_non_null(huge);
	put_gpu(w, "");
	put(w, TOPOLOGY "/nodes/2/properties", "\n\n   \nnothing here\n");
	write_file(w, TOPOLOGY "/nodes/3/properties", "simd_count 4\0location_id 512\n", 29);
	memset(huge, 'x', 1 << 20);
	write_file(w, TOPOLOGY "/nodes/4/properties", huge, 1 << 20);
	put(w, TOPOLOGY "/nodes/5/name", "no properties at all\n");
	put(w, TOPOLOGY "/nodes/word/properties", "simd_count 4\n");
	put(w, TOPOLOGY "/nodes/99999999999/properties", "simd_count 4\n");
	/* A size that overflows the sum, and links into nothing. */
	put(w, TOPOLOGY "/nodes/1/mem_banks/1/properties",
	    "heap_type 2\nsize_in_bytes 18446744073709551615\n");
	put(w, TOPOLOGY "/nodes/1/io_links/1/properties", "type 11\nnode_to 4000000000\n");
	put(w, TOPOLOGY "/nodes/1/io_links/2/properties",
	    "type 99999999999999999999999\nnode_to 1\n");
	assert_int_equal(gm_kfd_read(&w->root, &kfd), 0);
	assert_int_equal(kfd.count, 2);
	assert_true(gm_kfd_find(&kfd, 1)->bank_bytes == 68702699520u);
	assert_int_equal(gm_kfd_cpu_link(&kfd, gm_kfd_find(&kfd, 1))->node_to, 0);
	gm_kfd_free(&kfd);
	free(huge);
}

static void test_kfd_changing(void **state)
{
	struct world *w = *state;
	struct gm_kfd kfd;

	put_gpu(w, "");
	inject(w, NULL, 0);
	w->changes = 3; /* the first pass and the begin of the second see changes */
	assert_int_equal(gm_kfd_read(&w->root, &kfd), 0);
	assert_int_equal(kfd.count, 2);
	assert_true(w->reads >= 3);
	gm_kfd_free(&kfd);

	w->changes = 1000;
	w->reads = 0;
	assert_int_equal(gm_kfd_read(&w->root, &kfd), -EAGAIN);
}

static struct gpumem_devices *discover(struct world *w)
{
	struct gpumem_devices *devices = NULL;
	struct gpumem_error err = { 0 };

	assert_int_equal(gm_discover(&w->root, 0, &devices, &err), 0);
	return devices;
}

static void put_pci(struct world *w, const char *pci, const char *vendor)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vendor", pci);
	put(w, path, vendor);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/class", pci);
	put(w, path, "0x038000\n");
}

/* In a job the device cgroup hides the GPUs of others: reading, not opening, gives EPERM. */
static void test_hidden(void **state)
{
	struct world *w = *state;
	struct gpumem_devices *devices;
	const struct gpumem_device *dev;

	put_gpu(w, "capability 1014473344\n");
	put(w, TOPOLOGY "/nodes/2/gpu_id", "51001\n");
	put(w, TOPOLOGY "/nodes/2/properties", GPU_NODE "location_id 50688\n");
	inject(w, "/nodes/2/", -EPERM);

	/* Its PCI device can be seen: it is listed with the reason. */
	put_pci(w, "0000:c1:00.0", "0x1002\n");
	put_pci(w, "0000:c6:00.0", "0x1002\n");
	devices = discover(w);
	assert_int_equal(gpumem_devices_count(devices), 2);
	dev = gpumem_devices_find(devices, "0000:c1:00.0");
	assert_int_equal(gpumem_device_kind(dev), GPUMEM_KIND_SVM);
	assert_string_equal(gpumem_device_note(dev), "");
	dev = gpumem_devices_find(devices, "0000:c6:00.0");
	assert_int_equal(gpumem_device_kind(dev), GPUMEM_KIND_NONE);
	assert_string_equal(gpumem_device_note(dev),
			    "hidden from this process by its device cgroup");
	gpumem_devices_free(devices);
}

static void test_hidden_without_pci(void **state)
{
	struct world *w = *state;
	struct gpumem_devices *devices;

	put_gpu(w, "capability 1014473344\n");
	put(w, TOPOLOGY "/nodes/2/properties", GPU_NODE "location_id 50688\n");
	put(w, TOPOLOGY "/nodes/3/properties", GPU_NODE "location_id 51456\n");
	inject(w, "/nodes/2/", -EPERM);
	devices = discover(w);
	assert_int_equal(gpumem_devices_count(devices), 2);
	assert_string_equal(gpumem_device_note(gpumem_devices_get(devices, 0)),
			    "1 more GPU node is hidden by the device cgroup");
	gpumem_devices_free(devices);
}

static void test_nvidia(void **state)
{
	static const struct {
		const char *text;
		int rc;
		int32_t node;
		const char *status;
		bool address;
		uint64_t bytes;
	} cases[] = {
		{ "Node:      1\nStatus:    online\nAddress:   400000000000\n"
		  "Size:      17c0000000\n",
		  0, 1, "online", true, 0x17c0000000 },
		{ "Node:      1\nStatus:    offline\n", 0, 1, "offline", false, 0 },
		{ "Node:      -1\nStatus:    disabled\n", 0, -1, "disabled", false, 0 },
		{ "Node: 99999999999\nStatus: online\nSize: xyz\n", 0, -1, "online", false, 0 },
		{ "Status: a very long word that does not fit the field\n", 0, -1,
		  "a very long word that d", false, 0 },
		{ "", -EPROTO, -1, "", false, 0 },
		{ "garbage\n:::\n\n", -EPROTO, -1, "", false, 0 },
	};
	struct world *w = *state;
	struct gm_nvidia nvidia;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(w, "/proc/driver/nvidia/gpus/0009:01:00.0/numa_status", cases[i].text);
		assert_int_equal(gm_nvidia_read(&w->root, &nvidia), 0);
		assert_int_equal(nvidia.count, 1);
		assert_int_equal(nvidia.gpu[0].status_rc, cases[i].rc);
		assert_int_equal(nvidia.gpu[0].node, cases[i].node);
		assert_string_equal(nvidia.gpu[0].status, cases[i].status);
		assert_int_equal(nvidia.gpu[0].has_address, cases[i].address);
		assert_true(nvidia.gpu[0].bytes == cases[i].bytes);
		gm_nvidia_free(&nvidia);
	}
}

static void test_nvidia_mig(void **state)
{
	struct world *w = *state;
	struct gpumem_devices *devices;

	put(w, "/proc/driver/nvidia/gpus/0009:01:00.0/numa_status", "Node: 1\nStatus: online\n");
	inject(w, "numa_status", -EIO);
	devices = discover(w);
	assert_int_equal(gpumem_devices_count(devices), 1);
	assert_int_equal(gpumem_device_kind(gpumem_devices_get(devices, 0)), GPUMEM_KIND_NONE);
	assert_string_equal(gpumem_device_note(gpumem_devices_get(devices, 0)),
			    "MIG enabled: numa_status answers EIO; placements leave data in "
			    "system memory");
	gpumem_devices_free(devices);
}

static void test_node_sets(void **state)
{
	static const char *const bad[] = { "a",	   "1-",      "-1",   "5-2",
					   "1024", "0-99999", "1,,2", "1 2" };
	struct gm_node_set set;

	(void)state;
	assert_true(gm_node_set_parse("0,8,250-255", &set));
	assert_true(gm_node_set_has(&set, 0) && gm_node_set_has(&set, 255));
	assert_false(gm_node_set_has(&set, 1) || gm_node_set_has(&set, -1) ||
		     gm_node_set_has(&set, 256) || gm_node_set_has(&set, 4096));
	assert_int_equal(gm_node_set_nth(&set, 1), 8);
	assert_int_equal(gm_node_set_nth(&set, 7), 255);
	assert_int_equal(gm_node_set_nth(&set, 8), -1);
	assert_true(gm_node_set_parse("", &set));
	assert_true(gm_node_set_parse("1023", &set));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(gm_node_set_parse(bad[i], &set));
}

static void test_by_distance(void **state)
{
	struct gm_node_set online, among;
	int node[4] = { -7, -7, -7, -7 };

	(void)state;
	assert_true(gm_node_set_parse("0-1,4,8-9", &online));
	assert_true(gm_node_set_parse("0,4,9\n", &among));
	/* A figure for each online node: 0, 1, 4, 8, 9. */
	assert_int_equal(gm_nodes_by_distance(&online, &among, "80 20 40 10 40", 8, node, 4), 3);
	assert_true(node[0] == 4 && node[1] == 9 && node[2] == 0 && node[3] == -7);
	/* The node itself is left out, and the nearest stay where there is little room. */
	assert_int_equal(gm_nodes_by_distance(&online, &among, "80 20 40 10 20", 4, node, 1), 1);
	assert_true(node[0] == 9 && node[1] == 9);
	/* What no figure is for is far. */
	assert_int_equal(gm_nodes_by_distance(&online, &among, "80", 8, node, 4), 3);
	assert_true(node[0] == 0 && node[1] == 4 && node[2] == 9);
	assert_int_equal(gm_nodes_by_distance(&online, &among, "", 8, node, 0), 0);
}

static void test_nearest_cpus(void **state)
{
	struct world *w = *state;
	struct gm_numa numa;

	put(w, NODES "/online", "0,8,254-255\n");
	put(w, NODES "/has_cpu", "0,8\n");
	put(w, NODES "/node255/distance", "80 70 80 10\n");
	put(w, NODES "/node254/distance", "80 80 10 80\n");
	gm_numa_read(&w->root, &numa);
	assert_false(numa.has_memory.known);
	assert_int_equal(gm_numa_nearest_cpus(&w->root, &numa, 8), 8);
	assert_int_equal(gm_numa_nearest_cpus(&w->root, &numa, 255), 8);
	assert_int_equal(gm_numa_nearest_cpus(&w->root, &numa, 254), -1); /* a tie */
	assert_int_equal(gm_numa_nearest_cpus(&w->root, &numa, 1), -1);
}

static void test_node_memory(void **state)
{
	struct world *w = *state;
	uint64_t total = 7, used = 7;

	put(w, NODES "/node1/meminfo", "Node 1 MemTotal:   1000 kB\nNode 1 MemFree:   400 kB\n");
	assert_int_equal(gm_numa_memory(&w->root, 1, &total, &used), 0);
	assert_true(total == 1024000 && used == 614400);
	put(w, NODES "/node1/meminfo", "Node 1 MemTotal:   1000 kB\nNode 1 MemFree:   1001 kB\n");
	assert_int_equal(gm_numa_memory(&w->root, 1, &total, &used), -EPROTO);
	put(w, NODES "/node1/meminfo", "Node 1 MemTotal:  99999999999999999 kB\n");
	assert_int_equal(gm_numa_memory(&w->root, 1, &total, &used), -EPROTO);
	assert_int_equal(gm_numa_memory(&w->root, 2, &total, &used), -ENOENT);
	assert_true(total == 1024000 && used == 614400);
}

static void test_pci_addresses(void **state)
{
	static const char *const bad[] = { "", "0000:c1:00", "0000:c1:00.8", "0000:c1:20.0",
					   "0000:c1:00.0x", " 0000:c1:00.0", "10000:c1:00.0",
					   "0000:c1:00.00", "0000:-1:00.0", "c1:00.0" };
	struct gm_pci_address a;
	char text[GPUMEM_PCI_LEN], list[16];

	(void)state;
	assert_true(gm_pci_parse("000A:C1:1f.7", &a));
	gm_pci_print(&a, text);
	assert_string_equal(text, "000a:c1:1f.7");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(gm_pci_parse(bad[i], &a));

	assert_true(gm_cpumask_list("0000ff00,00000000", list, sizeof(list)));
	assert_string_equal(list, "40-47");
	assert_true(gm_cpumask_list("80000001", list, sizeof(list)));
	assert_string_equal(list, "0,31");
	assert_true(gm_cpumask_list("00000000", list, sizeof(list)));
	assert_string_equal(list, "");
	assert_false(gm_cpumask_list("0x1", list, sizeof(list)));
	assert_false(gm_cpumask_list("55555555,55555555", list, sizeof(list)));
}

/* KFD counts CPU nodes; where a node without CPUs comes between, NUMA counts differently. */
static void test_home_node(void **state)
{
	struct world *w = *state;
	struct gpumem_devices *devices;

	put_gpu(w, "capability 1014473344\n");
	put(w, NODES "/online", "0-3\n");
	put(w, NODES "/has_cpu", "2-3\n");
	put(w, NODES "/node2/cpulist", "0-63\n");
	devices = discover(w);
	assert_int_equal(gpumem_device_node(gpumem_devices_get(devices, 0)), 2);
	assert_string_equal(gpumem_device_cpus(gpumem_devices_get(devices, 0)), "0-63");
	gpumem_devices_free(devices);
}

static void test_used(void **state)
{
	struct world *w = *state;
	struct gpumem_devices *devices;
	uint64_t bytes = 3;

	put_gpu(w, "capability 1014473344\n");
	devices = discover(w);
	assert_int_equal(gpumem_device_used(w->ctx, gpumem_devices_get(devices, 0), &bytes),
			 -ENODATA);
	assert_int_equal(bytes, 3);
	put(w, "/sys/class/drm/renderD128/device/mem_info_vram_used", "4096\n");
	assert_int_equal(gpumem_device_used(w->ctx, gpumem_devices_get(devices, 0), &bytes), 0);
	assert_int_equal(bytes, 4096);
	put(w, "/sys/bus/pci/devices/0000:c1:00.0/mem_info_vram_used", "8192\n");
	assert_int_equal(gpumem_device_used(w->ctx, gpumem_devices_get(devices, 0), &bytes), 0);
	assert_int_equal(bytes, 8192);
	gpumem_devices_free(devices);
}

static void test_empty(void **state)
{
	struct world *w = *state;
	struct gpumem_devices *devices = discover(w);

	assert_int_equal(gpumem_devices_count(devices), 0);
	assert_null(gpumem_devices_get(devices, 0));
	assert_null(gpumem_devices_find(devices, "0000:c1:00.0"));
	assert_null(gpumem_devices_free(devices));
	assert_null(gpumem_devices_free(NULL));
}

/* A FIFO in a saved tree must not make the reader wait. */
static void test_fifo(void **state)
{
	struct world *w = *state;
	char path[128];
	uint64_t value;

	put(w, NODES "/online", "0\n");
	snprintf(path, sizeof(path), "%s" NODES "/fifo", w->dir);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_true(gm_read_u64(&w->root, &value, NODES "/fifo") < 0);
	w->root.no_beneath = true;
	assert_true(gm_read_u64(&w->root, &value, NODES "/fifo") < 0);
}

/* Without openat2(2) a link out of the tree is refused rather than turned back into it. */
static void test_escape(void **state)
{
	struct world *w = *state;
	char path[128], text[64];

	put(w, "/sys/inside", "inside\n");
	snprintf(path, sizeof(path), "%s/sys/out", w->dir);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	snprintf(path, sizeof(path), "%s/sys/in", w->dir);
	assert_int_equal(symlink("inside", path), 0);
	for (int i = 0; i < 2; i++) {
		w->root.no_beneath = i;
		assert_int_equal(gm_read_line(&w->root, text, sizeof(text), "/sys/out"), -ENOENT);
		assert_int_equal(gm_read_line(&w->root, text, sizeof(text), "/sys/in"), 6);
		assert_int_equal(gm_read_line(&w->root, text, 7, "/sys/in"), -EFBIG);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_kfd_numbers),	  TEST(test_kfd_old_kernel),
		TEST(test_kfd_garbage),	  TEST(test_kfd_changing),
		TEST(test_hidden),	  TEST(test_hidden_without_pci),
		TEST(test_nvidia),	  TEST(test_nvidia_mig),
		TEST(test_node_sets),	  TEST(test_by_distance),
		TEST(test_nearest_cpus),
		TEST(test_node_memory),	  TEST(test_pci_addresses),
		TEST(test_home_node),	  TEST(test_used),
		TEST(test_empty),	  TEST(test_fifo),
		TEST(test_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
