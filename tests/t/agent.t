#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1090,SC2034
test_description='the agent disturbs no application, whatever that does'

sharness=${SHARNESS:-/usr/share/sharness/sharness.sh}
[ -r "$sharness" ] || { echo "1..0 # SKIP sharness is not installed"; exit 0; }
SHARNESS_TEST_DIRECTORY=${BUILDDIR:-$(pwd)}/tests/t
SHARNESS_TEST_OUTDIR=$SHARNESS_TEST_DIRECTORY
mkdir -p "$SHARNESS_TEST_DIRECTORY"
cd "$SHARNESS_TEST_DIRECTORY" || exit 1

agent=$BUILDDIR/lib/.libs/libgpumem-agent.so
app=$BUILDDIR/tests/t/agent-app
module=$BUILDDIR/tests/t/.libs/agent-module.so
if ldd "$agent" | grep -q 'lib[atu][a-z]*san'; then
	echo "1..0 # SKIP a sanitizer's library cannot come after a preloaded one"
	exit 0
fi
. "$sharness"

plan=v2,place=prefer,step=0,task=0,dev=0:max,dev=1:max

# An agent keeps what ends a process by accident away from it: only -s KILL is sure.
with_agent() {
	env LD_PRELOAD="$agent" GPUMEM_JOB="${job-$PWD/state/job-1}" GPUMEM_PLAN="${plan_text:-$plan}" \
		timeout -s KILL 60 "$@"
}

test_expect_success 'a record' '
	"$app" record "$PWD/state"
'

test_expect_success 'it attaches beside large thread-local variables' '
	with_agent "$app" attach
'

test_expect_success 'what it tells of its own CPU time is what it used' '
	with_agent "$app" pay
'

test_expect_success 'a library loaded after a fork finds its thread-local variables set' '
	with_agent "$app" fork-dlopen "$module"
'

test_expect_success 'a process whose main() left ends with its last thread' '
	with_agent "$app" leave-main
'

test_expect_success 'files that got the number of one of its descriptors stay open' '
	mkdir files &&
	with_agent "$app" close-all "$PWD/files"
'

test_expect_success 'programs are executed by every call that does so' '
	with_agent "$app" exec
'

test_expect_success 'it outlives being unloaded' '
	GPUMEM_JOB=$PWD/state/job-1 GPUMEM_PLAN=$plan "$app" unload "$agent"
'

"$app" unshare early 2>/dev/null && test_set_prereq USERNS

test_expect_success USERNS 'a program with one thread may enter a user namespace' '
	with_agent "$app" unshare early
'

test_expect_success USERNS 'it works on after that' '
	with_agent "$app" unshare late
'

for bad in "" . /nonexistent /dev/null "$(printf %4200s x)"; do
	test_expect_success "a record that is not one: $(printf %.20s "$bad")" '
		job=$bad with_agent "$app" inert
	'
done

for bad in "" x v2 v1,place=prefer,step=0,task=0,dev=0:max v2,place=prefer,step=0,task=0,dev=9:max \
	"$(printf %600s x)"; do
	test_expect_success "a plan that is not one: $(printf %.50s "$bad")" '
		plan_text=${bad:-,} with_agent "$app" inert
	'
done

test_expect_success 'a FIFO in place of the limits' '
	mkdir fifo && mkfifo fifo/limits fifo/ledger &&
	job=$PWD/fifo with_agent "$app" inert
'

test_done
