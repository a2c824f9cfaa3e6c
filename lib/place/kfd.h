/* SPDX-License-Identifier: MIT */
/*
 * kfd.h: the ways to reach KFD's SVM interface from inside a process. Only the process itself may
 * move its memory there, so all of this runs in the application.
 */
#ifndef GM_KFD_H
#define GM_KFD_H

#include "place/devices.h"

#define GM_KFD_SYSMEM 0u

struct gm_kfd; /* an open way */

/* A way of calling: all functions return 0 or -errno and are called under the owner's lock. */
struct gm_kfd_ops {
	const char *name;
	int (*open)(const struct gm_place_devices *devices, struct gm_kfd **ret);
	/* Closes what a forked child inherited too. */
	void (*close)(struct gm_kfd *kfd);
	/* Moves [addr, addr+len) and makes `id` the preferred location. 0 does not mean that
	 * anything moved: kernels from 6.12 on hide a failed move to a device. */
	int (*prefetch)(struct gm_kfd *kfd, void *addr, size_t len, uint32_t id);
	/* Preferred location alone; UINT32_MAX: none. */
	int (*prefer)(struct gm_kfd *kfd, void *addr, size_t len, uint32_t id);
};

/* ioctl(2) on an own descriptor of /dev/kfd, for a process in which ROCr is up: its ACQUIRE_VM
 * counts for every descriptor of the process. */
extern const struct gm_kfd_ops gm_kfd_shared;
/* The same, but acquiring the VMs itself: where libhsakmt is not installed and ROCr not used. */
extern const struct gm_kfd_ops gm_kfd_alone;
/* libhsakmt, opened when first needed. */
extern const struct gm_kfd_ops gm_kfd_hsakmt;

#endif
