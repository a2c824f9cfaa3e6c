/* SPDX-License-Identifier: MIT */
/*
 * svm.h: moves of a process's own memory through KFD: which way to open it, retries, and what a
 * failure is called.
 */
#ifndef GM_SVM_H
#define GM_SVM_H

#include "place/kfd.h"

struct gm_svm {
	struct gm_place_devices devices;
	const struct gm_kfd_ops *ops; /* NULL: not open */
	struct gm_kfd *kfd;
	int open_error; /* -errno of the last failed open */
};

/* What is known of ROCm in this process; ROCr that is loaded and not yet up must come first. */
enum gm_rocr { GM_ROCR_ABSENT, GM_ROCR_COMING, GM_ROCR_UP };

/* hsa_init() is about to run: nothing opens the device until it is done. */
void gm_rocr_set_coming(void);
/* hsa_init() is done, as its caller says, or the hook it calls, or an application that used the
 * API. */
void gm_rocr_set_up(void);
enum gm_rocr gm_rocr_state(void);
/* Whether the program is one of those that load ROCm late (python and its like), so that its
 * absence now says nothing. */
bool gm_rocr_may_come(void);

/* Opens the way that suits the process. Errors: EAGAIN while ROCr is still to come up, ENODEV,
 * EACCES, EPERM, ENOMEM. */
int gm_svm_open(struct gm_svm *svm);
/* Forgets what was opened; in a forked child that only drops the inherited descriptors. */
void gm_svm_close(struct gm_svm *svm);

/* Moves to device `index`, or to system memory with GM_SVM_HOST. Retries EAGAIN and EINTR a
 * bounded number of times. 0 says nothing about what moved. */
#define GM_SVM_HOST GPUMEM_MAX_DEVICES
int gm_svm_move(struct gm_svm *svm, void *addr, size_t len, size_t index);
/* Preferred location; GM_SVM_HOST, or GM_SVM_HOST + 1 for none. */
int gm_svm_prefer(struct gm_svm *svm, void *addr, size_t len, size_t index);

/* The counter a failed move goes to. Pure. */
enum gpumem_fail gm_svm_reason(int rc);

#endif
