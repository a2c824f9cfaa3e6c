/* SPDX-License-Identifier: MIT */
/*
 * trace.c: buffered lines of a trace.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/trace.h"
#include "base/clock.h"
#include "gpumem.h"

#define HEADER "# gpumem-trace 1\n"

void gm_trace_open(struct gm_trace *t)
{
	const char *name = getenv(GPUMEM_ENV_TRACE), *percent;
	char path[4096];

	memset(t, 0, sizeof(*t));
	t->file.fd = -1;
	if (!name || !*name)
		return;
	percent = strstr(name, "%p");
	if (percent)
		snprintf(path, sizeof(path), "%.*s%d%s", (int)(percent - name), name, (int)getpid(),
			 percent + 2);
	else
		snprintf(path, sizeof(path), "%s", name);
	if (gm_own_take(&t->file, open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0)
		return;
	t->begun_ns = gm_now_ns(CLOCK_MONOTONIC);
	memcpy(t->buf, HEADER, sizeof(HEADER) - 1);
	t->have = sizeof(HEADER) - 1;
}

void gm_trace_flush(struct gm_trace *t)
{
	/* A trace that cannot be written is given up; the process goes on. */
	if (t->have && gm_own_valid(&t->file) &&
	    write(t->file.fd, t->buf, t->have) != (ssize_t)t->have)
		gm_own_close(&t->file);
	t->have = 0;
}

void gm_trace_add(struct gm_trace *t, char event, uint64_t number)
{
	if (!gm_trace_on(t))
		return;
	if (t->have + 64 > sizeof(t->buf))
		gm_trace_flush(t);
	t->have += (unsigned)snprintf(t->buf + t->have, sizeof(t->buf) - t->have,
				      "%" PRIu64 " %" PRIx64 " %c\n", gm_now_ns(CLOCK_MONOTONIC) - t->begun_ns, number,
				      event);
}

void gm_trace_close(struct gm_trace *t)
{
	if (!gm_trace_on(t))
		return;
	gm_trace_flush(t);
	gm_own_close(&t->file);
}
