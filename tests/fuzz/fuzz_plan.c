/* SPDX-License-Identifier: MIT */
/*
 * fuzz_plan.c: any text as a plan: refused with a readable line, or the very text that printing the
 * plan gives.
 */
#include "replay.h"

#include "gpumem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = as_string(data, size), printed[GPUMEM_PLAN_LEN];
	struct gpumem_plan plan;
	struct gpumem_error err;
	uint32_t i;

	if (gpumem_plan_parse(text, &plan, &err) < 0) {
		promise_readable(err.text);
	} else {
		promise(plan.device_count <= GPUMEM_MAX_DEVICES);
		for (i = 0; i < plan.device_count; i++)
			promise(plan.device[i] < GPUMEM_MAX_DEVICES);
		promise(gpumem_plan_print(&plan, printed, sizeof(printed)) == 0);
		promise(strcmp(text, printed) == 0);
	}
	free(text);
	return 0;
}
