/* SPDX-License-Identifier: MIT */
/*
 * ledger: what it costs to ask a record whose 256 slots are all taken.
 *
 *   ledger DIR     the folder of a job's record
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/share.h"
#include "ledger/ledger.h"

#define ROUNDS 2000
#define PARTS 3

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void ask(struct gm_ledger *l, int what)
{
	struct gm_holder holder[GM_SLOTS];
	struct gm_levels levels = { 1ull << 30, 1ull << 29, false };
	struct gm_share share;
	size_t own, n;

	if (what == 0) {
		gm_ledger_charged(l, 0);
	} else if (what == 1) {
		gm_ledger_uncharge(l, 0, gm_ledger_charge(l, 0, 4096, UINT64_MAX, UINT64_MAX));
	} else {
		n = gm_ledger_holders(l, 0, holder, &own);
		gm_share(holder, n, own, &levels, &share);
	}
}

int main(int argc, char **argv)
{
	static double us[PARTS][ROUNDS];
	struct gpumem_error err = { 0 };
	struct gm_ledger l;

	if (argc != 2)
		return 2;
	if (gm_ledger_map(argv[1], &l, &err) < 0) {
		fprintf(stderr, "ledger: %s\n", err.text);
		return 1;
	}
	for (unsigned i = 0; i < GM_SLOTS; i++) {
		if (gm_ledger_claim(&l, 1000 + (pid_t)i, 77) < 0)
			return 1;
		atomic_store(&l.slot->device[0].charged, 4096 * (i + 1));
		atomic_store(&l.slot->device_class[0][i % GPUMEM_HEAT_CLASSES], i + 1);
	}
	for (int k = 0; k < ROUNDS; k++)
		for (int what = 0; what < PARTS; what++) {
			double begin = now_us();

			ask(&l, what);
			us[what][k] = now_us() - begin;
		}
	for (int what = 0; what < PARTS; what++)
		qsort(us[what], ROUNDS, sizeof(double), ascending);
	printf("read_us=%.2f charge_us=%.2f share_us=%.2f\n", us[0][ROUNDS / 2], us[1][ROUNDS / 2],
	       us[2][ROUNDS / 2]);
	return 0;
}
