/* SPDX-License-Identifier: MIT */
/*
 * engine_epoch: how long an epoch of the engine takes, and what memory it keeps.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/engine.h"

#define TURNS 15

struct result {
	double epoch_ms, victims_ms, bytes;
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double mapped_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (!file || fscanf(file, "%lu", &pages) != 1)
		exit(1);
	fclose(file);
	return 4096.0 * (double)pages;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Half of the chunks are on the device, a quarter is touched. */
static struct result measure(uint32_t count)
{
	double before = mapped_bytes(), epoch[TURNS], victims[TURNS];
	struct gm_chunks chunks = {0};
	struct gm_engine engine;
	struct result r;
	uint32_t out[64];

	if (gm_engine_init(&engine, &chunks, 0, GPUMEM_EVICT_DUEL, 1) < 0)
		exit(1);
	gm_engine_set_room(&engine, count / 2);
	for (uint32_t n = 0; n < count; n++) {
		uint32_t id = gm_chunks_get(&chunks, 0x3f80000 + n);

		if (id == GM_NO_CHUNK)
			exit(1);
		if (n % 2) {
			gm_chunk_at(&chunks, id)->device_pages = 512;
			gm_engine_came(&engine, id);
		}
	}
	for (int turn = 0; turn < TURNS; turn++) {
		double start;

		for (uint32_t id = (uint32_t)turn % 3; id < count; id += 4)
			gm_engine_touched(&engine, id);
		start = now_ms();
		gm_engine_epoch(&engine);
		epoch[turn] = now_ms() - start;
		start = now_ms();
		gm_engine_victims(&engine, 64, true, out);
		victims[turn] = now_ms() - start;
	}
	r.bytes = (mapped_bytes() - before) / count;
	qsort(epoch, TURNS, sizeof(*epoch), compare);
	qsort(victims, TURNS, sizeof(*victims), compare);
	r.epoch_ms = epoch[TURNS / 2];
	r.victims_ms = victims[TURNS / 2];
	gm_engine_fini(&engine);
	gm_chunks_free(&chunks);
	return r;
}

int main(void)
{
	struct result large = measure(1u << 20), small = measure(10000);

	printf("chunks    epoch ms  first victims ms  bytes per chunk\n"
	       "1048576   %8.3f  %16.3f  %15.2f\n10000     %8.3f  %16.3f  %15.2f\n",
	       large.epoch_ms, large.victims_ms, large.bytes, small.epoch_ms, small.victims_ms,
	       small.bytes);
	printf("epoch ms_1m=%.3f ms_10k=%.3f bytes_per_chunk=%.2f\n", large.epoch_ms,
	       small.epoch_ms, large.bytes);
	return 0;
}
