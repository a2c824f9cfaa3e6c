/* SPDX-License-Identifier: MIT */
/*
 * empty: a library with nothing in it: what the loader takes for any preloaded library.
 */
extern const int bench_empty;
const int bench_empty = 1;
