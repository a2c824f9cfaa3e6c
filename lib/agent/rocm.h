/* SPDX-License-Identifier: MIT */
/*
 * rocm.h: the agent beside ROCr, which must be the first to open KFD in its process.
 */
#ifndef GM_ROCM_H
#define GM_ROCM_H

#include "agent/proc.h"

/* The process that the agent watches; NULL before it attached. */
struct gm_proc *gm_agent_attached(void);

#endif
