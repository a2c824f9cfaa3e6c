/* SPDX-License-Identifier: MIT */
/*
 * attach.h: what a job's record and a task's plan say together.
 */
#ifndef GM_ATTACH_H
#define GM_ATTACH_H

#include "ledger/layout.h"
#include "place/devices.h"

void gm_devices_of(const struct gm_limits *limits, struct gm_place_devices *ret);
/* The plan comes from an environment, the record from root. Errors: EINVAL. */
int gm_check_plan(const struct gpumem_plan *plan, const struct gm_limits *limits,
		  struct gpumem_error *err);

#endif
