#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1090,SC2016,SC2034
test_description='gpumem record asks the agent for a trace, in a job and outside'

sharness=${SHARNESS:-/usr/share/sharness/sharness.sh}
[ -r "$sharness" ] || { echo "1..0 # SKIP sharness is not installed"; exit 0; }
SHARNESS_TEST_DIRECTORY=${BUILDDIR:-$(pwd)}/tests/t
SHARNESS_TEST_OUTDIR=$SHARNESS_TEST_DIRECTORY
mkdir -p "$SHARNESS_TEST_DIRECTORY"
cd "$SHARNESS_TEST_DIRECTORY" || exit 1
. "$sharness"

in_job() { env GPUMEM_JOB="$PWD/job-7" gpumem record "$@"; }
unset GPUMEM_JOB GPUMEM_PLAN GPUMEM_TRACE

test_expect_success 'in a job: the variable, with an absolute path, and the command itself' '
	echo "$PWD/gpumem-%p.trace" >expected &&
	in_job printenv GPUMEM_TRACE >seen && test_cmp expected seen &&
	echo "$PWD/my.trace" >expected &&
	in_job -o my.trace printenv GPUMEM_TRACE >seen && test_cmp expected seen &&
	echo /tmp/%p.trace >expected &&
	in_job --output /tmp/%p.trace printenv GPUMEM_TRACE >seen && test_cmp expected seen &&
	test -z "$(in_job printenv LD_PRELOAD)"
'

test_expect_success 'in a job: options of the command stay its own' '
	echo "-o x" >expected && in_job echo -o x >seen && test_cmp expected seen &&
	echo "-o x" >expected && in_job -- echo -o x >seen && test_cmp expected seen
'

test_expect_success 'what the command returns' '
	test_expect_code 3 in_job sh -c "exit 3" &&
	test_expect_code 127 in_job no-such-command 2>err &&
	echo "gpumem: no-such-command: No such file or directory" >expected && test_cmp expected err &&
	: >plain && chmod 644 plain && test_expect_code 126 in_job ./plain 2>err
'

test_expect_success 'a file that cannot be made is said before the command runs' '
	test_expect_code 1 in_job -o nowhere/x.trace touch ran 2>err &&
	echo "gpumem: --output nowhere/x.trace: no file can be made there: No such file or directory" >expected &&
	test_cmp expected err && test ! -e ran &&
	test_expect_code 1 in_job -o "" touch ran 2>err && test_expect_code 1 in_job -o ./ touch ran 2>err &&
	test ! -e ran
'

test_expect_success 'in a job its own policy holds' '
	test_expect_code 2 in_job -p host true 2>err && grep "allowed here: --output" err
'

test_expect_success 'outside: the grammar looks at the policy' '
	test_expect_code 1 gpumem record -p perfer true 2>err && grep "unknown placement" err &&
	test_expect_code 2 gpumem record 2>err && grep "a command is wanted" err
'

# Without a device run and record end with the same words.
test_expect_success 'outside: as gpumem run' '
	gpumem run prefer true 2>expected; code=$?
	test_expect_code $code gpumem record true 2>err &&
	test_cmp expected err
'

test_done
