/* SPDX-License-Identifier: MIT */
/*
 * memcg.h: more room in a memory cgroup for pages that are charged there and live on a device.
 */
#ifndef GM_MEMCG_H
#define GM_MEMCG_H

#include <stdint.h>

#include "base/err.h"

/*
 * Sets memory.max of the cgroup `dir` to what it was given plus `credit` bytes. *base and *done say
 * what it was and what was added the last time (0 and 0 before the first) and are brought up to date; a file
 * that reads *base + *done is as it was left, anything else was written by somebody since and is a
 * new base. A limit of "max" stays. memory.high comes along, or it would throttle the job where
 * memory.max no longer stops it.
 *
 * *wanted is what to write, 0 nothing: gm_memcg_plan() looks, gm_memcg_write() does, so that the
 * caller can note base and credit in between.
 */
int gm_memcg_plan(const char *dir, uint64_t credit, uint64_t *base, uint64_t *done, uint64_t *wanted,
		  struct gpumem_error *err);
int gm_memcg_write(const char *dir, uint64_t wanted, struct gpumem_error *err);

#endif
