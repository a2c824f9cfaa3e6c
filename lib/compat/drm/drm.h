/* SPDX-License-Identifier: MIT */
/*
 * <linux/kfd_ioctl.h> includes <drm/drm.h> for the fixed-size types and the _IO macros alone, and
 * Debian ships that header in another folder. Searched last, so a system's own comes first.
 */
#include <linux/types.h>
#include <linux/ioctl.h>
