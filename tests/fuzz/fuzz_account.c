/* SPDX-License-Identifier: MIT */
/*
 * fuzz_account.c: any line as a job's account: refused, or one that is read again as the same once it
 * was printed.
 */
#include "replay.h"

#include "gpumem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = as_string(data, size), *printed, *again;
	struct gpumem_account a;

	if (gpumem_account_parse(text, &a) == 0) {
		promise(a.device_count <= GPUMEM_MAX_DEVICES);
		promise(gpumem_account_json(&a, false, &printed) == 0);
		promise(!strpbrk(printed, "\n\033"));
		promise(gpumem_account_parse(printed, &a) == 0);
		promise(gpumem_account_json(&a, false, &again) == 0);
		/* What was no ASCII is a question mark after the first time. */
		promise(strchr(printed, '\\') || strcmp(printed, again) == 0);
		free(printed);
		free(again);
		promise(gpumem_account_text(&a, false, &printed) == 0);
		free(printed);
	}
	free(text);
	return 0;
}
