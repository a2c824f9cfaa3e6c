/* SPDX-License-Identifier: MIT */
/*
 * test_clean: page cache in the memory of a GPU: what is much, and both ways to drop it, on a tree of files.
 */
#include <errno.h>
#include <unistd.h>

#include "cgroup_tree.h"

#define NODE "/sys/devices/system/node/node2"
#define DROP "/proc/sys/vm/drop_caches"
#define M 1024 /* in kB */
#define MIB (1ul << 20)

static void meminfo(const struct tree *t, unsigned total, unsigned used, unsigned files, unsigned shared,
		    unsigned anon)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "Node 2 MemTotal:       %u kB\nNode 2 MemFree:        %u kB\n"
		 "Node 2 MemUsed:        %u kB\n"
		 "Node 2 FilePages:      %u kB\nNode 2 Mapped:            7 kB\n"
		 "Node 2 AnonPages:      %u kB\nNode 2 Shmem:          %u kB\n",
		 total, total - used, used, files, anon, shared);
	tree_write(t, NODE "/meminfo", text);
}

static struct gpumem_devices *machine(const struct tree *t)
{
	static const char text[] = "Device=0009:01:00.0 Kind=numa Node=2\n"
				   "Device=0009:02:00.0 Kind=numa-shared Node=0\n";
	struct gpumem_devices *devices;
	struct gpumem_conf *conf;

	tree_mkdir(t, NODE);
	tree_mkdir(t, "/sys/devices/system/node/node0");
	tree_mkdir(t, "/proc/sys/vm");
	tree_write(t, "/sys/devices/system/node/online", "0,2\n");
	tree_write(t, "/sys/devices/system/node/has_cpu", "0\n");
	tree_write(t, "/sys/devices/system/node/has_memory", "0,2\n");
	tree_write(t, "/sys/devices/system/node/has_normal_memory", "0\n");
	tree_write(t, "/sys/devices/system/node/node0/meminfo",
		   "Node 0 MemTotal: 1000000 kB\nNode 0 MemFree: 1000 kB\n");
	tree_write(t, DROP, "0\n");
	meminfo(t, 1000 * M, 400 * M, 350 * M, 50 * M, 20 * M);
	assert_int_equal(gpumem_conf_parse("f", text, strlen(text), NULL, NULL, &conf, NULL), 0);
	assert_int_equal(gpumem_discover(t->ctx, GPUMEM_DISCOVER_NO_HWLOC, &devices, NULL), 0);
	assert_int_equal(gpumem_devices_given(t->ctx, conf, "n1", devices, NULL), 0);
	gpumem_conf_free(conf);
	return devices;
}

static void test_drop_caches(void **state)
{
	const unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);
	struct tree *t = *state;
	char text[1024];
	struct gpumem_devices *devices = machine(t);
	const struct gpumem_device *dev = gpumem_devices_find(devices, "0009:01:00.0");
	struct gpumem_clean c;
	uint64_t used;

	assert_int_equal(gpumem_device_clean(t->ctx, dev, false, &c, NULL), 0);
	assert_int_equal(c.total_bytes >> 20, 1000);
	assert_int_equal(c.cache_bytes >> 20, 300);
	assert_int_equal(c.cache_left_bytes >> 20, 300);
	assert_int_equal(c.anon_bytes >> 20, 20);
	assert_true(c.much_cache && c.much_anon && !c.dropped);
	assert_string_equal(tree_read(t, DROP), "0");
	assert_int_equal(gpumem_device_clean(t->ctx, dev, true, &c, NULL), 0);
	assert_true(c.dropped);
	assert_string_equal(tree_read(t, DROP), "1");
	/* In use is what cannot be dropped. */
	assert_int_equal(gpumem_device_used(t->ctx, dev, &used), 0);
	assert_int_equal(used >> 20, 100);
	/* What CPUs keep at hand is free too: of this node, in all its zones. */
	snprintf(text, sizeof(text),
		 "Node 0, zone   Normal\n  pages free     10\n  pagesets\n    cpu: 0\n"
		 "              count:    9999\n              high:     7\n"
		 "Node 2, zone   Normal\n  pagesets\n    cpu: 0\n              count: %lu\n"
		 "              high:     2000\n    cpu: 1\n              count: %lu\n"
		 "Node 2, zone  Movable\n  pagesets\n    cpu: 0\n              count:    %lu\n"
		 "Node 3, zone  Movable\n    cpu: 0\n              count:    4444\n",
		 10 * MIB / page, 20 * MIB / page, 5 * MIB / page);
	tree_write(t, "/proc/zoneinfo", text);
	assert_int_equal(gpumem_device_used(t->ctx, dev, &used), 0);
	assert_int_equal(used >> 20, 65);
	tree_write(t, "/proc/zoneinfo", "Node 2, zone Normal\n count: 999999999\n");
	assert_int_equal(gpumem_device_used(t->ctx, dev, &used), 0);
	assert_int_equal(used, 0);
	gpumem_devices_free(devices);
}

static void test_reclaim(void **state)
{
	struct tree *t = *state;
	struct gpumem_devices *devices = machine(t);
	const struct gpumem_device *dev = gpumem_devices_find(devices, "0009:01:00.0");
	struct gpumem_clean c;

	tree_write(t, NODE "/reclaim", "\n");
	assert_int_equal(gpumem_device_clean(t->ctx, dev, true, &c, NULL), 0);
	assert_true(c.dropped);
	assert_string_equal(tree_read(t, NODE "/reclaim"), "314572800 swappiness=0");
	assert_string_equal(tree_read(t, DROP), "0");
	gpumem_devices_free(devices);
}

static void test_little(void **state)
{
	struct tree *t = *state;
	struct gpumem_devices *devices = machine(t);
	const struct gpumem_device *dev = gpumem_devices_find(devices, "0009:01:00.0");
	struct gpumem_clean c;

	/* 16 MiB of 1000, and 100 of 100000: neither is above both bounds. */
	meminfo(t, 1000 * M, 400 * M, 66 * M, 50 * M, 16 * M);
	assert_int_equal(gpumem_device_clean(t->ctx, dev, true, &c, NULL), 0);
	assert_true(!c.dropped && !c.much_cache && !c.much_anon);
	meminfo(t, 100000 * M, 400 * M, 100 * M, 0, 0);
	assert_int_equal(gpumem_device_clean(t->ctx, dev, true, &c, NULL), 0);
	assert_true(!c.dropped && !c.much_cache);
	assert_int_equal(c.cache_bytes >> 20, 100);
	assert_string_equal(tree_read(t, DROP), "0");
	gpumem_devices_free(devices);
}

static void test_errors(void **state)
{
	struct tree *t = *state;
	struct gpumem_devices *devices = machine(t);
	const struct gpumem_device *dev = gpumem_devices_find(devices, "0009:01:00.0");
	struct gpumem_clean c = { 0 };
	struct gpumem_error err;
	char path[128];

	snprintf(path, sizeof(path), "%s" DROP, t->root);
	assert_int_equal(remove(path), 0);
	assert_int_equal(gpumem_device_clean(t->ctx, dev, true, &c, &err), -ENOENT);
	assert_string_equal(err.text,
			    "node 2: page cache cannot be dropped: No such file or directory");
	assert_true(c.much_cache && !c.dropped);
	tree_write(t, NODE "/meminfo", "nonsense\n");
	assert_int_equal(gpumem_device_clean(t->ctx, dev, true, &c, &err), -EPROTO);
	dev = gpumem_devices_find(devices, "0009:02:00.0");
	assert_int_equal(gpumem_device_kind(dev), GPUMEM_KIND_NUMA_SHARED);
	assert_int_equal(gpumem_device_clean(t->ctx, dev, true, &c, &err), -ENOTSUP);
	gpumem_devices_free(devices);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_tree(test_drop_caches), with_tree(test_reclaim), with_tree(test_little),
		with_tree(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
