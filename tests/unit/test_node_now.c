/* SPDX-License-Identifier: MIT */
/*
 * test_node_now: this machine's nodes, held against what the kernel says elsewhere.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "discover/node_now.h"

#define NO_NODE 1000
#define M (1ull << 20)

static int cpu_nodes(int found[16])
{
	int n = 0;

	for (int k = 0; k < 256; k++) {
		char path[64], text[8] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", k);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(text, sizeof(text), f) && text[0] != '\n' && n < 16)
			found[n++] = k;
		fclose(f);
	}
	return n;
}

static void test_with_cpus(void **state)
{
	int node[16] = { -7 }, known[16], n = cpu_nodes(known);
	size_t got;

	(void)state;
	if (n == 0)
		skip();
	/* From a node that is not there all are equally far, so they come in their order. */
	got = gm_nodes_with_cpus(NO_NODE, node, 16);
	assert_int_equal(got, n);
	for (int i = 0; i < n; i++)
		assert_int_equal(node[i], known[i]);
	/* A node is not among its own neighbours. */
	got = gm_nodes_with_cpus(known[0], node, 16);
	assert_int_equal(got, n - 1);
	for (size_t i = 0; i < got; i++)
		assert_int_not_equal(node[i], known[0]);
	/* No more than are asked for, and nothing is written behind them. */
	node[0] = node[1] = -7;
	assert_int_equal(gm_nodes_with_cpus(NO_NODE, node, 1), 1);
	assert_int_equal(node[0], known[0]);
	assert_int_equal(node[1], -7);
	assert_int_equal(gm_nodes_with_cpus(NO_NODE, node, 0), 0);
	assert_int_equal(node[0], known[0]);
	assert_int_equal(gm_nodes_with_cpus(-1, node, 1), 1);
}

static uint64_t meminfo(const char *name)
{
	uint64_t kib = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0)
			kib = strtoull(line + strlen(name), NULL, 10);
	fclose(f);
	return kib << 10;
}

static uint64_t used(void)
{
	uint64_t sum = 0, bytes;
	int known[16], n = cpu_nodes(known);

	for (int i = 0; i < n; i++) {
		assert_int_equal(gm_node_used_now(known[i], &bytes), 0);
		sum += bytes;
	}
	return sum;
}

/* The kernel's figures for the whole machine, read at another moment while others work on it. */
static bool plausible(uint64_t bytes, uint64_t least)
{
	uint64_t total = meminfo("MemTotal:"), slack = total / 8;
	uint64_t cache = meminfo("Cached:") + meminfo("Buffers:") - meminfo("Shmem:");
	uint64_t want = total - meminfo("MemFree:");

	want = want > cache ? want - cache : 0;
	return bytes >= least && bytes < total && bytes <= want + slack && bytes + slack >= want;
}

static void test_used(void **state)
{
	const size_t len = 64 * M;
	uint64_t bytes = 7;
	bool found = false;
	char *p;

	(void)state;
	if (!used())
		skip();
	assert_int_equal(gm_node_used_now(NO_NODE, &bytes), -ENOENT);
	assert_int_equal(bytes, 7);
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	memset(p, 1, len);
	for (int try = 0; try < 20 && !found; try++) {
		found = plausible(used(), len);
		if (!found)
			usleep(50000);
	}
	assert_true(found);
	munmap(p, len);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_with_cpus),
					    cmocka_unit_test(test_used) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
