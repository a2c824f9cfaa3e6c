/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "place/numa.h"

int gm_numa_move(const struct gm_numa_move *move, struct gm_numa_moved *ret)
{
	(void)move;
	*ret = (struct gm_numa_moved){ 0 };
	return -ENOSYS;
}
