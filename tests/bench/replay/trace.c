/* SPDX-License-Identifier: MIT */
/*
 * trace.c: reads what a process did, in the format of tests/bench/README.md.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

#define HEADER "# gpumem-trace 1"

struct reader {
	uint64_t *number; /* chunk numbers as met; the index is the workload's */
	uint32_t numbers, room;
	struct workload *w;
	size_t room_accesses;
};

static uint32_t index_of(struct reader *r, uint64_t number)
{
	for (uint32_t i = r->numbers; i-- > 0;)
		if (r->number[i] == number)
			return i;
	if (r->numbers == r->room) {
		r->room = r->room ? 2 * r->room : 1024;
		r->number = realloc(r->number, r->room * sizeof(*r->number));
		if (!r->number)
			exit(1);
	}
	r->number[r->numbers] = number;
	return r->numbers++;
}

static void add(struct reader *r, uint32_t chunk)
{
	struct workload *w = r->w;

	if (w->count == r->room_accesses) {
		r->room_accesses = r->room_accesses ? 2 * r->room_accesses : 4096;
		w->access = realloc(w->access, r->room_accesses * sizeof(*w->access));
		if (!w->access)
			exit(1);
	}
	w->access[w->count++] = chunk;
}

/* Returns false for what is no line of a trace. */
static bool take_line(struct reader *r, const char *line)
{
	uint64_t time, number;
	char event, rest;
	int got;

	if (line[0] == '#' || line[0] == '\n')
		return true;
	got = sscanf(line, "%" SCNu64 " %" SCNx64 " %c %c", &time, &number, &event, &rest);
	if (got != 3 || !strchr("tfioge", event))
		return false;
	if (event == 't' || event == 'f')
		add(r, index_of(r, number));
	return true;
}

int trace_read(const char *path, struct workload *ret)
{
	struct workload w = {.name = "trace"};
	struct reader r = {.w = &w};
	FILE *file = fopen(path, "re");
	unsigned long number = 1;
	char line[256];
	int error = 0;

	if (!file)
		return -errno;
	if (!fgets(line, sizeof(line), file) || strcmp(line, HEADER "\n") != 0)
		error = -EPROTO;
	while (!error && fgets(line, sizeof(line), file)) {
		number++;
		if (!take_line(&r, line)) {
			fprintf(stderr, "replay: %s:%lu: not a line of a trace\n", path, number);
			error = -EPROTO;
		}
	}
	fclose(file);
	free(r.number);
	w.chunks = r.numbers;
	if (error || w.count == 0) {
		free(w.access);
		return error ? error : -ENODATA;
	}
	*ret = w;
	return 0;
}
