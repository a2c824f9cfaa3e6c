/* SPDX-License-Identifier: MIT */
/*
 * memcg_room.h: how near the process is to the limit of its memory cgroup. Needs libc alone.
 */
#ifndef GM_MEMCG_ROOM_H
#define GM_MEMCG_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Folder of the innermost cgroup above the process that has a limit; "" when there is none. */
void gm_memcg_find(char *buf, size_t size);
/* Whether less than a margin (1/64 of the limit, 16 MiB at the least, 1/8 at the most) is left, page cache
 * apart. Device pages stay charged and nothing can reclaim them: at the limit the kernel kills. */
bool gm_memcg_near(const char *folder);
/* What of `current` bytes is not page cache or reclaimable slab, by a memory.stat file. Pure. */
uint64_t gm_memcg_unreclaimable(const char *stat, uint64_t current);

#endif
