#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1091,SC2016,SC2034,SC2154
test_description='gpumem set changes what a running job goes by, and all of it or nothing'

. "${SRCDIR:?}/tests/t/sample.sh"

set_it() { gpumem set --state-dir "$state" --wait 0 "$@"; }
changed() { gpumem status --state-dir "$state" -d -n -o DEVICE,LIMIT,CHANGED | tr -s ' '; }

test_expect_success 'a record' '
	"$sample" make "$state" $first &&
	printf "0000:c0:00.0 64.0M -\n0000:c1:00.0 64.0M -\n" >expected &&
	changed >seen && test_cmp expected seen
'

test_expect_success 'several settings at once' '
	set_it policy=host limit=48M evict=age high=85% low=70% bw=2G suspend=keep &&
	text="48.0M policy=host,high=85%,low=70%,evict=age,bw=2G,suspend=keep" &&
	printf "%s\n" "0000:c0:00.0 $text" "0000:c1:00.0 $text" >expected &&
	changed >seen && test_cmp expected seen
'

test_expect_success 'a comma list, and the rest stays as it was' '
	set_it bw=3G,evict=heat &&
	changed | grep -q "48.0M policy=host,high=85%,low=70%,evict=heat,bw=3G,suspend=keep"
'

test_expect_success 'a limit on one device' '
	set_it --device 1 limit=32M &&
	changed | cut -d" " -f2 | tr "\n" " " >seen && echo "48.0M 32.0M " >expected && echo >>seen &&
	test_cmp expected seen
'

test_expect_success 'nothing is written when one of them is not allowed' '
	changed >before &&
	test_expect_code 1 set_it bw=1G limit=97M 2>err &&
	echo "gpumem: limit=97M is above the site'\''s maximum of 96M on 0000:c0:00.0" >expected &&
	test_cmp expected err &&
	test_expect_code 1 set_it limit=20M low=90% 2>err &&
	echo "gpumem: low=90% is above high=85%" >expected &&
	test_cmp expected err &&
	test_expect_code 1 set_it limit=20M policy=advise 2>err &&
	grep -q "advise.*not a policy that this site allows" err &&
	test_expect_code 2 set_it limit=20M evict=oldest 2>err &&
	echo "gpumem: '\''evict=oldest'\'': unknown value; allowed: duel, heat, age, lrf, pin, none" >expected &&
	test_cmp expected err &&
	test_expect_code 2 set_it limit=20M policy=interleave:2/1 2>err &&
	grep -q "keeps its ratio" err &&
	changed >after && test_cmp before after
'

test_expect_success 'what can be set is said' '
	test_expect_code 2 set_it reserve=3G 2>err &&
	echo "gpumem: cannot set \"reserve=3G\"; allowed, each once: policy=, limit=, high=, low=, evict=, bw=, suspend=" >expected &&
	test_cmp expected err &&
	test_expect_code 2 set_it 2>err &&
	echo "gpumem: settings are wanted: policy=, limit=, high=, low=, evict=, bw=, suspend=" >expected &&
	test_cmp expected err
'

test_expect_success 'a limit that is not reached in time is an error' '
	test_expect_code 1 gpumem set --state-dir "$state" --wait 1 limit=1M 2>err &&
	grep -q "40M of job 7 still on 0000:c0:00.0 after 1 s" err
'

test_expect_success 'a limit above that of the kernel: root raises it, or fails, others are told' '
	"$sample" wall "$state" 64 &&
	if [ "$(id -u)" = 0 ]; then
		test_expect_code 1 set_it limit=80M 2>err &&
		echo "gpumem: job 7: the kernel'\''s own limit was not raised: job 7: its cgroup is not known" >expected
	else
		set_it limit=80M 2>err &&
		printf "gpumem: the kernel keeps job 7 to 64M of %s until its next step begins\n" \
			0000:c0:00.0 0000:c1:00.0 >expected
	fi &&
	test_cmp expected err &&
	set_it limit=64M 2>err &&
	test_must_be_empty err
'

test_done
