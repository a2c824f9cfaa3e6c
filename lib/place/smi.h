/* SPDX-License-Identifier: MIT */
/*
 * smi.h: what a GPU does with the process's memory, from KFD's event files. Events are hints: the
 * driver drops them when its small buffer is full.
 */
#ifndef GM_SMI_H
#define GM_SMI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own_file.h"

enum gm_smi_kind {
	GM_SMI_FAULT,	/* a GPU touched a page it has no mapping of */
	GM_SMI_ARRIVED, /* a GPU fault moved pages to the device */
	GM_SMI_EVICTED, /* the driver moved pages off it, to make room */
};

struct gm_smi_event {
	enum gm_smi_kind kind;
	uint64_t addr, len; /* bytes */
};

/* One line as the driver writes it; false: not one of interest. Pure. */
bool gm_smi_parse(const char *line, struct gm_smi_event *ret);

/* Opens the events of GPU `gpu_id` about the own process, in which KFD is open already. Errors: what the
 * ioctl says. */
int gm_smi_open(uint32_t gpu_id, struct gm_own_file *ret);
typedef void gm_smi_fn(void *data, const struct gm_smi_event *event);
/* Tells of the events that wait; never blocks. Returns how many lines were read. */
unsigned gm_smi_read(const struct gm_own_file *file, gm_smi_fn *fn, void *data);

#endif
