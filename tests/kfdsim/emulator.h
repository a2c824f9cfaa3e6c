/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * emulator.h: keeps the kernel alive under an emulator that gets its self-patching wrong.
 */
#ifndef KS_EMULATOR_H
#define KS_EMULATOR_H

int ks_emulator_init(void);
void ks_emulator_fini(void);

#endif
