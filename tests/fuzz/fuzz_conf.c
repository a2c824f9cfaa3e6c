/* SPDX-License-Identifier: MIT */
/*
 * fuzz_conf.c: any bytes as gpumem.conf: readable problems, or settings that print and read back
 * as the same.
 */
#include "replay.h"

#include "gpumem.h"

static void count(void *data, unsigned line, const char *text)
{
	(void)line;
	promise_readable(text);
	(*(unsigned *)data)++;
}

static void ask(const struct gpumem_conf *conf)
{
	const struct gpumem_subject who = {"gpu", "phys", "eve"};
	struct gpumem_policy policy;
	struct gpumem_error err;
	char dir[1024];

	if (gpumem_conf_default_policy(conf, &who)[0])
		promise(gpumem_policy_parse(gpumem_conf_default_policy(conf, &who), &policy,
					    &err) == 0);
	promise(gpumem_policy_parse("bind,limit=8G", &policy, NULL) == 0);
	if (gpumem_conf_check(conf, &who, &policy, &err) < 0)
		promise_readable(err.text);
	promise(gpumem_conf_max_limit(conf, &who, 1ull << 36) <= 1ull << 36);
	promise(gpumem_conf_state_dir(conf, "n1", dir, sizeof(dir)) == 0 && dir[0] == '/');
	gpumem_conf_gres_device(conf, "n1", NULL, 0);
	gpumem_conf_gres_device(conf, "n007x12", NULL, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gpumem_conf *conf = NULL;
	struct gpumem_error err;
	unsigned problems = 0;
	char *once, *again;

	if (gpumem_conf_parse("f", (const char *)data, size, count, &problems, &conf, &err) < 0) {
		promise(problems > 0 && !conf);
		promise_readable(err.text);
		return 0;
	}
	promise(problems == 0);
	ask(conf);
	promise(gpumem_conf_print(conf, NULL, &once) == 0);
	gpumem_conf_free(conf);
	if (strlen(once) <= 1 << 20) {
		promise(gpumem_conf_parse("f", once, strlen(once), NULL, NULL, &conf, &err) == 0);
		promise(gpumem_conf_print(conf, NULL, &again) == 0);
		promise(strcmp(once, again) == 0);
		gpumem_conf_free(conf);
		free(again);
	}
	free(once);
	return 0;
}
