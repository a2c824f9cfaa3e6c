/* SPDX-License-Identifier: MIT */
/*
 * jobs.c: finding job records.
 */
#include "config.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "jobs.h"

bool job_filter_option(struct job_filter *filter, int c, char *value)
{
	switch (c) {
	case OPT_CONF:
		filter->conf = value;
		return true;
	case OPT_STATE_DIR:
		filter->state_dir = value;
		return true;
	case 'j':
		filter->job = value;
		return true;
	default:
		return false;
	}
}

/* The state directory as a pattern: a node's name in it may be any. */
static int state_pattern(const struct job_filter *filter, char *buf, size_t len)
{
	struct gpumem_conf *conf;
	struct gpumem_error err;
	char dir[PATH_MAX];
	size_t n = 0;
	int rc;

	if (filter->state_dir) {
		snprintf(buf, len, "%s", filter->state_dir);
		return 0;
	}
	rc = gpumem_conf_read(filter->conf, NULL, NULL, &conf, &err);
	if (rc < 0) {
		fprintf(stderr, "gpumem: %s\n", err.text);
		return rc;
	}
	rc = gpumem_conf_state_dir(conf, NULL, dir, sizeof(dir));
	gpumem_conf_free(conf);
	if (rc < 0)
		return rc;
	for (const char *p = dir; *p && n + 1 < len; p++) {
		if (p[0] == '%' && p[1] == 'n') {
			buf[n++] = '*';
			p++;
		} else {
			buf[n++] = *p;
		}
	}
	buf[n] = '\0';
	return 0;
}

static int add(struct job_list *list, const char *dir, uint32_t id, const struct job_filter *filter,
	       bool named)
{
	struct gpumem_error err;
	struct gpumem_job *job, **more;
	int rc = gpumem_job_open(dir, id, filter->writable, &job, &err);

	if (rc < 0) {
		/* Other people's jobs are no news, unless one was asked for. */
		if (named && rc != -ENOENT)
			fprintf(stderr, "gpumem: %s\n", err.text);
		return named && rc != -ENOENT ? EXIT_FAILED : EXIT_OK;
	}
	more = realloc(list->job, (list->count + 1) * sizeof(*more));
	if (!more) {
		gpumem_job_close(job);
		fputs("gpumem: out of memory\n", stderr);
		return EXIT_FAILED;
	}
	list->job = more;
	list->job[list->count++] = job;
	return EXIT_OK;
}

static int add_dir(struct job_list *list, const char *dir, const struct job_filter *filter,
		   const char *job)
{
	uint32_t *ids = NULL;
	size_t count = 0;
	int code = EXIT_OK;

	if (gpumem_job_list(dir, &ids, &count) < 0)
		return EXIT_FAILED;
	for (size_t i = 0; i < count && code == EXIT_OK; i++) {
		if (!job || strtoul(job, NULL, 10) == ids[i])
			code = add(list, dir, ids[i], filter, job != NULL);
	}
	free(ids);
	return code;
}

int job_list_open(const struct job_filter *filter, struct job_list *ret)
{
	const char *job = filter->job ? filter->job : getenv("SLURM_JOB_ID");
	char pattern[PATH_MAX];
	int code = EXIT_OK;
	glob_t dirs;

	memset(ret, 0, sizeof(*ret));
	if (job && (!*job || strspn(job, "0123456789") != strlen(job))) {
		fprintf(stderr, "gpumem: job \"%s\" is not a number\n", job);
		return EXIT_USAGE;
	}
	if (state_pattern(filter, pattern, sizeof(pattern)) < 0)
		return EXIT_FAILED;
	if (glob(pattern, 0, NULL, &dirs) == 0) {
		for (size_t i = 0; i < dirs.gl_pathc && code == EXIT_OK; i++)
			code = add_dir(ret, dirs.gl_pathv[i], filter, job);
		globfree(&dirs);
	}
	if (code != EXIT_OK)
		job_list_close(ret);
	else if (filter->job && ret->count == 0 && !filter->may_be_gone) {
		fprintf(stderr, "gpumem: job %s has no record on this node\n", filter->job);
		code = EXIT_FAILED;
	}
	return code;
}

void job_list_close(struct job_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		gpumem_job_close(list->job[i]);
	free(list->job);
	memset(list, 0, sizeof(*list));
}

struct gpumem_job *job_list_only(const struct job_list *list)
{
	if (list->count == 1)
		return list->job[0];
	fputs(list->count ? "gpumem: more than one job has a record here: choose with --job\n" :
			    "gpumem: no job has a record on this node\n",
	      stderr);
	return NULL;
}

int job_device_index(struct gpumem_job *job, const char *text)
{
	size_t count = gpumem_job_device_count(job);
	struct gpumem_job_device d;
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	for (size_t i = 0; i < count; i++)
		if (gpumem_job_device(job, i, &d) == 0 && strcmp(d.pci, text) == 0)
			return (int)i;
	if (*text >= '0' && *text <= '9' && *end == '\0' && n < count)
		return (int)n;
	fprintf(stderr, "gpumem: job %u has no device \"%s\"; it has", gpumem_job_id(job), text);
	for (size_t i = 0; i < count; i++)
		if (gpumem_job_device(job, i, &d) == 0)
			fprintf(stderr, "%s %s", i ? "," : "", d.pci);
	fputc('\n', stderr);
	return -1;
}
