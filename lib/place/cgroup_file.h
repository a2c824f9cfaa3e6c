/* SPDX-License-Identifier: MIT */
/*
 * cgroup_file.h: reading and writing the files of a cgroup. The folders belong to root and so do the
 * names in them.
 */
#ifndef GM_CGROUP_FILE_H
#define GM_CGROUP_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define GM_CGROUP_TEXT 4096

/* The whole file, terminated, without its last newline. Errors: what open(2) and read(2) say, EFBIG. */
int gm_cgroup_read(const char *dir, const char *name, char *buf, size_t len);
/* Each line in a write of its own, as the kernel's parsers take one value at a time; goes on behind a line
 * that is refused. Errors: what open(2) and write(2) say, of the first that failed. */
int gm_cgroup_write(const char *dir, const char *name, const char *text);
/* A number, or "max" as UINT64_MAX. Errors: as above, EPROTO. */
int gm_cgroup_read_bytes(const char *dir, const char *name, uint64_t *ret);

#endif
