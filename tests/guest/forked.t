#!/bin/bash
# SPDX-License-Identifier: MIT
# What a process shares with a child it forked stays shared, though an agent in each of them looks at it.
. "${SRCDIR:?}/tests/guest/lib.sh"

cluster_up
rm -f "$JOBS"/w.* "$JOBS/stop"
user srun -w n1 -n1 --gpus=1 --mem=800 --gpu-mem-policy=prefer,limit=64M \
	filler -m 16 -t 240 -s "$JOBS/stop" -k -o "$JOBS/w" >"$JOBS/out" 2>&1 &
job=$!
forked() { grep -qs role=heir "$JOBS"/w.*; }
poll 60 forked && ok "the parent's memory is on the device, and it forks" ||
	not_ok "the parent's memory is on the device, and it forks" "$(cat "$JOBS"/w.* "$JOBS/out")"
heir=$(sed -n 's/^pid=\([0-9]*\) role=heir.*/\1/p' "$JOBS"/w.[0-9]*)
known() { gpumem status --conf /tmp/gpumem.conf -n -o PID | grep -qw "$heir"; }
poll 30 known && ok "the child has an agent" || not_ok "the child has an agent" "$(gpumem status --conf /tmp/gpumem.conf)"
sleep 6 # for a few looks of both
shared() { # KiB of the child's that the parent has too
	awk -v from="$(said "$heir" start)" -v to="$(said "$heir" end)" '
		/^[0-9a-f]+-[0-9a-f]+ / { split($1, a, "-"); in_it = a[1] >= from && a[2] <= to }
		/^Shared_/ && in_it { s += $2 } END { print s + 0 }' "/proc/$heir/smaps"
}
check "nine tenths of 16 MiB are shared as before" '$v1 >= 9 * 16384 / 10' "$(shared)"
is "the pattern is intact" 0 "$(said "$heir" errors)"
kill -KILL "$(ps -o ppid= "$heir")"
wait $job
poll 20 idle && ok "the node is idle again" || not_ok "the node is idle again" "$(sinfo -N -o '%N %T %E')" "$(squeue)"
is "the device is empty again" 0 "$(sim 0)"
cluster_down
finish
