/* SPDX-License-Identifier: MIT */
/*
 * record.c: a job's record and the plan of its first task, by the library's own functions.
 */
#include <unistd.h>

#include "record.h"

#define JOB_ID 1

static int plan_print(const struct gpumem_policy *policy, const struct gpumem_job_spec *spec,
		      char *buf, size_t len, struct gpumem_error *err)
{
	uint64_t bytes[GPUMEM_MAX_DEVICES];
	uint32_t distance[GPUMEM_MAX_DEVICES] = { 0 };
	uint8_t device[GPUMEM_MAX_DEVICES];
	struct gpumem_plan plan;
	int rc;

	for (uint32_t i = 0; i < spec->device_count; i++) {
		device[i] = (uint8_t)i;
		bytes[i] = spec->device[i].bytes;
	}
	rc = gpumem_plan_make(policy, device, distance, spec->device_count, bytes, 0, 0, &plan,
			      err);
	return rc < 0 ? rc : gpumem_plan_print(&plan, buf, len);
}

int bench_record(struct gpumem_ctx *ctx, const struct gpumem_devices *devices,
		 const char *state_dir, struct bench_job *ret, struct gpumem_error *err)
{
	struct gpumem_job_spec spec = {
		.state_dir = state_dir,
		.job_id = JOB_ID,
		.uid = geteuid(),
		.gid = getegid(),
		.policy = "prefer",
	};
	const struct gpumem_subject nobody = { 0 };
	struct gpumem_policy policy;
	struct gpumem_conf *conf;
	int rc;

	rc = gpumem_policy_parse(spec.policy, &policy, err);
	if (rc == 0)
		rc = gpumem_conf_parse("bench", "", 0, NULL, NULL, &conf, err);
	if (rc < 0)
		return rc;
	rc = gpumem_job_spec_devices(ctx, conf, &nobody, devices, &policy, &spec, err);
	gpumem_conf_free(conf);
	if (rc == 0)
		rc = gpumem_job_remove(state_dir, JOB_ID, err);
	if (rc == 0)
		rc = gpumem_job_create(&spec, err);
	if (rc == 0)
		rc = gpumem_job_path(state_dir, JOB_ID, ret->dir, sizeof(ret->dir));
	return rc < 0 ? rc : plan_print(&policy, &spec, ret->plan, sizeof(ret->plan), err);
}
