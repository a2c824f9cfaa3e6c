/* SPDX-License-Identifier: MIT */
/*
 * fuzz_grammar.c: any text as a policy: refused with a readable line, or printed and read back as
 * the same policy.
 */
#include "replay.h"

#include "gpumem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = as_string(data, size);
	char once[GPUMEM_POLICY_LEN], again[GPUMEM_POLICY_LEN];
	struct gpumem_policy policy;
	struct gpumem_error err;
	uint64_t bytes;

	if (gpumem_policy_parse(text, &policy, &err) < 0) {
		promise_readable(err.text);
	} else {
		if (gpumem_policy_supported(&policy, &err) < 0)
			promise_readable(err.text);
		promise(gpumem_policy_print(&policy, once, sizeof(once)) == 0);
		promise(gpumem_policy_parse(once, &policy, NULL) == 0);
		promise(gpumem_policy_print(&policy, again, sizeof(again)) == 0);
		promise(strcmp(once, again) == 0);
	}
	if (gpumem_size_parse(text, &bytes) == 0) {
		uint64_t back;

		promise(gpumem_size_parse(gpumem_size_print(bytes, once, sizeof(once)), &back) ==
			0);
		promise(back == bytes);
	}
	free(text);
	return 0;
}
