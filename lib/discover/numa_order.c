/* SPDX-License-Identifier: MIT */
/*
 * numa_order.c: nodes by distance, and their room.
 */
#include "config.h"

#include <stdlib.h>

#include "discover/numa_order.h"

#define LEAST_FREE (16ull << 20)

static bool is_system(const struct gm_numa *numa, int32_t node)
{
	return gm_node_set_has(&numa->has_cpu, node) && gm_node_set_has(&numa->has_memory, node);
}

/* Insertion sort: there are few. */
static size_t insert(int *node, unsigned long *distance, size_t count, size_t room, int at,
		     unsigned long far)
{
	size_t i = count < room ? count : room - 1;

	if (count == room && far >= distance[i])
		return count;
	for (; i > 0 && distance[i - 1] > far; i--) {
		node[i] = node[i - 1];
		distance[i] = distance[i - 1];
	}
	node[i] = at;
	distance[i] = far;
	return count < room ? count + 1 : room;
}

size_t gm_numa_order(struct gm_root *root, int32_t node, int *ret, size_t room)
{
	char text[GM_TEXT_MAX] = "", *cursor = text, *end;
	unsigned long distance[64];
	struct gm_numa numa;
	size_t count = 0;
	int32_t at;

	if (room > 64)
		room = 64;
	gm_numa_read(root, &numa);
	if (!room || gm_read_line(root, text, sizeof(text), "/sys/devices/system/node/node%d/distance",
				  node) < 0)
		return 0;
	/* One column per online node, in their order. */
	for (uint32_t column = 0; (at = gm_node_set_nth(&numa.online, column)) >= 0; column++) {
		unsigned long far = strtoul(cursor, &end, 10);

		if (end == cursor)
			break;
		cursor = end;
		if (at != node && is_system(&numa, at))
			count = insert(ret, distance, count, room, at, far);
	}
	return count;
}

uint64_t gm_numa_system_nodes(struct gm_root *root)
{
	struct gm_numa numa;
	uint64_t bits = 0;

	gm_numa_read(root, &numa);
	for (int32_t i = 0; i < 64; i++)
		if (is_system(&numa, i))
			bits |= 1ull << i;
	return bits;
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
