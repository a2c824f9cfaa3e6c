/* SPDX-License-Identifier: MIT */
/*
 * often.h: how often a chunk is touched, over many epochs. A bit per scan does not tell one touch from
 * many; faults are told of one by one. So what a bit stands for is learnt from the chunks that faulted,
 * and the memory is as long in touches however rarely scans come. Pure.
 */
#ifndef GM_OFTEN_H
#define GM_OFTEN_H

#include <stdbool.h>
#include <stdint.h>

#define GM_OFTEN_ONE 8191u /* one touch in each epoch; a value holds up to eight */
#define GM_OFTEN_BIT 16u  /* one touch in `per_bit` */

struct gm_often {
	uint32_t pace; /* of 4096, how far a value goes each epoch towards what it was in that one */
	uint32_t per_bit; /* the touches that a bit stands for */
	uint64_t faults, faulted; /* decayed: faults, and chunks that had one in an epoch */
};

void gm_often_begin(struct gm_often *o);
/* A fault; `first` of its chunk in this epoch. */
void gm_often_fault(struct gm_often *o, bool first);
/* An epoch is over in which `touches` were seen of `chunks` chunks; before the values of any. */
void gm_often_epoch(struct gm_often *o, uint64_t touches, uint32_t chunks);
/* Whether `in` is enough above `out` to take its place: by an eighth, and by more than a touch, which may be chance. */
bool gm_often_better(const struct gm_often *o, uint16_t in, uint16_t out);
/* The value of a chunk with a further fault in this epoch. */
uint16_t gm_often_more(const struct gm_often *o, uint16_t value);
/* The value after an epoch: `counted`, its faults were told of; `touched`, all that is known is that it was. */
uint16_t gm_often_value(const struct gm_often *o, uint16_t value, bool touched, bool counted);

#endif
