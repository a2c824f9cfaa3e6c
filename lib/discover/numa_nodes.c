/* SPDX-License-Identifier: MIT */
/*
 * numa_nodes.c: reader of /sys/devices/system/node.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GM_WHERE "numa"
#include "base/cleanup.h"
#include "discover/numa_nodes.h"

#define NODES "/sys/devices/system/node"

static void read_set(struct gm_root *root, const char *name, struct gm_node_set *ret)
{
	char text[GM_TEXT_MAX];

	if (gm_read_line(root, text, sizeof(text), NODES "/%s", name) < 0)
		return;
	if (!gm_node_set_parse(text, ret))
		gm_log(root->ctx, LOG_WARNING, NODES "/%s: \"%.40s\" is no list", name, text);
}

void gm_numa_read(struct gm_root *root, struct gm_numa *ret)
{
	*ret = (struct gm_numa){ 0 };
	read_set(root, "online", &ret->online);
	read_set(root, "has_cpu", &ret->has_cpu);
	read_set(root, "has_memory", &ret->has_memory);
	read_set(root, "has_normal_memory", &ret->has_normal_memory);
}

void gm_numa_folder(int32_t node, char *ret)
{
	snprintf(ret, 64, NODES "/node%d", node);
}

int gm_numa_usage(struct gm_root *root, int32_t node, struct gm_numa_usage *ret)
{
	enum { TOTAL, FREE, FILES, SHARED, ANON, WORDS };
	static const char *const words[WORDS] = { "MemTotal", "MemFree", "FilePages", "Shmem",
						  "AnonPages" };
	char text[GM_TEXT_MAX], *cursor = text, *line;
	unsigned long long kib;
	uint64_t bytes[WORDS] = { 0 };
	unsigned seen = 0;
	char key[32];
	int rc;

	rc = gm_read_text(root, text, sizeof(text), NODES "/node%d/meminfo", node);
	if (rc < 0)
		return rc;
	while ((line = gm_next_line(&cursor))) {
		if (sscanf(line, "Node %*d %31[^:]: %llu kB", key, &kib) != 2 ||
		    kib > UINT64_MAX / 1024)
			continue;
		for (int i = 0; i < WORDS; i++)
			if (!strcmp(key, words[i])) {
				bytes[i] = kib * 1024;
				seen |= 1u << i;
			}
	}
	if (!(seen & 1u << TOTAL) || !(seen & 1u << FREE) || bytes[FREE] > bytes[TOTAL])
		return -EPROTO;
	*ret = (struct gm_numa_usage){ .total = bytes[TOTAL],
				       .used = bytes[TOTAL] - bytes[FREE],
				       .anon = bytes[ANON] };
	if (bytes[FILES] > bytes[SHARED])
		ret->cache = bytes[FILES] - bytes[SHARED];
	if (ret->cache > ret->used)
		ret->cache = ret->used; /* the figures are not of one moment */
	return 0;
}

/* /proc/zoneinfo: for each zone of each node a list of CPUs. */
static uint64_t count_at_hand(char *text, int32_t node)
{
	char *cursor = text, *line;
	unsigned long long pages;
	uint64_t sum = 0;
	bool ours = false;
	int number;

	while ((line = gm_next_line(&cursor))) {
		if (sscanf(line, "Node %d, zone", &number) == 1)
			ours = number == node;
		else if (ours && sscanf(line, " count: %llu", &pages) == 1)
			sum += pages;
	}
	return sum * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t gm_numa_at_hand(struct gm_root *root, int32_t node)
{
	/* 500 CPUs and 20 nodes have some 4 MiB. */
	for (size_t size = 256u << 10; size <= 16u << 20; size *= 4) {
		_cleanup_free_ char *text = malloc(size);
		int rc = text ? gm_read_text(root, text, size, "/proc/zoneinfo") : -ENOMEM;

		if (rc >= 0)
			return count_at_hand(text, node);
		if (rc != -EFBIG)
			break;
	}
	return 0;
}

int gm_numa_memory(struct gm_root *root, int32_t node, uint64_t *ret_total, uint64_t *ret_used)
{
	struct gm_numa_usage usage;
	int rc = gm_numa_usage(root, node, &usage);

	if (rc < 0)
		return rc;
	*ret_total = usage.total;
	*ret_used = usage.used;
	return 0;
}

int gm_numa_cpus(struct gm_root *root, int32_t node, char *buf, size_t len)
{
	char text[GM_TEXT_MAX];
	int rc = gm_read_line(root, text, sizeof(text), NODES "/node%d/cpulist", node);

	if (rc < 0)
		return rc;
	if ((size_t)rc >= len)
		return -EFBIG;
	memcpy(buf, text, (size_t)rc + 1);
	return 0;
}

int32_t gm_numa_nearest_cpus(struct gm_root *root, const struct gm_numa *numa, int32_t node)
{
	unsigned long distance, best = ~0ul;
	char text[GM_TEXT_MAX], *cursor = text, *end;
	int32_t found = -1, at;

	if (gm_node_set_has(&numa->has_cpu, node))
		return node;
	if (gm_read_line(root, text, sizeof(text), NODES "/node%d/distance", node) < 0)
		return -1;
	/* One column per online node, in their order. */
	for (uint32_t column = 0;; column++, cursor = end) {
		distance = strtoul(cursor, &end, 10);
		at = gm_node_set_nth(&numa->online, column);
		if (end == cursor || at < 0)
			return found;
		if (!gm_node_set_has(&numa->has_cpu, at) || distance > best)
			continue;
		found = distance < best ? at : -1; /* two at one distance: neither is nearest */
		best = distance;
	}
}

void gm_numa_performance(struct gm_root *root, int32_t node, uint64_t *ret_bandwidth,
			 uint64_t *ret_latency)
{
	/* access1 is for CPUs alone; in access0 the best initiator may be the GPU itself. */
	for (int class = 1; class >= 0; class--) {
		uint64_t bandwidth = 0, latency = 0;

		gm_read_u64(root, &bandwidth, NODES "/node%d/access%d/initiators/read_bandwidth",
			    node, class);
		gm_read_u64(root, &latency, NODES "/node%d/access%d/initiators/read_latency", node,
			    class);
		if (bandwidth || latency) {
			*ret_bandwidth = bandwidth;
			*ret_latency = latency;
			return;
		}
	}
	*ret_bandwidth = *ret_latency = 0;
}
