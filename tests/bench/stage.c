/* SPDX-License-Identifier: MIT */
/*
 * stage: sets a scene on a machine without devices: the device list of a saved machine, as slurmd
 * would leave it, and a job's record.
 *
 *   stage ROOT STATE     writes STATE/devices and STATE/job-1; prints GPUMEM_JOB=… GPUMEM_PLAN=…
 */
#include <stdio.h>
#include <string.h>

#include "record.h"

int main(int argc, char **argv)
{
	struct gpumem_error err = { 0 };
	struct gpumem_devices *devices;
	struct gpumem_ctx *ctx;
	struct bench_job job;
	char path[PATH_MAX];
	int rc;

	if (argc != 3)
		return 2;
	rc = gpumem_new(&ctx);
	if (rc == 0)
		rc = gpumem_set_root(ctx, argv[1], &err);
	if (rc == 0)
		rc = gpumem_discover(ctx, GPUMEM_DISCOVER_NO_HWLOC, &devices, &err);
	if (rc == 0)
		rc = gpumem_state_make(argv[2], &err);
	if (rc == 0 && snprintf(path, sizeof(path), "%s/devices", argv[2]) < (int)sizeof(path))
		rc = gpumem_devices_save(devices, path, &err);
	if (rc == 0)
		rc = bench_record(ctx, devices, argv[2], &job, &err);
	if (rc < 0) {
		fprintf(stderr, "stage: %s\n", err.text[0] ? err.text : strerror(-rc));
		return 1;
	}
	printf("%s=%s\n%s=%s\n", GPUMEM_ENV_JOB, job.dir, GPUMEM_ENV_PLAN, job.plan);
	gpumem_devices_free(devices);
	gpumem_unref(ctx);
	return 0;
}
