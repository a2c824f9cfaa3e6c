/* SPDX-License-Identifier: MIT */
/*
 * svm_cost.h: where the time of a move goes, by the linker's --wrap around the parts of it: the
 * real code runs, unchanged.
 */
#ifndef BENCH_SVM_COST_H
#define BENCH_SVM_COST_H

#include <stdbool.h>

enum svm_cost {
	SVM_COST_MOVE,	 /* the ioctl */
	SVM_COST_LOOK,	 /* where pages are, before */
	SVM_COST_VERIFY, /* and after */
	SVM_COST_LEDGER,
	SVM_COST_MAPS,
	SVM_COSTS,
};
extern const char *const svm_cost_name[SVM_COSTS];
extern double svm_cost_ns[SVM_COSTS];

void svm_cost_begin(void); /* all zero */
void svm_cost_on(bool on);

#endif
