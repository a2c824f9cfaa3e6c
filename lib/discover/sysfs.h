/* SPDX-License-Identifier: MIT */
/*
 * sysfs.h: readers of the kernel's text files below a context's root. Every look that discovery
 * takes at the system goes through a struct gm_root, so that a saved tree can stand in for it.
 */
#ifndef GM_SYSFS_H
#define GM_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"

#define GM_TEXT_MAX 16384 /* more than any file read here; a longer one is not what it says */
#define GM_PATH_MAX 512

struct gm_root {
	int fd;	       /* O_PATH of the root */
	bool live;     /* "/" itself: no confinement needed */
	bool no_beneath; /* openat2(2) missing: check after opening instead */
	const struct gpumem_ctx *ctx;
	/* Tests put errors here that no file can be made to give; NULL otherwise. Non-zero is
	 * returned in place of reading. */
	int (*read_fault)(void *data, const char *path);
	void *read_fault_data;
};

/* Errors: what open(2) says. */
int gm_root_open(struct gm_root *ret, const struct gpumem_ctx *ctx);
void gm_root_close(struct gm_root *root);

/* Paths are absolute, as on the live system; symbolic links stay below the root. */

/* The whole file, terminated. Returns its length, or a negative errno value: EFBIG when it does
 * not fit, EPROTO when it holds a NUL. */
__attribute__((format(printf, 4, 5))) int gm_read_text(struct gm_root *root, char *buf, size_t len,
							const char *fmt, ...);
/* The first line without its end. Errors: as gm_read_text(). */
__attribute__((format(printf, 4, 5))) int gm_read_line(struct gm_root *root, char *buf, size_t len,
							const char *fmt, ...);
/* One number, decimal or 0x. Errors: as gm_read_text(), EPROTO when it is no number. */
__attribute__((format(printf, 3, 4))) int gm_read_u64(struct gm_root *root, uint64_t *ret,
						       const char *fmt, ...);
__attribute__((format(printf, 3, 4))) int gm_read_s32(struct gm_root *root, int32_t *ret,
						       const char *fmt, ...);
__attribute__((format(printf, 2, 3))) bool gm_exists(struct gm_root *root, const char *fmt, ...);

/* Names in a folder, in version order ("2" before "10"); those too long for the field are left
 * out, as nothing we look for is. */
struct gm_names {
	size_t count;
	char (*name)[64];
};
__attribute__((format(printf, 3, 4))) int gm_read_names(struct gm_root *root, struct gm_names *ret,
							 const char *fmt, ...);
void gm_names_free(struct gm_names *names);

/* Strict parsers of a whole string: no sign, no blanks, no rest. */
bool gm_parse_u64(const char *text, int base, uint64_t *ret);
bool gm_parse_u32(const char *text, int base, uint32_t *ret);

/* Cuts the next line off *cursor; NULL at the end. */
char *gm_next_line(char **cursor);

#endif
