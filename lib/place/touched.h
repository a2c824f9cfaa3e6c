/* SPDX-License-Identifier: MIT */
/*
 * touched.h: which of the process's pages the CPU wrote since the last look (soft-dirty bits), and which
 * mappings it read (referenced bits). What a GPU touches comes from smi.h.
 */
#ifndef GM_TOUCHED_H
#define GM_TOUCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gm_touched_way {
	GM_TOUCHED_NONE,    /* the kernel keeps no soft-dirty bits */
	GM_TOUCHED_PAGEMAP, /* 8 bytes a page are read */
	GM_TOUCHED_SCAN,    /* PAGEMAP_SCAN, Linux 6.7: only what was written is reported */
};

/* Tries both on a page of its own. `fd` is an open /proc/self/pagemap. */
enum gm_touched_way gm_touched_probe(int fd);

/* Told of the written pages of one chunk (number: address / GPUMEM_CHUNK_BYTES), in ascending order;
 * the same chunk may come more than once. */
typedef void gm_touched_fn(void *data, uint64_t number, unsigned pages);

/* Looks at [start, end). Errors: what the ioctl or pread(2) says. */
int gm_touched_look(int fd, enum gm_touched_way way, uintptr_t start, uintptr_t end,
		    gm_touched_fn *fn, void *data);
/* Forgets what was written so far, in the whole process: from now on the first write to a page takes a
 * fault. `fd` is an open /proc/self/clear_refs. */
int gm_touched_clear(int fd);

/* Tells of eligible mappings that were read or written nearly everywhere since the last call, and begins anew;
 * with `fn` NULL it only begins anew. Costs a walk through all pages. Errors: what open(2) and write(2) say. */
typedef void gm_referenced_fn(void *data, uintptr_t start, uintptr_t end);
int gm_referenced_look(gm_referenced_fn *fn, void *data);

#endif
