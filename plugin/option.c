/* SPDX-License-Identifier: MIT */
/*
 * option.c: --gpu-mem-policy.
 */
#include <stdio.h>
#include <string.h>

#include "plugin.h"

static char given[1024]; /* cut text must not parse as another policy: longer than any valid one */
static int was_given;

/* Called more than once when the variable and the option are both there: the last one wins. */
static int take(int val, const char *text, int remote)
{
	(void)val;
	if (!text)
		text = "";
	was_given = 1;
	snprintf(given, sizeof(given), "%s", text);
	/* What a step brings was checked where it was typed, or was forged: either way the job
	 * goes on, and step.c decides what it is worth. */
	if (!remote)
		submit_option(text);
	return 0;
}

static struct spank_option policy_option = {
	.name = (char *)POLICY_OPTION,
	.arginfo = (char *)"policy",
	.usage = (char *)"[gpumem] where memory lives on nodes with coherent GPU memory: "
			 "prefer, bind, interleave, host, advise, off, with options; see "
			 "--gpu-mem-policy=help",
	.has_arg = 1,
	.cb = take,
};

int option_register(spank_t sp)
{
	if (spank_option_register(sp, &policy_option) != ESPANK_SUCCESS)
		slurm_error("gpumem: cannot register --" POLICY_OPTION);
	return 0;
}

const char *option_of_job(spank_t sp)
{
	char *text = NULL;

	if (spank_option_getopt(sp, &policy_option, &text) != ESPANK_SUCCESS)
		return NULL;
	return text;
}

const char *option_text(void)
{
	return was_given ? given : NULL;
}
