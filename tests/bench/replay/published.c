/* SPDX-License-Identifier: MIT */
/*
 * published.c: the cases whose figures were published per rule, played again: 2048 chunks, 300 000 accesses, a scan
 * each 1024 of them. Hits in percent of Belady's MIN.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "replay.h"

#define CASES 8u
#define CHUNKS 2048u
#define ACCESSES 300000u
#define SCAN_EVERY 1024u
#define WITHIN 1.0 /* points */

static const struct {
	const char *name;
	unsigned percent;
} cases[CASES] = {
	{"hotset", 200}, {"zipf", 200},	 {"cyclic", 110}, {"cyclic", 156},
	{"gemm", 156},	 {"graph", 125}, {"phases", 200}, {"multi", 156},
};

static const struct {
	const struct peer *peer;
	double percent[CASES];
} columns[] = {
	{&peer_rand, {87.1, 88.6, 90.6, 59.1, 93.9, 91.8, 97.8, 77.0}},
	{&peer_lrf, {87.3, 88.7, 0, 0, 91.9, 72.9, 99.4, 47.1}},
	{&peer_lru, {96.7, 92.1, 0, 0, 97.5, 80.0, 99.8, 52.4}},
	{&peer_age, {95.7, 91.6, 0, 0, 97.5, 79.5, 99.7, 50.4}},
	{&peer_heat, {96.8, 92.2, 20.6, 23.7, 97.5, 80.0, 99.0, 85.0}},
	{&peer_sieve, {97.1, 92.3, 55.2, 78.2, 97.3, 80.2, 99.1, 82.1}},
	{&peer_s3fifo, {97.3, 93.1, 88.4, 66.3, 97.9, 93.4, 98.8, 80.8}},
	{&peer_2q, {94.4, 92.4, 89.4, 0, 97.8, 92.1, 99.1, 79.1}},
	{&peer_arc, {96.3, 92.0, 88.9, 22.1, 97.5, 80.3, 99.7, 84.7}},
	{&peer_mru, {74.9, 92.1, 99.9, 99.9, 90.3, 100, 73.7, 89.0}},
	{&peer_duel, {96.8, 92.6, 99.6, 99.0, 89.8, 99.7, 98.9, 92.7}},
};
#define COLUMNS (sizeof(columns) / sizeof(*columns))

static struct workload workload_named(const char *name, uint64_t seed)
{
	unsigned which = 0;
	struct workload w = workload_make(which, CHUNKS, ACCESSES, seed);

	while (strcmp(w.name, name) != 0 && ++which < WORKLOADS) {
		workload_free(&w);
		w = workload_make(which, CHUNKS, ACCESSES, seed);
	}
	return w;
}

static void play(unsigned n, uint64_t seed, double ret[COLUMNS])
{
	struct workload w = workload_named(cases[n].name, seed);
	uint32_t room = CHUNKS * 100 / cases[n].percent;
	double most = (double)belady_hits(&w, room) / 100;

	for (size_t i = 0; i < COLUMNS; i++)
		ret[i] = (double)peer_hits(columns[i].peer, &w, room, SCAN_EVERY, seed) / most;
	workload_free(&w);
}

void published_print(uint64_t seed)
{
	double seen[CASES][COLUMNS];
	unsigned off = 0;

	printf("%-12s", "");
	for (size_t i = 0; i < COLUMNS; i++)
		printf("%9s", columns[i].peer->name);
	puts("");
	for (unsigned n = 0; n < CASES; n++) {
		play(n, seed, seen[n]);
		printf("%-8s%4u", cases[n].name, cases[n].percent);
		for (size_t i = 0; i < COLUMNS; i++)
			printf("%9.1f", seen[n][i]);
		printf("\n%-12s", " published");
		for (size_t i = 0; i < COLUMNS; i++)
			printf("%9.1f", columns[i].percent[n]);
		puts("");
	}
	puts("");
	for (unsigned n = 0; n < CASES; n++)
		for (size_t i = 0; i < COLUMNS; i++)
			if (fabs(seen[n][i] - columns[i].percent[n]) > WITHIN) {
				off++;
				printf("off %s %s %u: %.1f, published %.1f\n", columns[i].peer->name,
				       cases[n].name, cases[n].percent, seen[n][i],
				       columns[i].percent[n]);
			}
	printf("published cells=%zu within=%zu\n", CASES * COLUMNS, CASES * COLUMNS - off);
}
