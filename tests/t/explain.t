#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1091,SC2016,SC2034,SC2154
test_description='gpumem explain tells why memory moved, by which rule, and who is over'

. "${SRCDIR:?}/tests/t/sample.sh"

explain() { gpumem explain --state-dir "$state" "$@"; }

test_expect_success 'devices: marks, fair share, who is above it' '
	"$sample" make "$state" $first $second &&
	cat >expected <<-EOF &&
	JOB DEVICE CHARGED LIMIT HIGH LOW FAIR ACTIVE OVER
	7 0000:c0:00.0 48.0M 64.0M 57.6M 51.2M 28.0M 2 $first:40.0M
	7 0000:c1:00.0 4.0M 64.0M 57.6M 51.2M 56.0M 1 -
	EOF
	explain --summary | sed "/^\$/,\$d" | plain >seen &&
	test_cmp expected seen
'

test_expect_success 'marks follow what was set' '
	gpumem set --state-dir "$state" --wait 0 high=100% low=50% &&
	explain --summary -n | head -n 1 | plain >seen &&
	grep "^7 0000:c0:00.0 48.0M 64.0M 64.0M 32.0M 28.0M 2 " seen
'

test_expect_success 'processes: order, rule, hit rates, signals, notes' '
	cat >expected <<-EOF &&
	JOB PID COMMAND ORDER RULE SWITCHES HITHEAT HITPIN HITOFTEN HITAGE HITSEEN SIGNALS NOTES
	7 $first sleep duel pin 3 61.4 83.2 70.1 59.8 79.0 presence,soft-dirty,smi memcg,bandwidth
	7 $second sleep duel heat 0 0.0 0.0 0.0 0.0 0.0 - -
	EOF
	explain --summary | sed "1,/^\$/d" | plain >seen &&
	test_cmp expected seen
'

test_expect_success 'decisions: newest first, moved or stayed' '
	explain -n --last 0 -o REASON,DIRECTION,HEAT,SIZE,ADDRESS,DEVICE,PID | plain >all &&
	test "$(wc -l <all)" -eq 21 &&
	printf "%s\n" "room in 1000 2.0M 7f0000200000 0000:c0:00.0 $first" \
		"hotter in 2000 2.0M 7f0000400000 0000:c0:00.0 $first" >expected &&
	head -n 2 all >seen && test_cmp expected seen &&
	grep "^asked moved" all && grep "^limit out" all && grep "^pinned stayed 15000 0B" all &&
	grep "^resumed in .* 0000:c1:00.0" all &&
	test "$(explain -n | wc -l)" -eq 20 &&
	test "$(explain -n --last 3 | wc -l)" -eq 3
'

test_expect_success 'the age of a decision' '
	age=$(explain -n -o TIME --last 1 | plain) &&
	case $age in [2-9].[0-9] | [1-5][0-9].[0-9]) ;; *) echo "$age"; false ;; esac
'

test_expect_success 'an address, a range, a process' '
	echo hotter >expected &&
	explain -n -o REASON --address 7f0000412345 >seen && test_cmp expected seen &&
	explain -n -o REASON --address 0x7f0000400000..0x7f0000400001 >seen && test_cmp expected seen &&
	printf "hotter\nfaulted\n" >expected &&
	explain -n -o REASON --address 7f0000400000-7f0000800000 >seen && test_cmp expected seen &&
	explain -n --pid $second >seen && test_must_be_empty seen &&
	explain --summary -n --pid $second | plain >seen && ! grep "^7 $first " seen && grep "^7 $second " seen
'

test_expect_success 'JSON is one object with the three parts' '
	explain --json >seen &&
	jq -e ".devices[0].high == 67108864 and .processes[0].hitpin == 83.2 and
		.processes[1].notes == null and (.decisions | length) == 20 and
		.decisions[0].reason == \"room\" and .decisions[0].size == 2097152" seen &&
	explain --json --pid $second | jq -e ".decisions == [] and (.processes | length) == 1" &&
	explain --json --summary | jq -e "has(\"decisions\") | not"
'

test_expect_success 'the job is the own one, or the one that is named' '
	test "$(SLURM_JOB_ID=7 gpumem explain --state-dir "$state" -n | wc -l)" -eq 20 &&
	test_expect_code 1 env SLURM_JOB_ID=8 gpumem explain --state-dir "$state" 2>err &&
	grep "no job has a record" err &&
	explain 7 -n >seen && test "$(wc -l <seen)" -eq 20 &&
	test_expect_code 1 explain 8 2>err && grep "job 8 has no record" err &&
	test_expect_code 1 explain --pid 1 2>err && grep "process 1 is in no job" err
'

test_expect_success 'wrong usage is 2 and says what is allowed' '
	test_expect_code 2 explain --address 7fxyz 2>err && grep "allowed: <hex> or <hex>..<hex>" err &&
	test_expect_code 2 explain --address 20..10 2>err &&
	test_expect_code 2 explain --last x 2>err && grep "not 0 to 1000000" err &&
	test_expect_code 2 explain 7 8 2>err && grep "unexpected argument \"8\"" err
'

test_expect_success 'the page tells what to do about every reason' '
	sed -n "/^const char \*gpumem_reason_name/,/^}/p" "$SRCDIR/lib/ledger/names.c" |
		grep -o "\"[a-z-]*\"" | tr -d \" | grep -v -x -e - -e unknown >reasons &&
	test "$(wc -l <reasons)" -eq 21 &&
	sed -n "/^\.SH REASONS/,/^\.SH /p" "$BUILDDIR/man/gpumem.1" | sed "s/\\\\//g" >section &&
	for word in $(cat reasons); do
		grep -q "^\.B $word\$" section || { echo "no $word"; return 1; }
	done
'

test_done
