/* SPDX-License-Identifier: MIT */
/*
 * workloads.c: the access patterns of HPC programs, as numbers of chunks.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay.h"

uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint32_t random_below(uint64_t *state, uint32_t bound)
{
	return (uint32_t)((next_random(state) >> 32) * bound >> 32);
}

void *must_alloc(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p) {
		fputs("replay: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

/* ---- chances */

struct zipf {
	uint32_t count;
	double *sum; /* of the chances up to each rank */
	uint32_t *rank; /* rank to chunk: what is hot lies anywhere */
};

static struct zipf zipf_make(uint32_t count, double skew, uint64_t *random)
{
	struct zipf z = {.count = count};
	double sum = 0;

	z.sum = must_alloc(count, sizeof(*z.sum));
	z.rank = must_alloc(count, sizeof(*z.rank));
	for (uint32_t i = 0; i < count; i++) {
		uint32_t j = random_below(random, i + 1);

		sum += pow(i + 1.0, -skew);
		z.sum[i] = sum;
		z.rank[i] = z.rank[j];
		z.rank[j] = i;
	}
	return z;
}

static uint32_t zipf_next(const struct zipf *z, uint64_t *random)
{
	double at = (double)(next_random(random) >> 11) / 9007199254740992.0 * z->sum[z->count - 1];
	uint32_t low = 0, high = z->count - 1;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (z->sum[mid] < at)
			low = mid + 1;
		else
			high = mid;
	}
	return z->rank[low];
}

static void zipf_free(struct zipf *z)
{
	free(z->sum);
	free(z->rank);
}

/* ---- patterns */

/* 40 % of the chunks get 90 % of the accesses; one half of them is replaced each quarter. */
static void hotset(struct workload *w, uint64_t *random)
{
	uint32_t n = w->chunks, hot = n * 2 / 5, *order = must_alloc(n, sizeof(*order));

	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = random_below(random, i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	for (size_t i = 0; i < w->count; i++) {
		if (i && i % (w->count / 4) == 0)
			for (uint32_t k = 0; k < hot / 2; k++) {
				uint32_t b = hot + random_below(random, n - hot), t = order[k];

				order[k] = order[b];
				order[b] = t;
			}
		if (random_below(random, 10) < 9)
			w->access[i] = order[random_below(random, hot)];
		else
			w->access[i] = order[random_below(random, n)];
	}
	free(order);
}

static void zipf99(struct workload *w, uint64_t *random)
{
	struct zipf z = zipf_make(w->chunks, 0.99, random);

	for (size_t i = 0; i < w->count; i++)
		w->access[i] = zipf_next(&z, random);
	zipf_free(&z);
}

static void cyclic(struct workload *w, uint64_t *random)
{
	(void)random;
	for (size_t i = 0; i < w->count; i++)
		w->access[i] = (uint32_t)(i % w->chunks);
}

/* Two arrays, one read while the other is written. */
static void jacobi2(struct workload *w, uint64_t *random)
{
	uint32_t half = w->chunks / 2;

	(void)random;
	for (size_t i = 0; i < w->count; i++)
		w->access[i] = (uint32_t)(i / 2 % half) + (i % 2 ? half : 0);
}

/* C += A * B: for each of 16 panels of A, all of B. The panel goes by once meanwhile, that of C is hit anywhere at
 * each fourth step. Which of many ways was meant, the published figures of all rules told: see README.md. */
static void gemm(struct workload *w, uint64_t *random)
{
	uint32_t third = w->chunks / 3, panel = third / 16;
	size_t i = 0;

	for (uint32_t p = 0; i < w->count; p = (p + 1) % 16)
		for (uint32_t b = 0; b < third && i < w->count; b++) {
			w->access[i++] = third + b;
			if (i < w->count)
				w->access[i++] = p * panel + b * panel / third;
			if (b % 4 == 0 && i < w->count)
				w->access[i++] = 2 * third + p * panel + random_below(random, panel);
		}
}

/* Edges go by; each touches three vertices. */
static void graph(struct workload *w, uint64_t *random)
{
	uint32_t vertices = w->chunks / 5, edges = w->chunks - vertices;
	struct zipf z = zipf_make(vertices, 0.6, random);

	for (size_t i = 0; i < w->count; i++)
		w->access[i] =
			i % 4 == 0 ? vertices + (uint32_t)(i / 4 % edges) : zipf_next(&z, random);
	zipf_free(&z);
}

/* Eight windows, somewhere, of 45 %. */
static void phases(struct workload *w, uint64_t *random)
{
	uint32_t window = w->chunks * 45 / 100, start = 0;
	size_t length = (w->count + 7) / 8;

	for (size_t i = 0; i < w->count; i++) {
		if (i % length == 0)
			start = random_below(random, w->chunks - window);
		w->access[i] = start + random_below(random, window);
	}
}

/* A tenant with a hot set beside one that streams. */
static void multi(struct workload *w, uint64_t *random)
{
	uint32_t half = w->chunks / 2, at = 0;
	struct zipf z = zipf_make(half, 0.9, random);

	for (size_t i = 0; i < w->count; i++)
		if (random_below(random, 5) < 3)
			w->access[i] = zipf_next(&z, random);
		else
			w->access[i] = half + at++ % (w->chunks - half);
	zipf_free(&z);
}

static const struct {
	const char *name;
	void (*fill)(struct workload *w, uint64_t *random);
} patterns[WORKLOADS] = {
	{"hotset", hotset}, {"zipf", zipf99}, {"cyclic", cyclic}, {"jacobi2", jacobi2},
	{"gemm", gemm},	    {"graph", graph}, {"phases", phases}, {"multi", multi},
};

struct workload workload_make(unsigned which, uint32_t chunks, size_t count, uint64_t seed)
{
	struct workload w = {.name = patterns[which].name, .chunks = chunks, .count = count};
	uint64_t random = seed * 1000003 + which;

	w.access = must_alloc(count, sizeof(*w.access));
	patterns[which].fill(&w, &random);
	return w;
}

void workload_free(struct workload *w)
{
	free(w->access);
	w->access = NULL;
}
