/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/kfd_ioctl.h> includes this file, which Debian's linux-libc-dev leaves
 * to another package, only for the types below.
 */
#include <linux/types.h>
#include <linux/ioctl.h>
