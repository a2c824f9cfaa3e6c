/* SPDX-License-Identifier: MIT */
/*
 * paths.h: files installed beside the library.
 */
#ifndef GM_PATHS_H
#define GM_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "gpumem.h"

/* LIBDIR/gpumem/NAME, or NAME in the library's own folder (a build tree). False: neither is
 * readable. */
bool gm_path_beside(const char *name, char *buf, size_t len);

#endif
