// SPDX-License-Identifier: GPL-2.0-only
/*
 * What QEMU's TCG gets wrong with more than one CPU: the kernel patches its code while it runs, by way of a
 * breakpoint, and a CPU that translates the place at the wrong moment keeps the breakpoint after it is
 * gone. The kernel knows nothing of a breakpoint there and would die.
 *
 * A module of its own without an end: such a breakpoint may be met as long as the guest lives, and first of all
 * by what takes kfdsim out.
 */
#include <linux/kdebug.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/ptrace.h>
#include <asm/processor-flags.h>
#include <asm/text-patching.h>

static int on_breakpoint(struct notifier_block *block, unsigned long event, void *data)
{
	struct pt_regs *regs = ((struct die_args *)data)->regs;
	unsigned long at = regs->ip - INT3_INSN_SIZE;

	if (event != DIE_INT3 || user_mode(regs) || READ_ONCE(*(u8 *)at) == INT3_INSN_OPCODE)
		return NOTIFY_DONE;
	pr_info_once(KBUILD_MODNAME ": passed over one at %pS that is not there any more\n", (void *)at);
	/* Translations are kept by flags too: with this one, which the CPU clears again, it is translated anew. */
	regs->ip = at;
	regs->flags |= X86_EFLAGS_RF;
	return NOTIFY_STOP;
}

static struct notifier_block breakpoints = {
	.notifier_call = on_breakpoint,
};

static int __init breakpoints_init(void)
{
	return register_die_notifier(&breakpoints);
}
module_init(breakpoints_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Passes over breakpoints that QEMU's TCG keeps after the kernel took them out");
