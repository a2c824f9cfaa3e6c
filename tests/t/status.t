#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1090,SC2016,SC2034
test_description='gpumem status shows what processes hold, by which rule, and what is live'

sharness=${SHARNESS:-/usr/share/sharness/sharness.sh}
[ -r "$sharness" ] || { echo "1..0 # SKIP sharness is not installed"; exit 0; }
SHARNESS_TEST_DIRECTORY=${BUILDDIR:-$(pwd)}/tests/t
SHARNESS_TEST_OUTDIR=$SHARNESS_TEST_DIRECTORY
mkdir -p "$SHARNESS_TEST_DIRECTORY"
cd "$SHARNESS_TEST_DIRECTORY" || exit 1
. "$sharness"

sample=$BUILDDIR/tests/t/sample-record
state=$PWD/state
chmod 755 .
status() { gpumem status --state-dir "$state" "$@"; }
sleep 600 &
first=$!
sleep 600 &
second=$!
trap 'kill $first $second' EXIT
unset SLURM_JOB_ID

test_expect_success 'host and device bytes apart, one line for each process and device' '
	"$sample" make "$state" $first $second &&
	cat >expected <<-EOF &&
	$first 0000:c0:00.0 40.0M 48.0M 200.0M
	$first 0000:c1:00.0 4.0M 4.0M 200.0M
	$second 0000:c0:00.0 8.0M 48.0M 200.0M
	EOF
	status -n -o PID,DEVICE,RESIDENT,TOTAL,HOST | tr -s " " | sed "s/^ //" >seen &&
	test_cmp expected seen
'

test_expect_success 'rule, signals and notes' '
	echo "duel pin presence,soft-dirty,smi memcg,bandwidth" >expected &&
	status -n -o ORDER,RULE,SIGNALS,NOTES | tr -s " " | head -n 1 >seen &&
	test_cmp expected seen &&
	status | head -n 1 | grep "RULE *SIGNALS *NOTES"
'

test_expect_success 'what is not known is null in JSON' '
	status --json -o SIGNALS,NOTES,RULE,CHANGED >seen &&
	jq -e ".processes[0].notes == \"memcg,bandwidth\" and .processes[2].notes == null and
		.processes[2].signals == null and .processes[0].changed == null" seen
'

test_expect_success 'the job that SLURM_JOB_ID names, no other' '
	test "$(SLURM_JOB_ID=7 gpumem status --state-dir "$state" -n | wc -l)" -eq 3 &&
	test "$(SLURM_JOB_ID=8 gpumem status --state-dir "$state" -n | wc -l)" -eq 0
'

test_done
