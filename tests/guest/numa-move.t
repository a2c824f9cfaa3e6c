#!/bin/bash
# SPDX-License-Identifier: MIT
# Pages between system memory and devices that are NUMA nodes, as the library moves them.
. "${SRCDIR:?}/tests/guest/lib.sh"

first=${GPUMEM_VM_FIRST_GPU_NODE:-0}
[ "${GPUMEM_VM_GPU_NODES:-0}" -ge 2 ] || { echo "1..0 # SKIP no nodes of devices (tests/vm/run -g 2)"; exit 0; }

# NUMA balancing would move pages back while they are counted, khugepaged fill the holes.
echo 0 >/proc/sys/kernel/numa_balancing
echo 100000000 >/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs
out=$(numa_move "$first" $((first + 1)) 2>&1)
status=$?
echo "# $(grep -c '^ok' <<<"$out") checks passed"
if [ $status = 0 ] && grep -q '^1\.\.' <<<"$out"; then
	ok "moves between nodes"
else
	not_ok "moves between nodes" "exit status $status" "$(grep -v '^ok' <<<"$out")"
fi
finish
