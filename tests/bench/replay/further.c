/* SPDX-License-Identifier: MIT */
/*
 * further.c: cases that no published figure is compared with: moves at scans alone, and the tables
 * of tenants.c and sized.c.
 */
#include <stdio.h>

#include "engine/engine.h"
#include "replay.h"

#define PERCENT 156u

static const struct product products[] = {
	{"duel", GPUMEM_EVICT_DUEL, MOVES_DEMAND, 0},
	{"duel+c", GPUMEM_EVICT_DUEL, MOVES_COHERENT, 0},
	{"duel+s", GPUMEM_EVICT_DUEL, MOVES_AT_SCANS, 0},
	{"heat+s", GPUMEM_EVICT_HEAT, MOVES_AT_SCANS, 0},
	{"pin+s", GPUMEM_EVICT_PIN, MOVES_AT_SCANS, 0},
	{"lrf+s", GPUMEM_EVICT_LRF, MOVES_AT_SCANS, 0},
};
#define PRODUCTS (sizeof(products) / sizeof(*products))
#define AT_SCANS 2u /* the default, by scans */

/* Returns the lowest of duel+s. */
static double scans_print(const struct further *f)
{
	double sum[PRODUCTS] = {0}, lowest = 100;

	printf("%-12s", "moves at");
	for (size_t i = 0; i < PRODUCTS; i++)
		printf("%9s", products[i].name);
	printf("%9s%9s\n", "moved", "moved+s");
	for (unsigned which = 0; which < WORKLOADS; which++) {
		struct workload w = workload_make(which, f->chunks, f->accesses, f->seed);
		uint32_t room = w.chunks * 100 / PERCENT;
		double most = (double)belady_hits(&w, room) / 100;
		struct outcome o[PRODUCTS];

		printf("%-8s%4u", w.name, PERCENT);
		for (size_t i = 0; i < PRODUCTS; i++) {
			o[i] = product_run(&products[i], &w, room, f->scan_every, f->seed);
			printf("%9.1f", (double)o[i].hits / most);
			sum[i] += (double)o[i].hits / most;
		}
		if ((double)o[AT_SCANS].hits / most < lowest)
			lowest = (double)o[AT_SCANS].hits / most;
		printf("%9.1f%9.1f\n", 1000.0 * (double)o[0].moves / (double)w.count,
		       1000.0 * (double)o[AT_SCANS].moves / (double)w.count);
		workload_free(&w);
	}
	printf("%-12s", "of all");
	for (size_t i = 0; i < PRODUCTS; i++)
		printf("%9.1f", sum[i] / WORKLOADS);
	puts("\n");
	return lowest;
}

void further_print(const struct further *f)
{
	double tenants = tenants_print(f), scans = scans_print(f), sized = sized_print(f);

	printf("further tenants_worst=%.2f at_scans_worst=%.2f sized_worst=%.2f\n", tenants,
	       scans, sized);
}
