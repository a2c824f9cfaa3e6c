/* SPDX-License-Identifier: MIT */
/*
 * hostlist.h: node names as Slurm writes them, "n[1-4,7],login". Pure.
 */
#ifndef GM_HOSTLIST_H
#define GM_HOSTLIST_H

#include <stdbool.h>

/* What is wrong with the list, static text, or NULL. */
const char *gm_hostlist_fault(const char *list);
/* Whether the node is in a list without fault. */
bool gm_hostlist_has(const char *list, const char *node);

#endif
