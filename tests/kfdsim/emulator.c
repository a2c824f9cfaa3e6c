// SPDX-License-Identifier: GPL-2.0-only
/*
 * What QEMU's TCG gets wrong with more than one CPU: the kernel patches its code while it runs, by way of a
 * breakpoint, and a CPU that translates the place at the wrong moment keeps the breakpoint after it is
 * gone. The kernel knows nothing of a breakpoint there and would die.
 */
#include <linux/kdebug.h>
#include <linux/notifier.h>
#include <linux/ptrace.h>
#include <asm/processor-flags.h>
#include <asm/text-patching.h>

#include "emulator.h"
#include "kfdsim.h"

static int on_breakpoint(struct notifier_block *block, unsigned long event, void *data)
{
	struct pt_regs *regs = ((struct die_args *)data)->regs;
	unsigned long at = regs->ip - INT3_INSN_SIZE;

	if (event != DIE_INT3 || user_mode(regs) || READ_ONCE(*(u8 *)at) == INT3_INSN_OPCODE)
		return NOTIFY_DONE;
	pr_info_once(KS_NAME ": passed over a breakpoint at %pS that is not there any more\n", (void *)at);
	/* Translations are kept by flags too: with this one, which the CPU clears again, it is translated anew. */
	regs->ip = at;
	regs->flags |= X86_EFLAGS_RF;
	return NOTIFY_STOP;
}

static struct notifier_block breakpoints = {
	.notifier_call = on_breakpoint,
};

int ks_emulator_init(void)
{
	return register_die_notifier(&breakpoints);
}

void ks_emulator_fini(void)
{
	unregister_die_notifier(&breakpoints);
}
