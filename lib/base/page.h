/* SPDX-License-Identifier: MIT */
/*
 * page.h: the kernel's pages: 4 KiB on most machines, 64 KiB on POWER9 and, where the site chose such a kernel, on
 * GH200.
 */
#ifndef GM_PAGE_H
#define GM_PAGE_H

#include <stddef.h>

/* Bytes of a page. */
size_t gm_page_bytes(void);

#endif
