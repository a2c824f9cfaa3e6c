/* SPDX-License-Identifier: MIT */
/*
 * submit.c: in srun, sbatch and salloc: the policy is read, checked and refused here, where the
 * user sits, before anything is submitted.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin.h"

/* What srun gives for other options it cannot read. */
#define BAD_OPTION_STATUS 255

/* The variable that gives the default, for the command that runs. */
static const char *default_variable(void)
{
	if (spank_context() == S_CTX_LOCAL)
		return "SLURM_GPU_MEM_POLICY";
	return strcmp(program_invocation_short_name, "salloc") == 0 ? "SALLOC_GPU_MEM_POLICY" :
								      "SBATCH_GPU_MEM_POLICY";
}

void submit_init(void)
{
	void (*stand_down)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "gpumem_agent_stand_down");
	const char *text = getenv(default_variable());

	/* A launcher that inherits a batch script's environment is not the job's program. */
	if (stand_down)
		stand_down();
	/* Slurm reads its own variable before the command line, so that the command line wins. */
	if (text && *text)
		setenv(POLICY_INHERITED, text, 1);
}

static void refuse(const struct gpumem_error *err)
{
	slurm_error("--" POLICY_OPTION ": %s", err->text);
	/* Returning an error would add a second line that says less. */
	exit(BAD_OPTION_STATUS);
}

void submit_option(const char *text)
{
	if (strcmp(text, "help") != 0)
		return;
	fputs(gpumem_policy_help(), stdout);
	exit(0);
}

void submit_finish(int ac, char **av)
{
	const char *text = option_text();
	struct gpumem_policy policy;
	struct gpumem_error err;
	struct site site;
	struct owner owner;

	if (!text)
		return;
	/* Only here is it known which text won: a variable's or the command line's. */
	if (gpumem_policy_parse(text, &policy, &err) < 0 ||
	    gpumem_policy_supported(&policy, &err) < 0)
		refuse(&err);
	/* The shell of salloc inherits this process's environment: what was set for srun before
	 * must not override the allocation's own policy there. */
	if (spank_context() == S_CTX_ALLOCATOR)
		unsetenv("SLURM_GPU_MEM_POLICY");
	/* The partition and account are not known to a plugin here; their rules hold on the node. */
	if (site_open(&site, ac, av) < 0)
		return;
	owner_of(getuid(), NULL, NULL, &owner);
	if (gpumem_conf_check(site.conf, &owner.subject, &policy, &err) < 0)
		refuse(&err);
	site_close(&site);
}
