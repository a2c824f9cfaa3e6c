#!/bin/sh
# SPDX-License-Identifier: MIT
test_description='gpumem list over saved machines'

sharness=${SHARNESS:-/usr/share/sharness/sharness.sh}
[ -r "$sharness" ] || { echo "1..0 # SKIP sharness is not installed"; exit 0; }
# The scratch folder is made in the build tree, never beside the sources.
SHARNESS_TEST_DIRECTORY=${BUILDDIR:-$(pwd)}/tests/t
HARNESS_ACTIVE=t # the harness keeps the results; leave no files of our own
mkdir -p "$SHARNESS_TEST_DIRECTORY"
cd "$SHARNESS_TEST_DIRECTORY" || exit 1
. "$sharness"

fixtures=$SRCDIR/tests/fixtures

[ ! -e "$BUILDDIR/lib/.libs/gpumem-locality.so" ] || test_set_prereq HWLOC
command -v jq >/dev/null && test_set_prereq JQ

test_expect_success 'the machines are what their generator writes' '
	mkdir made &&
	"$fixtures/make" made &&
	for dir in made/*; do
		diff -r "$dir" "$fixtures/${dir#made/}" || return 1
	done
'

for m in "$fixtures"/*/; do
	m=${m%/}
	m=${m##*/}
	[ "$m" != expected ] || continue
	test_expect_success "$m: as expected" '
		columns=DEVICE,KIND,SIZE,USED,NODE,CPUS,MODEL,KFDID,RENDER,FILE,BANDWIDTH,LATENCY &&
		columns=$columns,LIMITS,EVIDENCE,NOTE &&
		(
			cd "$fixtures" &&
			gpumem list --no-hwloc --root "$m" -o $columns
		) >text 2>err &&
		test_cmp "$fixtures/expected/$m.txt" text &&
		if [ -e "$fixtures/expected/$m.err" ]; then
			sed "s|below .*/|below |" err >err.short &&
			test_cmp "$fixtures/expected/$m.err" err.short
		else
			test_must_be_empty err
		fi &&
		gpumem list --no-hwloc --root "$fixtures/$m" -o $columns -J >json 2>/dev/null &&
		test_cmp "$fixtures/expected/$m.json" json
	'
	[ -e "$fixtures/$m/hwloc.xml" ] || continue
	test_expect_success HWLOC "$m: as expected with hwloc" '
		gpumem list --root "$fixtures/$m" -o $columns >text &&
		test_cmp "$fixtures/expected/$m.hwloc.txt" text &&
		gpumem list --root "$fixtures/$m" -o $columns -J >json &&
		test_cmp "$fixtures/expected/$m.hwloc.json" json
	'
done

test_expect_success JQ 'every JSON output parses' '
	for f in "$fixtures"/expected/*.json; do
		jq -e ".devices | type == \"array\"" "$f" >/dev/null || return 1
	done
'

test_expect_success 'who keeps the limits: the kernel where it counts the device' '
	gpumem list --root "$fixtures/mi250x-dmem" -n -o DEVICE,LIMITS >out &&
	head -n 2 out >two &&
	printf "0000:c1:00.0 dmem\n0000:c6:00.0 dmem\n" >want &&
	test_cmp want two &&
	tail -n 1 out >last &&
	echo "0000:de:00.0 agents" >want &&
	test_cmp want last &&
	gpumem list --root "$fixtures/mi250x-6.12" -n -o LIMITS | sort -u >out &&
	echo agents >want &&
	test_cmp want out &&
	gpumem list --root "$fixtures/mi210" -n -o LIMITS | sort -u >out &&
	echo - >want &&
	test_cmp want out
'

test_expect_success 'managed devices only' '
	gpumem list --root "$fixtures/mi250x-6.12" -m -n -o DEVICE >all &&
	test $(wc -l <all) = 8 &&
	gpumem list --root "$fixtures/mi210" -m -n >none &&
	test_must_be_empty none
'

test_expect_success 'devices that gpumem.conf names' '
	cat >given.conf <<-EOF &&
	Device=0009:01:00.0 Kind=numa Node=1 File=/dev/nvidia3
	Device=000a:01:00.0 Kind=numa Node=2
	Device=000b:01:00.0 Kind=numa Node=1 NodeName=elsewhere-than-here
	EOF
	gpumem list --root "$fixtures/gh200-numa" --conf given.conf -n \
		-o DEVICE,KIND,NODE,FILE,EVIDENCE,NOTE >raw &&
	tr -s " " <raw >out &&
	cat >want <<-EOF &&
	0009:01:00.0 numa 1 /dev/nvidia3 conf:Device,sysfs:cpuless,sysfs:movable -
	000a:01:00.0 none 2 - conf:Device line 2 of gpumem.conf: node 2 has no memory
	EOF
	test_cmp want out &&
	SLURMD_NODENAME=elsewhere-than-here gpumem list --root "$fixtures/gh200-numa" \
		--conf given.conf -n -o DEVICE >out &&
	test $(wc -l <out) = 3 &&
	echo Colour=red >bad.conf &&
	test_expect_code 1 gpumem list --root "$fixtures/gh200-numa" --conf bad.conf 2>err &&
	grep "^gpumem: bad.conf:1: " err &&
	test_expect_code 1 gpumem list --root "$fixtures/gh200-numa" --conf nowhere.conf
'

test_expect_success 'columns: chosen, added, in any case, in the order given' '
	gpumem list --root "$fixtures/gh200-numa" -n -o kind,DEVICE >out &&
	echo "numa 0009:01:00.0" >want &&
	test_cmp want out &&
	gpumem list --root "$fixtures/gh200-numa" -o +used >out &&
	grep "NOTE  *USED$" out
'

test_expect_success 'sizes in bytes' '
	gpumem list --root "$fixtures/gh200-numa" -b -n -o SIZE >out &&
	echo 102005473280 >want &&
	test_cmp want out
'

test_expect_success 'a machine without a GPU: one line on stderr, success' '
	gpumem list --root "$fixtures/pc" >out 2>err &&
	test_must_be_empty out &&
	echo "gpumem: no GPU found below $fixtures/pc" >want &&
	test_cmp want err
'

test_expect_success 'usage errors give 2' '
	test_expect_code 2 gpumem list --nonsense &&
	test_expect_code 2 gpumem list word 2>err &&
	grep "unexpected argument \"word\"" err &&
	test_expect_code 2 gpumem list -o DEVICE,HUE 2>err &&
	grep "no column \"HUE\"" err &&
	test_expect_code 2 gpumem list -o "" &&
	test_expect_code 2 gpumem frobnicate &&
	test_expect_code 2 gpumem
'

test_expect_success 'a root that is not there gives 1' '
	test_expect_code 1 gpumem list --root "$fixtures/nowhere" 2>err &&
	grep "^gpumem: .*nowhere: No such file" err &&
	test_expect_code 1 gpumem list --root "$fixtures/README.md" 2>err &&
	grep "not a directory" err
'

test_expect_success 'help names every column and option, version prints' '
	gpumem list --help >out &&
	for word in --bytes --json --managed --noheadings --output --conf --root --no-hwloc --verbose \
		DEVICE KIND SIZE USED NODE CPUS MODEL KFDID RENDER FILE BANDWIDTH LATENCY \
		LIMITS EVIDENCE NOTE; do
		grep -e "$word" out >/dev/null || return 1
	done &&
	gpumem list -V | grep "^gpumem [0-9]" &&
	gpumem --help | grep " list "
'

test_expect_success 'links do not lead out of the tree' '
	mkdir -p outside/gpus/0009:01:00.0 tree/proc/driver/nvidia &&
	printf "Node: 1\nStatus: online\n" >outside/gpus/0009:01:00.0/numa_status &&
	ln -s "$(pwd)/outside/gpus" tree/proc/driver/nvidia/gpus &&
	gpumem list --root tree >out 2>/dev/null &&
	test_must_be_empty out &&
	mkdir -p "tree$(pwd)" && mv outside "tree$(pwd)/" &&
	gpumem list --root tree -n -o DEVICE >out &&
	grep 0009:01:00.0 out
'

test_done
