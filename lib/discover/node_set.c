/* SPDX-License-Identifier: MIT */
/*
 * node_set.c: lists of nodes read, and ordered.
 */
#include <stdlib.h>
#include <string.h>

#include "discover/node_set.h"

#define FAR 255 /* what the firmware says of nodes that do not reach each other */

/* strtoul() alone would take blanks and signs. */
static bool number(const char **text, uint32_t *ret)
{
	unsigned long value;
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	value = strtoul(*text, &end, 10);
	if (value >= GM_NUMA_MAX)
		return false;
	*text = end;
	*ret = (uint32_t)value;
	return true;
}

static bool range(const char **text, struct gm_node_set *set)
{
	uint32_t first, last;

	if (!number(text, &first))
		return false;
	last = first;
	if (**text == '-') {
		++*text;
		if (!number(text, &last) || last < first)
			return false;
	}
	for (uint32_t i = first; i <= last; i++)
		gm_node_set_add(set, (int32_t)i);
	return true;
}

void gm_node_set_add(struct gm_node_set *set, int32_t node)
{
	if (node >= 0 && node < GM_NUMA_MAX)
		set->bits[node / 64] |= 1ull << node % 64;
}

bool gm_node_set_parse(const char *text, struct gm_node_set *ret)
{
	struct gm_node_set set = { .known = true };

	while (*text && *text != '\n') {
		if (!range(&text, &set))
			return false;
		if (*text == ',')
			text++;
		else if (*text && *text != '\n')
			return false;
	}
	*ret = set;
	return true;
}

bool gm_node_set_has(const struct gm_node_set *set, int32_t node)
{
	return node >= 0 && node < GM_NUMA_MAX && set->bits[node / 64] >> node % 64 & 1;
}

int32_t gm_node_set_nth(const struct gm_node_set *set, uint32_t n)
{
	for (int32_t i = 0; i < GM_NUMA_MAX; i++) {
		if (gm_node_set_has(set, i) && n-- == 0)
			return i;
	}
	return -1;
}

struct gm_node_set gm_node_set_and(const struct gm_node_set *a, const struct gm_node_set *b)
{
	struct gm_node_set both = { .known = a->known && b->known };

	for (size_t i = 0; i < sizeof(both.bits) / sizeof(both.bits[0]); i++)
		both.bits[i] = a->bits[i] & b->bits[i];
	return both;
}

/* The next figure, for the next online node. */
static unsigned long figure(const char **distances)
{
	char *end;
	unsigned long value = strtoul(*distances, &end, 10);

	if (end == *distances)
		return FAR;
	*distances = end;
	return value;
}

size_t gm_nodes_by_distance(const struct gm_node_set *online, const struct gm_node_set *among,
			    const char *distances, int32_t node, int *ret, size_t room)
{
	unsigned long far[64];
	size_t count = 0, at;

	if (room > sizeof(far) / sizeof(far[0]))
		room = sizeof(far) / sizeof(far[0]);
	for (int32_t n = 0; room && n < GM_NUMA_MAX; n++) {
		unsigned long d = gm_node_set_has(online, n) ? figure(&distances) : FAR;

		if (n == node || !gm_node_set_has(among, n) || (count == room && far[room - 1] <= d))
			continue;
		/* Insertion sort: there are few. */
		at = count == room ? room - 1 : count++;
		for (; at > 0 && far[at - 1] > d; at--) {
			far[at] = far[at - 1];
			ret[at] = ret[at - 1];
		}
		far[at] = d;
		ret[at] = n;
	}
	return count;
}
