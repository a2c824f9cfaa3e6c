/* SPDX-License-Identifier: MIT */
/*
 * help.c: the text of --gpu-mem-policy=help; test_grammar.c holds it against the grammar.
 */
#include "gpumem.h"

static const char text[] =
	"GPU memory policy: --gpu-mem-policy=<placement>[,<option>...]\n"
	"    Where a job's memory lives on nodes whose GPU memory is coherent with the CPU.\n"
	"\n"
	"Placement:\n"
	"    off              leave the job alone\n"
	"    host             keep data in system memory; the GPU reaches it in place\n"
	"    prefer           data lives in the task's nearest allocated device, up to the\n"
	"                     limit; the rest in system memory\n"
	"    bind             as prefer, but the job fails at start, with the reason, when the\n"
	"                     devices or reserve= cannot be had\n"
	"    interleave[:DEV/HOST]\n"
	"                     chunks in turn over the job's devices, with a ratio to system\n"
	"                     memory as in interleave:3/1\n"
	"    advise           nothing moves unless the application or the GPU asks; limits and\n"
	"                     accounting still hold\n"
	"\n"
	"Options:\n"
	"    limit=SIZE|N%    most of one device that the job may use, on each node\n"
	"    reserve=SIZE     what other jobs leave free on each device; under bind, what must\n"
	"                     be free for the job to start\n"
	"    high=N%          fill up to this share of the limit, evict above it, default 95%\n"
	"    low=N%           evict down to this share of the limit, default 88%\n"
	"    evict=duel       what leaves first is chosen by what is in use (default); or\n"
	"                     one rule: heat, age, lrf (what came first), pin, none\n"
	"    bw=SIZE          most bytes moved per second\n"
	"    suspend=evict    a suspended job gives the devices up (default); or keep\n"
	"    end=drop         a task's data is freed with it at its end; evict (*)\n"
	"    report           print at the end of each step what was moved and evicted\n"
	"    verbose          say what is decided, once for each node and step\n"
	"\n"
	"SIZE is bytes, or a number with K, M, G, T or P (powers of 1024): 64G, 1.5T.\n"
	"(*) not supported yet: refused with a message.\n"
	"Example: srun --gpu-mem-policy=prefer,limit=48G ./app\n";

const char *gpumem_policy_help(void)
{
	return text;
}
