/* SPDX-License-Identifier: MIT */
/*
 * svm_cost.c: clocks around the parts of a move.
 */
#include <string.h>
#include <time.h>

#include "agent/move.h"
#include "svm_cost.h"

const char *const svm_cost_name[SVM_COSTS] = { "ioctl", "look", "verify", "ledger", "maps" };
double svm_cost_ns[SVM_COSTS];

static bool on;
static uint64_t moved; /* chunk of the last move: to look at it again is to verify */

void svm_cost_begin(void)
{
	memset(svm_cost_ns, 0, sizeof(svm_cost_ns));
}

void svm_cost_on(bool is_on)
{
	on = is_on;
	moved = 0;
}

static double now_ns(void)
{
	struct timespec ts;

	if (!on)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static enum svm_cost look_or_verify(const void *addr)
{
	return (uintptr_t)addr / GPUMEM_CHUNK_BYTES == moved ? SVM_COST_VERIFY : SVM_COST_LOOK;
}

#define WRAP(fn) extern __typeof__(fn) __real_##fn, __wrap_##fn
WRAP(gm_svm_move);
WRAP(gm_residency_present);
WRAP(gm_residency_sort);
WRAP(gm_ledger_charge);
WRAP(gm_ledger_uncharge);
WRAP(gm_maps_read);

/* Adds what the call takes to a part's time. */
#define TIMED(part, call)                                                                        \
	double start = now_ns();                                                                 \
	__typeof__(call) ret = call;                                                             \
                                                                                                 \
	svm_cost_ns[part] += now_ns() - start;                                                   \
	return ret

int __wrap_gm_svm_move(struct gm_svm *svm, void *addr, size_t len, size_t index)
{
	moved = (uintptr_t)addr / GPUMEM_CHUNK_BYTES;
	TIMED(SVM_COST_MOVE, __real_gm_svm_move(svm, addr, len, index));
}

int __wrap_gm_residency_present(int fd, const void *addr, size_t n, uint8_t *map)
{
	TIMED(look_or_verify(addr), __real_gm_residency_present(fd, addr, n, map));
}

int __wrap_gm_residency_sort(const void *addr, size_t n, unsigned stride, uint8_t *map)
{
	TIMED(look_or_verify(addr), __real_gm_residency_sort(addr, n, stride, map));
}

uint64_t __wrap_gm_ledger_charge(struct gm_ledger *l, size_t i, uint64_t want, uint64_t cap,
				 uint64_t step_cap)
{
	TIMED(SVM_COST_LEDGER, __real_gm_ledger_charge(l, i, want, cap, step_cap));
}

void __wrap_gm_ledger_uncharge(struct gm_ledger *l, size_t i, uint64_t bytes)
{
	double start = now_ns();

	__real_gm_ledger_uncharge(l, i, bytes);
	svm_cost_ns[SVM_COST_LEDGER] += now_ns() - start;
}

int __wrap_gm_maps_read(struct gm_ranges *ranges)
{
	TIMED(SVM_COST_MAPS, __real_gm_maps_read(ranges));
}
