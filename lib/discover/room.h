/* SPDX-License-Identifier: MIT */
/*
 * room.h: bytes in use on a device, asked by its address alone: for the agent, which has no list of
 * devices. Needs libc alone.
 */
#ifndef GM_ROOM_H
#define GM_ROOM_H

#include <stdint.h>

/* As the driver counts them, by whomever. Errors: what open(2) says, EPROTO. */
int gm_device_used_now(const char *pci, uint64_t *ret_bytes);

#endif
