/* SPDX-License-Identifier: MIT */
/*
 * numa_order.c: nodes by distance, and their room.
 */
#include "config.h"

#include "discover/numa_order.h"

#define LEAST_FREE (16ull << 20)

static struct gm_node_set system_nodes(const struct gm_numa *numa)
{
	return gm_node_set_and(&numa->has_cpu, &numa->has_memory);
}

size_t gm_numa_order(struct gm_root *root, int32_t node, int *ret, size_t room)
{
	char text[GM_TEXT_MAX] = "";
	struct gm_node_set among;
	struct gm_numa numa;

	gm_numa_read(root, &numa);
	among = system_nodes(&numa);
	gm_read_line(root, text, sizeof(text), "/sys/devices/system/node/node%d/distance", node);
	return gm_nodes_by_distance(&numa.online, &among, text, node, ret, room);
}

struct gm_node_set gm_numa_system_nodes(struct gm_root *root)
{
	struct gm_numa numa;

	gm_numa_read(root, &numa);
	return system_nodes(&numa);
}

uint64_t gm_numa_room(struct gm_root *root, int32_t node)
{
	uint64_t total, used, keep;

	if (gm_numa_memory(root, node, &total, &used) < 0)
		return 0;
	/* Below its watermarks the kernel reclaims, and reports each page that it cannot have. */
	keep = total / 64 > LEAST_FREE ? total / 64 : LEAST_FREE;
	return total - used > keep ? total - used - keep : 0;
}
