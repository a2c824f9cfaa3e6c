/* SPDX-License-Identifier: MIT */
/*
 * record.h: a job's record in a folder of its own, for unit tests.
 */
#ifndef GM_TEST_RECORD_H
#define GM_TEST_RECORD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "gpumem.h"

#define JOB 7u
#define LIMIT (64ull << 20)
#define MAX (96ull << 20)

struct record {
	char state[64], dir[128], limits[160], ledger[160];
	struct gpumem_job_spec spec;
};

static inline int record_new(void **state)
{
	struct record *r = calloc(1, sizeof(*r));

	snprintf(r->state, sizeof(r->state), "/tmp/gpumem-test-XXXXXX");
	if (!mkdtemp(r->state))
		return -1;
	snprintf(r->dir, sizeof(r->dir), "%s/job-%u", r->state, JOB);
	snprintf(r->limits, sizeof(r->limits), "%s/limits", r->dir);
	snprintf(r->ledger, sizeof(r->ledger), "%s/ledger", r->dir);
	r->spec = (struct gpumem_job_spec){ .state_dir = r->state, .job_id = JOB,
					    .uid = getuid(),	   .gid = getgid(),
					    .node = "n1",	   .policy = "prefer,limit=64M",
					    .cgroup = "",	   .device_count = 2 };
	for (unsigned i = 0; i < 2; i++) {
		snprintf(r->spec.device[i].pci, GPUMEM_PCI_LEN, "0000:c%u:00.0", i);
		r->spec.device[i].kind = GPUMEM_KIND_SVM;
		r->spec.device[i].kfd_id = 1000 + i;
		r->spec.device[i].render_minor = 128 + (int)i;
		r->spec.device[i].bytes = 1ull << 30;
		r->spec.device[i].max_bytes = MAX;
		r->spec.device[i].limit_bytes = LIMIT;
		r->spec.device[i].baseline_bytes = 5;
	}
	*state = r;
	return 0;
}

static inline int record_made(void **state)
{
	struct gpumem_error err = { 0 };
	struct record *r;

	if (record_new(state) < 0)
		return -1;
	r = *state;
	if (gpumem_job_create(&r->spec, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return -1;
}

static inline int record_free(void **state)
{
	struct record *r = *state;

	unlink(r->limits);
	unlink(r->ledger);
	rmdir(r->dir);
	snprintf(r->dir, sizeof(r->dir), "%s/.lock", r->state);
	unlink(r->dir);
	rmdir(r->state);
	free(r);
	return 0;
}

#define with_record(test) cmocka_unit_test_setup_teardown(test, record_made, record_free)
#define with_spec(test) cmocka_unit_test_setup_teardown(test, record_new, record_free)

#endif
