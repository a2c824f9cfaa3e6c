/* SPDX-License-Identifier: MIT */
/*
 * jobs.h: which job records of this node a command is about.
 */
#ifndef JOBS_H
#define JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "gpumem.h"

struct job_filter {
	const char *conf;      /* --conf: gpumem.conf; NULL: the default */
	const char *state_dir; /* --state-dir: over the configuration */
	const char *job;       /* --job: an id; NULL: SLURM_JOB_ID, else all */
	bool writable;
	bool may_be_gone; /* a job that was named and has no record any more is no error */
};

/* Long options that all of these commands have; the values of getopt_long(). */
enum { OPT_CONF = 512, OPT_STATE_DIR };
#define JOB_OPTIONS                                                                              \
	{ "conf", required_argument, NULL, OPT_CONF },                                           \
		{ "state-dir", required_argument, NULL, OPT_STATE_DIR },                         \
		{ "job", required_argument, NULL, 'j' }
#define JOB_OPTIONS_HELP                                                                         \
	" -j, --job <id>         the job (default: SLURM_JOB_ID, else every job of this node)\n" \
	"     --conf <file>      read this gpumem.conf\n"                                        \
	"     --state-dir <dir>  where job records are, over what gpumem.conf says\n"

/* Takes one of the options above; false: it is none of them. */
bool job_filter_option(struct job_filter *filter, int c, char *value);

struct job_list {
	struct gpumem_job **job;
	size_t count;
};

/* Opens the records that the filter names and the caller may read. Returns an exit code, after
 * saying what is wrong; no job at all is none of the errors. */
int job_list_open(const struct job_filter *filter, struct job_list *ret);
void job_list_close(struct job_list *list);

/* The only job of the list. NULL after saying that there is none, or that --job must choose. */
struct gpumem_job *job_list_only(const struct job_list *list);

/* A device argument: PCI address, or number in the job's table. Returns its index, or -1 after
 * saying which there are. */
int job_device_index(struct gpumem_job *job, const char *text);

#endif
