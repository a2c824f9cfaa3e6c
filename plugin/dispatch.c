/* SPDX-License-Identifier: MIT */
/*
 * dispatch.c: Slurm's hooks. They do nothing but look where they are and pass on.
 *
 * None of them fails but task_init: a failure in any other hook gives a job that looks completed,
 * or a drained node (hook and version decide which).
 */
#define PUBLIC __attribute__((visibility("default")))

#include <stdint.h>
#include <slurm/spank.h>

/* SPANK_PLUGIN() defines these without a word on visibility. */
extern PUBLIC const char plugin_name[], plugin_type[];
extern PUBLIC const unsigned int plugin_version, spank_plugin_version;
PUBLIC spank_f slurm_spank_init, slurm_spank_init_post_opt, slurm_spank_job_prolog,
	slurm_spank_job_epilog, slurm_spank_task_post_fork, slurm_spank_task_init,
	slurm_spank_task_exit, slurm_spank_exit;

#include "plugin.h"

SPANK_PLUGIN(gpumem, 1)

int slurm_spank_init(spank_t sp, int ac, char **av)
{
	switch (spank_context()) {
	case S_CTX_LOCAL:
	case S_CTX_ALLOCATOR:
		submit_init();
		return option_register(sp);
	case S_CTX_REMOTE:
		return option_register(sp);
	case S_CTX_SLURMD:
		slurmd_init(ac, av);
		return 0;
	default:
		return 0;
	}
}

int slurm_spank_init_post_opt(spank_t sp, int ac, char **av)
{
	switch (spank_context()) {
	case S_CTX_LOCAL:
	case S_CTX_ALLOCATOR:
		submit_finish(ac, av);
		return 0;
	case S_CTX_REMOTE:
		step_begin(sp, ac, av);
		return 0;
	default:
		return 0;
	}
}

int slurm_spank_job_prolog(spank_t sp, int ac, char **av)
{
	job_prolog(sp, ac, av);
	return 0;
}

int slurm_spank_job_epilog(spank_t sp, int ac, char **av)
{
	job_epilog(sp, ac, av);
	return 0;
}

int slurm_spank_task_post_fork(spank_t sp, int ac, char **av)
{
	(void)sp;
	(void)ac;
	(void)av;
	if (spank_context() == S_CTX_REMOTE)
		step_task_forked();
	return 0;
}

int slurm_spank_task_init(spank_t sp, int ac, char **av)
{
	(void)ac;
	(void)av;
	return spank_context() == S_CTX_REMOTE ? step_task(sp) : 0;
}

int slurm_spank_task_exit(spank_t sp, int ac, char **av)
{
	(void)ac;
	(void)av;
	if (spank_context() == S_CTX_REMOTE)
		step_task_ended(sp);
	return 0;
}

int slurm_spank_exit(spank_t sp, int ac, char **av)
{
	(void)sp;
	(void)ac;
	(void)av;
	if (spank_context() == S_CTX_REMOTE)
		step_end();
	return 0;
}
