#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1090,SC2016,SC2034
test_description='gpumem check-conf: every problem of gpumem.conf, and what holds for whom'

sharness=${SHARNESS:-/usr/share/sharness/sharness.sh}
[ -r "$sharness" ] || { echo "1..0 # SKIP sharness is not installed"; exit 0; }
# The scratch folder is made in the build tree, never beside the sources.
SHARNESS_TEST_DIRECTORY=${BUILDDIR:-$(pwd)}/tests/t
SHARNESS_TEST_OUTDIR=$SHARNESS_TEST_DIRECTORY
mkdir -p "$SHARNESS_TEST_DIRECTORY"
cd "$SHARNESS_TEST_DIRECTORY" || exit 1
. "$sharness"

etc=$SRCDIR/etc

test_expect_success 'the installed example is a good file and prints nothing' '
	gpumem check-conf "$etc/gpumem.conf.example" >out 2>err &&
	test_must_be_empty out &&
	test_must_be_empty err
'

test_expect_success 'the example is good with its commented lines too' '
	sed "s/^#\([A-Z][A-Za-z]*=\)/\1/" "$etc/gpumem.conf.example" >all.conf &&
	grep -q ^NodeName= all.conf &&
	gpumem check-conf all.conf
'

test_expect_success 'every problem is named with file and line' '
	cat >bad.conf <<-\EOF &&
	# rules
	DefaultPolicy=perfer
	MaxLimit=64X
	AllowedPolicies=host, prefer
	OnLeftover=explode
	Colour=red
	StateDir=run/gpumem
	EOF
	cat >expected <<-\EOF &&
	bad.conf:2: DefaultPolicy: '\''perfer'\'': unknown placement; allowed: off, host, prefer, bind, interleave[:DEV/HOST], advise
	bad.conf:3: '\''MaxLimit=64X'\'': unknown suffix; allowed: a size such as 64G or 1.5T, or 1% to 100%
	bad.conf:4: '\''prefer'\'': no '\''='\'' after it; write Key=Value, without spaces in the value
	bad.conf:5: '\''OnLeftover=explode'\'': unknown value; allowed: kill, log, drain
	bad.conf:6: '\''Colour'\'': unknown key; allowed: DefaultPolicy, AllowedPolicies, MaxLimit, StateDir, OnLeftover, CpuBudget, VerifySeconds, MemcgCredit, HardLimit, Accounting, AdminComment, CleanPageCache, PartitionName, Account, User, NodeName, Device
	bad.conf:7: '\''StateDir=run/gpumem'\'': not an absolute path; allowed: an absolute path of up to 200 characters, with %n for the node
	EOF
	test_expect_code 1 gpumem check-conf bad.conf >out 2>err &&
	test_cmp expected err &&
	test_must_be_empty out
'

test_expect_success 'a good file prints nothing but with --verbose' '
	cat >good.conf <<-\EOF &&
	defaultpolicy=prefer,limit=8G
	MaxLimit=64G OnLeftover=log
	PartitionName=big MaxLimit=90%
	User=eve DefaultPolicy=off
	NodeName=n[1-4] Devices=0000:C6:00.0
	Device=0009:01:00.0 NodeName=g1 Node=1 Kind=NUMA
	EOF
	cat >expected <<-\EOF &&
	DefaultPolicy=prefer,limit=8G
	MaxLimit=64G
	StateDir=/run/gpumem
	OnLeftover=log
	CpuBudget=1.0%
	VerifySeconds=10
	MemcgCredit=no
	HardLimit=auto
	Accounting=/run/gpumem/accounting.jsonl
	AdminComment=no
	CleanPageCache=no
	PartitionName=big MaxLimit=90%
	User=eve DefaultPolicy=off
	NodeName=n[1-4] Devices=0000:c6:00.0
	Device=0009:01:00.0 Kind=numa Node=1 NodeName=g1
	EOF
	gpumem check-conf good.conf >out 2>&1 &&
	test_must_be_empty out &&
	gpumem check-conf --verbose good.conf >out 2>err &&
	test_cmp expected out &&
	test_must_be_empty err
'

test_expect_success 'what is printed is a good file that says the same' '
	gpumem check-conf -v good.conf >again.conf &&
	gpumem check-conf -v again.conf >out &&
	test_cmp again.conf out
'

test_expect_success 'the settings in force for one user in one partition' '
	gpumem check-conf -u eve -p big good.conf >out &&
	head -n 2 out >head &&
	printf "DefaultPolicy=off\nMaxLimit=90%%\n" >expected &&
	test_cmp expected head &&
	gpumem check-conf --user bob --partition small --account x good.conf >out &&
	head -n 2 out >head &&
	printf "DefaultPolicy=prefer,limit=8G\nMaxLimit=64G\n" >expected &&
	test_cmp expected head
'

test_expect_success '--quiet: the exit code alone' '
	test_expect_code 1 gpumem check-conf -q bad.conf >out 2>&1 &&
	test_must_be_empty out &&
	test_expect_code 1 gpumem check-conf --quiet missing.conf >out 2>&1 &&
	test_must_be_empty out &&
	gpumem check-conf -q good.conf >out 2>&1 &&
	test_must_be_empty out
'

test_expect_success 'a file that is named must be there' '
	test_expect_code 1 gpumem check-conf missing.conf 2>err &&
	echo "gpumem: missing.conf: No such file or directory" >expected &&
	test_cmp expected err &&
	test_expect_code 1 gpumem check-conf . 2>err &&
	echo "gpumem: .: Is a directory" >expected &&
	test_cmp expected err
'

test_expect_success 'wrong usage is 2' '
	test_expect_code 2 gpumem check-conf --colour good.conf 2>err &&
	test_expect_code 2 gpumem check-conf good.conf bad.conf 2>err &&
	grep "unexpected argument \"bad.conf\"" err &&
	test_expect_code 2 gpumem check-conf -q -v good.conf 2>err &&
	grep exclude err &&
	test_expect_code 2 gpumem check-conf --user 2>err
'

test_expect_success 'help and version go to stdout' '
	gpumem check-conf --help >out 2>err &&
	grep "^Usage:" out &&
	test_must_be_empty err &&
	gpumem check-conf --version >out &&
	grep "^gpumem [0-9]" out
'

test_expect_success 'the plugstack example loads one plugin by its file name' '
	grep "^[^#]" "$etc/plugstack.conf.example" >lines &&
	echo "optional spank_gpumem.so" >expected &&
	test_cmp expected lines
'

test_done
