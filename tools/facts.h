/* SPDX-License-Identifier: MIT */
/*
 * facts.h: what a job's record says, in the words that status, explain and top share.
 */
#ifndef FACTS_H
#define FACTS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "gpumem.h"

#define FACTS_LEN 128 /* of a list of words and its end */

/* Comma lists of GPUMEM_SIGNAL_ and GPUMEM_NOTE_ bits; "" for none. They return buf. */
const char *facts_signals(uint32_t signals, char buf[FACTS_LEN]);
const char *facts_notes(uint32_t notes, char buf[FACTS_LEN]);

/* What was changed of the policy since the job began: "policy=host,bw=2.0G"; "" nothing. */
const char *facts_changed(struct gpumem_job *job, char buf[GPUMEM_POLICY_LEN]);

/* "3", "batch", "interactive". */
const char *facts_step(uint32_t step, char buf[16]);
/* Name of the program; "" when it is gone. */
const char *facts_command(pid_t pid, char buf[32]);

/* How the job stands on one device. */
struct facts_device {
	struct gpumem_job_device d;
	uint64_t resident; /* of the processes in the snapshot */
	uint64_t high_bytes, low_bytes;
	uint64_t fair_bytes; /* what each process is guaranteed, as the agents have it; 0 unknown */
	size_t active;	     /* processes that hold something there, or want to */
};
/* From one look at the processes; returns 0 or a negative errno value. */
int facts_device(struct gpumem_job *job, size_t i, const struct gpumem_job_process *processes,
		 size_t count, struct facts_device *ret);

#endif
