#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1090,SC2034
test_description='the default policy keeps more of the right chunks than the classic ones'

sharness=${SHARNESS:-/usr/share/sharness/sharness.sh}
[ -r "$sharness" ] || { echo "1..0 # SKIP sharness is not installed"; exit 0; }
SHARNESS_TEST_DIRECTORY=${BUILDDIR:-$(pwd)}/tests/t
SHARNESS_TEST_OUTDIR=$SHARNESS_TEST_DIRECTORY
mkdir -p "$SHARNESS_TEST_DIRECTORY"
cd "$SHARNESS_TEST_DIRECTORY" || exit 1
. "$sharness"

replay=$BUILDDIR/tests/bench/replay/replay

test_expect_success 'a small replay runs' '
	"$replay" -e 256 -c 512 -l 40000 >table &&
	tail -n 1 table | grep -qE "^replay policy=.* mean=[0-9.]* worst=[0-9.]* seeds=1 cases=32$"
'

# Columns are found by their heads; all left of the duel are others.
test_expect_success 'the duel is above each of the others' '
	awk "NR == 1 { for (i = 1; i <= NF; i++) if (\$i == \"duel\") duel = i + 1 }
		\$1 == \"mean\" {
			for (i = 2; i < duel; i++)
				if (\$duel <= \$i) print i, \$i, \$duel
			if (\$duel < 90 || \$(duel + 1) < 90) print \"low\", \$duel, \$(duel + 1)
			seen = 1
		}
		END { if (!seen) print \"no mean\" }" table >bad &&
	test_must_be_empty bad
'

test_expect_success 'the same again' '
	"$replay" -e 256 -c 512 -l 40000 >again &&
	test_cmp table again
'

# tests/bench/README.md says what is known of those four.
test_expect_success 'the published figures come out within a point' '
	"$replay" -P >published &&
	sed -n "s/^off \\(.*\\):.*/\\1/p" published >off &&
	cat >expected <<-\EOF &&
	heat cyclic 110
	2q cyclic 110
	heat cyclic 156
	mru phases 200
	EOF
	test_cmp expected off &&
	tail -n 1 published | grep -qx "published cells=88 within=84"
'

# The aim is 98.5 and 93 over eight seeds at scans each 256 to 4096 accesses. This is one seed: the same figures each time.
at_least() { # accesses between scans, mean, worst
	"$replay" -d -q -e "$1" >out &&
	awk -v mean="$2" -v worst="$3" "/^mean/ { m = \$2 } /^worst/ { w = \$2 }
		END { if (m < mean || w < worst) print m, w }" out >bad &&
	test_must_be_empty bad
}
test_expect_success 'the duel has 98.5 % of what could be hit, and 93 % in each case' '
	at_least 1024 98.5 93
'
test_expect_success 'however rarely scans come' '
	at_least 4096 98.5 93
'

# Of the tenants both get most of what is theirs; of sizes nobody has more than the bound. Without fault signals
# nobody tries arms, which costs gemm (tests/bench/README.md).
test_expect_success 'tenants, moves at scans and sizes: the further tables' '
	"$replay" -f -e 256 -c 512 -l 40000 >further &&
	tail -n 1 further | grep -qE "^further tenants_worst=[0-9.]* at_scans_worst=[0-9.]* sized_" &&
	awk "/^\$/ { table = \"\" }
		table == \"\" { table = \$1; next }
		table == \"tenants\" { rows++; if (\$4 < 90 || \$5 < 90 || \$6 < \$7 - 6) print }
		table == \"moves\" { rows++; if (\$5 < (\$1 == \"gemm\" ? 50 : 75)) print }
		table == \"sizes\" { rows++
			for (i = 3; i <= NF; i++) if (\$i > 100) print
			if (\$1 != \"of\" && (\$3 < 99 || \$4 < 65)) print }
		END { if (rows != 36) print rows, \"rows\" }" further >bad &&
	test_must_be_empty bad
'

test_expect_success 'a trace is read, anything else refused' '
	{
		echo "# gpumem-trace 1"
		for i in 1 2 3; do
			for n in 3f80001 3f80002 3f80003 3f80004; do echo "$i $n t"; done
			echo "$i 0 e"
		done
	} >trace &&
	"$replay" -p -t trace >out && grep -q "^trace  *200" out &&
	echo "4 3f80001 x" >>trace &&
	test_must_fail "$replay" -p -t trace 2>err && grep -q "trace:17" err &&
	echo "# gpumem-trace 2" >trace &&
	test_must_fail "$replay" -p -t trace
'

test_expect_success 'the traces of real runs are read' '
	for trace in sweep shift; do
		"$replay" -p -t "$SRCDIR/tests/bench/traces/$trace.trace" >out &&
		grep -q "^trace  *200" out || return 1
	done
'

test_done
