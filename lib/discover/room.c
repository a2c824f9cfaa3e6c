/* SPDX-License-Identifier: MIT */
/*
 * room.c: one number of sysfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "discover/room.h"

int gm_device_used_now(const char *pci, uint64_t *ret_bytes)
{
	_cleanup_close_ int fd = -1;
	char path[96], text[32], *end;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/mem_info_vram_used", pci);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return n < 0 ? -errno : -EPROTO;
	text[n] = '\0';
	*ret_bytes = strtoull(text, &end, 10);
	return end == text ? -EPROTO : 0;
}
