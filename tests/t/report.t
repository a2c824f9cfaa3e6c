#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1090,SC2016,SC2034
test_description='gpumem report over accounting files'

sharness=${SHARNESS:-/usr/share/sharness/sharness.sh}
[ -r "$sharness" ] || { echo "1..0 # SKIP sharness is not installed"; exit 0; }
SHARNESS_TEST_DIRECTORY=${BUILDDIR:-$(pwd)}/tests/t
SHARNESS_TEST_OUTDIR=$SHARNESS_TEST_DIRECTORY
mkdir -p "$SHARNESS_TEST_DIRECTORY"
cd "$SHARNESS_TEST_DIRECTORY" || exit 1
. "$sharness"

command -v jq >/dev/null && test_set_prereq JQ
unset SLURM_JOB_ID
export TZ=UTC
# gpumem.conf takes no path with blanks, and that of the scratch folder has one.
place=$(mktemp -d) && cleanup 'rm -rf "$place"'

# job JOB NODE PEAK: a line as the epilog writes it.
job() {
	printf '{"node":"%s","job":%s,"uid":0,"begin":1700000000,"end":1700000100,' "$2" "$1"
	printf '"policy":"prefer,limit=64M","seconds":12.345,"processes":2,"turned_away":0,'
	printf '"devices":[{"pci":"0000:c1:00.0","limit":67108864,"wall":0,"peak":%s,' "$3"
	printf '"mean":53687091,"migrated":134217728,"evicted":4096,"refaulted":0,'
	printf '"over_limit_s":0.250},{"pci":"0000:c6:00.0","limit":67108864,"wall":67108864,'
	printf '"peak":0,"mean":0,"migrated":0,"evicted":0,"refaulted":0,"over_limit_s":0.000}],'
	printf '"failed":{"busy":3,"partial":0,"no-memory":0,"retry":1,"mapping":0,"device":0,'
	printf '"taken-back":0},"leftover":0,"leftover_processes":0}\n'
}

test_expect_success 'a few lines for each job' '
	mkdir state &&
	{ job 41 n1 67108864; job 42 n1 33554432; } >state/accounting.jsonl &&
	gpumem report --state-dir "$(pwd)/state" 42 >out &&
	cat >expected <<-\EOF &&
	n1: job 42, prefer,limit=64M: 2 processes in 12.3 s
	n1: 0000:c1:00.0  limit 64.0M  peak 32.0M  mean 51.2M  migrated 128.0M  evicted 4.0K  refaulted 0B  over limit 0.2 s
	n1: 0000:c6:00.0  limit 64.0M  peak 0B  mean 0B  migrated 0B  evicted 0B  refaulted 0B  over limit 0.0 s
	n1: moves that failed: busy 3, retry 1
	EOF
	test_cmp expected out &&
	gpumem report --state-dir "$(pwd)/state" -b 42 >out &&
	grep " limit 67108864  peak 33554432 " out &&
	gpumem report --state-dir "$(pwd)/state" >out &&
	test "$(grep -c " job 4[12], " out)" = 2
'

test_expect_success 'a row for each device' '
	gpumem report -f state/accounting.jsonl -n -o JOB,USER,END,DEVICE,PEAK,WALL,OVER,REASON >out &&
	tr -s " " <out >short &&
	cat >expected <<-\EOF &&
	41 root 2023-11-14T22:15:00 0000:c1:00.0 64.0M - 0.250 busy:3,retry:1
	41 root 2023-11-14T22:15:00 0000:c6:00.0 0B 64.0M 0.000 busy:3,retry:1
	42 root 2023-11-14T22:15:00 0000:c1:00.0 32.0M - 0.250 busy:3,retry:1
	42 root 2023-11-14T22:15:00 0000:c6:00.0 0B 64.0M 0.000 busy:3,retry:1
	EOF
	sed "s/^ //" short >got &&
	test_cmp expected got
'

test_expect_success JQ 'JSON' '
	jq -es "length == 2" state/accounting.jsonl &&
	gpumem report -f state/accounting.jsonl -J 41 >json &&
	jq -e ".jobs | length == 2" json &&
	jq -e ".jobs[0] | .job == 41 and .peak == 67108864 and .over == 0.25 and .failed == 4" json &&
	gpumem report -f state/accounting.jsonl -J 43 >json || jq -e ".jobs == []" json
'

test_expect_success 'the file that was renamed comes first, every node has its own' '
	mkdir -p "$place/nodes/n1" "$place/nodes/n2" &&
	job 1 n1 1 >"$place"/nodes/n1/accounting.jsonl.1 &&
	job 2 n1 1 >"$place"/nodes/n1/accounting.jsonl &&
	job 2 n2 1 >"$place"/nodes/n2/accounting.jsonl &&
	echo "StateDir=$place/nodes/%n" >conf &&
	gpumem report --conf conf -n -o JOB,NODE | uniq | tr -s " " | sed "s/^ //" >out &&
	printf "1 n1\n2 n1\n2 n2\n" >expected &&
	test_cmp expected out &&
	SLURM_JOB_ID=1 gpumem report --conf conf -n -o JOB | tr -d " " | sort -u >out &&
	echo 1 >expected &&
	test_cmp expected out
'

test_expect_success 'a place of its own, and none at all' '
	echo "Accounting=$place/nodes/%n/accounting.jsonl" >conf &&
	gpumem report --conf conf --state-dir "$place/empty" 2 >out &&
	grep "^n2: job 2" out &&
	echo "Accounting=no StateDir=$place/nodes/%n" >conf &&
	gpumem report --conf conf >out &&
	test_must_be_empty out
'

test_expect_success 'a job that is not there, a file that is not there, a line that is none' '
	test_expect_code 1 gpumem report --state-dir "$(pwd)/state" 7 >out 2>err &&
	test_must_be_empty out &&
	grep "nothing is known here" err &&
	gpumem report --state-dir "$(pwd)/empty" >out &&
	test_must_be_empty out &&
	test_expect_code 1 gpumem report -f missing 2>err &&
	grep "^gpumem: missing: No such file" err &&
	{ job 1 n1 1; echo "{\"job\":2"; job 3 n1 1; } >broken &&
	test_expect_code 1 gpumem report -f broken >out 2>err &&
	echo "gpumem: broken:2: not a line of gpumem" >expected &&
	test_cmp expected err &&
	test "$(grep -c " job [13], " out)" = 2
'

test_done
