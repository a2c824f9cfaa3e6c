#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1091,SC2016,SC2034,SC2154
test_description='gpumem status shows what processes hold, by which rule, and what is live'

. "${SRCDIR:?}/tests/t/sample.sh"

status() { gpumem status --state-dir "$state" "$@"; }

test_expect_success 'host and device bytes apart, one line for each process and device' '
	"$sample" make "$state" $first $second &&
	cat >expected <<-EOF &&
	$first 0000:c0:00.0 40.0M 48.0M 200.0M
	$first 0000:c1:00.0 4.0M 4.0M 200.0M
	$second 0000:c0:00.0 8.0M 48.0M 200.0M
	EOF
	status -n -o PID,DEVICE,RESIDENT,TOTAL,HOST | plain >seen &&
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
