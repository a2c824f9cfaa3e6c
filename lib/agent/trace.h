/* SPDX-License-Identifier: MIT */
/*
 * trace.h: the engine's events as text, for replays: tests/bench/README.md has the format.
 */
#ifndef GM_TRACE_H
#define GM_TRACE_H

#include <stdint.h>

#include "base/own_file.h"

struct gm_trace {
	struct gm_own_file file; /* .fd 0 or less: no trace is kept */
	uint64_t begun_ns;
	unsigned have;
	char buf[4096];
};

/* Begins to write to the file that GPUMEM_ENV_TRACE names ("%p" in it is the process's id), if any. */
void gm_trace_open(struct gm_trace *t);
/* One event about a chunk: t touched, f faulted, i in, o out, g gone, e end of a look. */
void gm_trace_add(struct gm_trace *t, char event, uint64_t number);
void gm_trace_flush(struct gm_trace *t);
void gm_trace_close(struct gm_trace *t);

static inline int gm_trace_on(const struct gm_trace *t)
{
	return t->file.fd > 0;
}

#endif
