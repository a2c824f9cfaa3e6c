/* SPDX-License-Identifier: MIT */
/*
 * trial.h: how the arms of the duel fared while they decided. Shadows see less than the device: what is hit
 * again and again is told of once, so an arm that would have thrown it out looks better than it is.
 * Whoever is chosen is on trial until every chunk could have been touched once; if more faults
 * came than before, or another one was chosen by then, it has failed: it stays out, longer each time; until
 * faults of one epoch tell that the program went on to other data, of which nothing is known. Pure.
 */
#ifndef GM_TRIAL_H
#define GM_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#define GM_TRIAL_ARMS 4u

struct gm_trial {
	uint64_t work; /* chunks touched, summed over the epochs */
	uint64_t faults, touched; /* under the arm that decides, since it was judged last */
	uint32_t rate[GM_TRIAL_ARMS]; /* faults per 1024 touched chunks, when judged last; 0: never */
	uint32_t rounds[GM_TRIAL_ARMS]; /* of all chunks, how long it stayed out last */
	uint64_t out_until[GM_TRIAL_ARMS]; /* as `work` */
	uint8_t before; /* 1 + who decided before; 0: nobody is on trial */
	bool begun_within; /* an epoch that began under another arm is not judged */
};

/* Somebody else than `before` decides from now on, of `all` chunks. */
void gm_trial_begin(struct gm_trial *t, unsigned before, uint64_t all);
/* An epoch under `arm` is over, in which `touched` of `all` chunks were touched and `faults` came. Returns
 * who should decide: `arm`, or who did before. */
unsigned gm_trial_epoch(struct gm_trial *t, unsigned arm, uint32_t faults, uint32_t touched,
			uint64_t all);
bool gm_trial_is_out(const struct gm_trial *t, unsigned arm);

#endif
