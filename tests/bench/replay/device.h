/* SPDX-License-Identifier: MIT */
/*
 * device.h: the real engine, told what an agent would tell it.
 */
#ifndef REPLAY_DEVICE_H
#define REPLAY_DEVICE_H

#include "engine/engine.h"
#include "replay.h"

struct device {
	struct gm_chunks chunks;
	struct gm_engine engine;
	uint32_t *id; /* by number of the workload */
	uint8_t *bit; /* accessed since the last scan */
	uint32_t numbers, room;
	enum moves when;
	uint64_t moves;
};

void device_begin(struct device *d, const struct product *product, uint32_t chunks, uint64_t seed);
void device_end(struct device *d);
/* As much as there is from now on; who is over it is for the caller to take off. */
void device_set_room(struct device *d, uint32_t room);
struct gm_chunk *device_chunk(struct device *d, uint32_t n);
void device_in(struct device *d, uint32_t id);
void device_out(struct device *d, uint32_t id);
/* Returns whether it was there. */
bool device_access(struct device *d, uint32_t n);
void device_scan(struct device *d);
/* What lib/agent/exchange.c does after a scan. */
void device_exchange(struct device *d);

#endif
