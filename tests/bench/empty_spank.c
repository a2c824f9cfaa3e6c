/* SPDX-License-Identifier: MIT */
/*
 * empty_spank: a plugin with gpumem's hooks and nothing in them: what Slurm takes for any such.
 * For the prolog and the epilog of a job slurmd then starts a slurmstepd each.
 */
#define PUBLIC __attribute__((visibility("default")))

#include <stdint.h>
#include <slurm/spank.h>

extern PUBLIC const char plugin_name[], plugin_type[];
extern PUBLIC const unsigned int plugin_version, spank_plugin_version;
PUBLIC spank_f slurm_spank_init, slurm_spank_init_post_opt, slurm_spank_job_prolog,
	slurm_spank_job_epilog, slurm_spank_task_init, slurm_spank_exit;

SPANK_PLUGIN(empty, 1)

#define EMPTY(hook)                                                                              \
	int hook(spank_t sp, int ac, char **av)                                                  \
	{                                                                                        \
		(void)sp;                                                                        \
		(void)ac;                                                                        \
		(void)av;                                                                        \
		return 0;                                                                        \
	}

EMPTY(slurm_spank_init)
EMPTY(slurm_spank_init_post_opt)
EMPTY(slurm_spank_job_prolog)
EMPTY(slurm_spank_job_epilog)
EMPTY(slurm_spank_task_init)
EMPTY(slurm_spank_exit)
