#!/bin/sh
# SPDX-License-Identifier: MIT
# Dumps of real machines are not part of the product; GPUMEM_SHARED_FIXTURES says where they are.
test_description='gpumem list over dumps of real machines, when they are at hand'

shared=${GPUMEM_SHARED_FIXTURES:-$SRCDIR/../shared/fixtures}
[ -d "$shared/kfd" ] || { echo "1..0 # SKIP no dumps at hand"; exit 0; }
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

# Columns keep the width of their headings; the tests do not.
list() { gpumem list --root "$@" >raw && tr -s " " <raw; }

test_expect_success 'real POWER9 + V100' '
	tar xf "$shared/hwloc-linux/nvidiagpunumanodes.tar.bz2" &&
	list nvidiagpunumanodes -n -o DEVICE,KIND,SIZE,NODE,CPUS >out &&
	cat >want <<-EOF &&
	0004:05:00.0 numa 15.0G 255 0-15
	0004:06:00.0 numa 15.0G 254 0-15
	0006:00:00.0 numa 15.0G 253 0-15
	0007:00:00.0 numa 15.0G 252 88-103
	0035:04:00.0 numa 15.0G 251 88-103
	0035:05:00.0 numa 15.0G 250 88-103
	EOF
	test_cmp want out
'

test_expect_success 'real MI210 with XGMI between cards: none' '
	mkdir -p mi210/sys/class/kfd/kfd &&
	tar xf "$shared/kfd/topo-mi210-xgmi-pcie.tar.xz" -C mi210/sys/class/kfd/kfd &&
	mv mi210/sys/class/kfd/kfd/topo-mi210-xgmi-pcie mi210/sys/class/kfd/kfd/topology &&
	list mi210 -n -o KIND,NOTE >out &&
	test $(grep -c "^none not coherent: PCIe link, capability bit 28 clear$" out) = 8 &&
	test $(wc -l <out) = 8
'

test_expect_success 'real Vega10 of 2018: none' '
	mkdir -p vega/sys/class/kfd/kfd &&
	tar xf "$shared/kfd/topology-parsing.tar.xz" &&
	mv topology-parsing/topology vega/sys/class/kfd/kfd/ &&
	list vega -n -o KIND,RENDER,NOTE >out &&
	test $(grep -c "^none .* not coherent" out) = $(wc -l <out) &&
	test -s out
'

for m in fakeheteromemtiers fakememinitiators-1np2c+1npp+gi 64intel64-fakeKNL-SNC4-hybrid \
	offline-cpu0-node0; do
	test_expect_success "$m: fast or CPU-less memory, but no GPU" '
		tar xf "$shared/hwloc-linux/$m.tar.bz2" &&
		list "$(tar tf "$shared/hwloc-linux/$m.tar.bz2" | head -1 | cut -d/ -f1)" -m >out &&
		test_must_be_empty out
	'
done

test_expect_success HWLOC 'real hwloc export of an EX235a: same CPUs as the derived one' '
	cp -r "$fixtures/mi250x-6.12" tioga && chmod -R u+w tioga &&
	cp "$shared/hwloc-xml/mpibind-eas-tioga.xml" tioga/hwloc.xml &&
	list tioga -n -o DEVICE,NODE,CPUS >real &&
	list "$fixtures/mi250x-6.12" -n -o DEVICE,NODE,CPUS >derived &&
	test_cmp derived real
'

test_expect_success HWLOC 'real hwloc export of an EX255a: read bandwidth and latency' '
	cp -r "$fixtures/mi300a" tuo && chmod -R u+w tuo &&
	rm -r tuo/sys/devices/system/node/*/access* &&
	list tuo -n -o BANDWIDTH,LATENCY >out && ! grep "[0-9]" out &&
	cp "$shared/hwloc-xml/flux-tuo.SPX.xml" tuo/hwloc.xml &&
	list tuo -n -o DEVICE,NODE,BANDWIDTH,LATENCY >out &&
	cat >want <<-EOF &&
	0000:02:00.0 0 5451776 182
	0001:02:00.0 1 5451776 182
	0002:02:00.0 2 5451776 182
	0003:02:00.0 3 5451776 182
	EOF
	test_cmp want out
'

test_expect_success HWLOC 'an hwloc export of another format is passed over' '
	cp "$shared/hwloc-xml/hwloc-64intel64-heteromem.v3.xml" tuo/hwloc.xml &&
	list tuo -n -o DEVICE >out &&
	test $(wc -l <out) = 4
'

test_done
