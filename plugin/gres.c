/* SPDX-License-Identifier: MIT */
/*
 * gres.c: GPU indices of a step and of its tasks.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gres.h"

#define MOST 4095u

static int number(const char **text, unsigned *ret)
{
	char *end;
	unsigned long n;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	n = strtoul(*text, &end, 10);
	if (n > MOST)
		return -EINVAL;
	*text = end;
	*ret = (unsigned)n;
	return 0;
}

int gres_parse(const char *text, struct gres_list *ret)
{
	struct gres_list list = { 0 };

	while (*text) {
		unsigned first, last;

		if (number(&text, &first) < 0)
			return -EINVAL;
		last = first;
		if (*text == '-') {
			text++;
			if (number(&text, &last) < 0 || last < first)
				return -EINVAL;
		}
		for (; first <= last; first++) {
			if (list.count == GPUMEM_MAX_DEVICES)
				return -EINVAL;
			list.index[list.count++] = first;
		}
		if (*text == ',')
			text++;
		else if (*text)
			return -EINVAL;
	}
	*ret = list;
	return 0;
}

static bool has(const struct gres_list *list, unsigned index)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->index[i] == index)
			return true;
	return false;
}

static bool same(const struct gres_list *a, const struct gres_list *b)
{
	return a->count == b->count &&
	       memcmp(a->index, b->index, a->count * sizeof(a->index[0])) == 0;
}

void gres_of_task(const struct gres_list *step, const struct gres_list *permitted,
		  const struct gres_list *visible_step, const struct gres_list *visible_task,
		  struct gres_list *ret)
{
	bool by_cgroup = permitted->count > 0 && permitted->count < step->count;
	const struct gres_list *base = by_cgroup ? permitted : step;
	/* Equal lists: the variable counts the node's GPUs (or both counts are the same). */
	bool global = !by_cgroup && same(step, visible_step);
	struct gres_list list = { 0 };

	for (size_t i = 0; i < visible_task->count; i++) {
		unsigned n = visible_task->index[i];

		if (global ? !has(base, n) : n >= base->count)
			continue;
		list.index[list.count++] = global ? n : base->index[n];
	}
	*ret = list.count ? list : *base;
}
