/* SPDX-License-Identifier: MIT */
/*
 * outside.c: processes without an agent, moved from here.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "outside.h"

static void say_left(const struct gpumem_job *job, const struct gpumem_job_device *d,
		     const struct gpumem_moved *m)
{
	const struct {
		const char *why;
		uint64_t bytes;
	} left[] = { { "pinned", m->pinned_bytes },
		     { "no room", m->full_bytes },
		     { "shared", m->shared_bytes },
		     { "not to be had", m->other_bytes } };
	char text[32];

	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		if (left[i].bytes)
			fprintf(stderr,
				"gpumem: job %u, %s: %s of processes without an agent stayed: %s\n",
				gpumem_job_id(job), d->pci,
				gpumem_size_print(left[i].bytes, text, sizeof(text)), left[i].why);
	if (m->unreached)
		fprintf(stderr, "gpumem: job %u, %s: %u processes could not be reached: %s\n",
			gpumem_job_id(job), d->pci, m->unreached, strerror(-m->last_error));
}

int outside_move(struct gpumem_job *job, pid_t pid, size_t from, size_t to, bool to_device,
		 unsigned workers)
{
	struct gpumem_job_device d;
	struct gpumem_error err = { 0 };
	struct gpumem_moved moved;
	struct gpumem_ctx *ctx;
	int code = EXIT_OK;

	if (gpumem_new(&ctx) < 0) {
		fputs("gpumem: out of memory\n", stderr);
		return EXIT_FAILED;
	}
	for (size_t i = from; i < to; i++) {
		if (gpumem_job_device(job, i, &d) < 0 || d.kind != GPUMEM_KIND_NUMA)
			continue;
		if (gpumem_job_move_outside(ctx, job, pid, i, to_device, UINT64_MAX, workers, &moved,
					    &err) < 0) {
			fprintf(stderr, "gpumem: %s\n", err.text);
			code = EXIT_FAILED;
			continue;
		}
		say_left(job, &d, &moved);
		if (moved.unreached)
			code = EXIT_FAILED;
	}
	gpumem_unref(ctx);
	return code;
}

bool outside_of_job(struct gpumem_job *job, pid_t pid)
{
	struct gpumem_survivor *s;
	bool found = false;
	size_t count;

	if (gpumem_job_survivors(job, &s, &count) < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		found |= s[i].pid == pid;
	free(s);
	return found;
}
