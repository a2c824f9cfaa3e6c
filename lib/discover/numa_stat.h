/* SPDX-License-Identifier: MIT */
/*
 * numa_stat.h: what a memory cgroup (v2) has on one NUMA node, as the kernel counts it.
 */
#ifndef GM_NUMA_STAT_H
#define GM_NUMA_STAT_H

#include <stdint.h>

/* Bytes of processes' own memory and of files' pages, shared memory among them, of the folder's cgroup and those below
 * it. Errors: what open(2) says; EPROTO the file does not name the node. */
int gm_numa_stat(const char *folder, int node, uint64_t *ret_bytes);

#endif
