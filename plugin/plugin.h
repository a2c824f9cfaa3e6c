/* SPDX-License-Identifier: MIT */
/*
 * plugin.h: what the files of the plugin share. One file per context: submit.c runs in srun,
 * sbatch and salloc, slurmd.c in slurmd, job.c in the prolog and epilog, step.c in slurmstepd.
 */
#ifndef GM_PLUGIN_H
#define GM_PLUGIN_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <slurm/spank.h>

#include "gpumem.h"

#define POLICY_OPTION "gpu-mem-policy"
/* What Slurm makes of the option in a job's environment; its form is Slurm's. */
#define POLICY_INHERITED "SLURM_SPANK__SLURM_SPANK_OPTION_gpumem_gpu_mem_policy"

/* ---- option.c: the option itself, in every context that has one */

int option_register(spank_t sp);
/* The option's text in prolog and epilog; NULL when it was not given. */
const char *option_of_job(spank_t sp);
/* The option's text as delivered to this srun, sbatch, salloc or slurmstepd; NULL: not given. */
const char *option_text(void);

/* ---- site.c: gpumem.conf with plugstack.conf's words on top, and what depends on it */

struct site {
	struct gpumem_ctx *ctx;
	struct gpumem_conf *conf;
	char node[64];
	char state_dir[PATH_MAX];
};

/* Reads the configuration; on a bad one says so once and returns a negative value: the caller
 * leaves the job alone. */
int site_open(struct site *site, int ac, char **av);
void site_close(struct site *site);
/* The node's devices from slurmd's cache, else by looking (and leaving a cache behind). */
struct gpumem_devices *site_devices(struct site *site);
/* Looks anew and writes the cache. */
void site_refresh(struct site *site);

/* The job's rules are those of its owner, account and partition. */
struct owner {
	char user[64];
	struct gpumem_subject subject;
};
void owner_of(uid_t uid, const char *partition, const char *account, struct owner *ret);

/* The policy that holds for a job: its own text, or the site's default. Returns 1 with one, 0
 * with none (or off), negative with err when the text is not one that this node can carry out. */
int site_policy(const struct site *site, const struct owner *owner, const char *text,
		struct gpumem_policy *ret, struct gpumem_error *err);

/* Makes the job's record; nothing when there is no device for one. 0, or negative with err. */
int site_record(struct site *site, const struct owner *owner, const struct gpumem_policy *policy,
		const struct gpumem_devices *devices, uint32_t job_id, uid_t uid, gid_t gid,
		struct gpumem_error *err);

/* ---- account.c: what a job did, told */

enum account_print {
	ACCOUNT_SILENT,
	ACCOUNT_PRINT,
	ACCOUNT_PRINT_IF_FIRST, /* unless a step of the job has printed on this node */
};
/* At the end of a step: on its stderr, and with to_slurm in the job's AdminComment. */
void account_step(const struct site *site, uint32_t job_id, enum account_print print, bool to_slurm);
/* At the end of a job, into the site's file, with what was left behind. */
void account_job(const struct site *site, struct gpumem_job *job, uint32_t left_processes,
		 uint64_t left_bytes);

/* ---- one function per hook and context; each returns what the hook returns */

void submit_init(void);
void submit_option(const char *text);
void submit_finish(int ac, char **av);

void slurmd_init(int ac, char **av);

void job_prolog(spank_t sp, int ac, char **av);
void job_epilog(spank_t sp, int ac, char **av);

void step_begin(spank_t sp, int ac, char **av);
void step_task_forked(void);
int step_task(spank_t sp);
void step_task_ended(spank_t sp);
void step_end(void);

#endif
