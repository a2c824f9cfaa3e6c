/* SPDX-License-Identifier: MIT */
/*
 * cgroup_tree.h: a tree of files that stands in for a node's cgroups, with a job's record beside it.
 */
#ifndef GM_TEST_CGROUP_TREE_H
#define GM_TEST_CGROUP_TREE_H

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "ledger/layout.h"
#include "record.h"

#define SCOPE "/sys/fs/cgroup/system.slice/slurmstepd.scope"
#define JOB_CGROUP SCOPE "/job_7"

struct tree {
	struct record *r;
	char root[64];
	struct gpumem_ctx *ctx;
};

static inline void tree_write(const struct tree *t, const char *path, const char *text)
{
	char whole[512];
	FILE *f;

	snprintf(whole, sizeof(whole), "%s%s", t->root, path);
	f = fopen(whole, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static inline const char *tree_read(const struct tree *t, const char *path)
{
	static char text[1024];
	char whole[512];
	size_t n;
	FILE *f;

	snprintf(whole, sizeof(whole), "%s%s", t->root, path);
	f = fopen(whole, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
	return text;
}

static inline void tree_mkdir(const struct tree *t, const char *path)
{
	char whole[512];

	for (const char *p = path + 1; *p; p++)
		if (*p == '/') {
			snprintf(whole, sizeof(whole), "%s%.*s", t->root, (int)(p - path), path);
			mkdir(whole, 0755);
		}
	snprintf(whole, sizeof(whole), "%s%s", t->root, path);
	mkdir(whole, 0755);
}

/* Where the record says that the job's cgroup is; gpumem_job_note_cgroup() asks /proc. */
static inline void tree_note_cgroup(const struct tree *t, const char *cgroup)
{
	char text[512] = "";
	int fd = open(t->r->limits, O_WRONLY);

	snprintf(text, sizeof(text), "%s", cgroup);
	assert_int_equal(pwrite(fd, text, sizeof(text), offsetof(struct gm_limits, cgroup)),
			 sizeof(text));
	close(fd);
}

/* Makes device i of the record's table one of another kind. */
static inline void tree_set_kind(const struct tree *t, size_t i, uint32_t kind)
{
	size_t at = offsetof(struct gm_limits, device) + i * sizeof(struct gm_limits_device);
	int fd = open(t->r->limits, O_WRONLY);

	at += offsetof(struct gm_limits_device, kind);
	assert_int_equal(pwrite(fd, &kind, sizeof(kind), (off_t)at), sizeof(kind));
	close(fd);
}

static inline int tree_new(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	if (record_made((void **)&t->r) < 0)
		return -1;
	snprintf(t->root, sizeof(t->root), "/tmp/gpumem-test-XXXXXX");
	if (!mkdtemp(t->root) || gpumem_new(&t->ctx) < 0 ||
	    gpumem_set_root(t->ctx, t->root, NULL) < 0)
		return -1;
	tree_mkdir(t, JOB_CGROUP "/step_0/user");
	tree_note_cgroup(t, JOB_CGROUP);
	*state = t;
	return 0;
}

static inline int tree_free(void **state)
{
	struct tree *t = *state;
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s", t->root);
	if (system(command) != 0)
		return -1;
	gpumem_unref(t->ctx);
	record_free((void **)&t->r);
	free(t);
	return 0;
}

#define with_tree(test) cmocka_unit_test_setup_teardown(test, tree_new, tree_free)

#endif
