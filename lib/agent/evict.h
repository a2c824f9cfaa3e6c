/* SPDX-License-Identifier: MIT */
/*
 * evict.h: taking off a device what has to leave.
 */
#ifndef GM_EVICT_H
#define GM_EVICT_H

#include "agent/decide.h"
#include "agent/proc.h"

/* Takes chunks off device i in the engine's order, until d->evict_bytes have left. A round tries each chunk once,
 * however many slices of time it takes; after one in which some stayed (pinned, say) the next waits, longer each
 * time. Returns false when `until` (CLOCK_MONOTONIC) came first. */
bool gm_proc_evict_down(struct gm_proc *p, size_t i, const struct gm_decision *d, uint64_t until);

#endif
