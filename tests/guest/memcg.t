#!/bin/bash
# SPDX-License-Identifier: MIT
# Device pages stay charged to the job's memory cgroup: a job near its limit is not killed for gpumem's moves.
. "${SRCDIR:?}/tests/guest/lib.sh"

cluster_up
conf="--conf /tmp/gpumem.conf"

# 270 of 300 MiB, 90 of them on the device
rm -f "$JOBS"/w.* "$JOBS/stop"
user srun -w n1 -n1 --gpus=1 --mem=300 --gpu-mem-policy=prefer,limit=96M \
	filler -m 266 -t 240 -s "$JOBS/stop" -o "$JOBS/w" >"$JOBS/out" 2>&1 &
job=$!
poll 60 at_least 0 $((88 * MB))
poll 30 sh -c "ls $JOBS/w.* >/dev/null 2>&1"
pid=$(fillers | head -n 1)
group=$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
while [ -n "$group" ] && [ "$(cat "/sys/fs/cgroup$group/memory.max" 2>/dev/null)" = max ]; do group=${group%/*}; done
max=$(cat "/sys/fs/cgroup$group/memory.max") current=$(cat "/sys/fs/cgroup$group/memory.current")
check "the job is charged for its device pages too" '$v1 >= 260*MB && $v2 <= 310*MB' "$current" "$max"
# A chunk may be on its way.
check "a third of it is on the device" '$v1 >= 86*MB' "$(sim 0)"
id=$(squeue -h -o %A)
for limit in 32M 96M 16M 96M; do
	user gpumem set $conf -j "$id" limit=$limit >/dev/null 2>&1
	sleep 2
done
is "moves to and fro: nobody was killed" 0 "$(sed -n 's/^oom_kill //p' "/sys/fs/cgroup$group/memory.events")"
touch "$JOBS/stop"
wait $job
is "the job ends well" 0 $?
is "its pattern is intact" 0 "$(said "$pid" errors)"

# Nearer still: nothing moves in, and status says why.
poll 20 idle
rm -f "$JOBS"/w.* "$JOBS/stop"
user srun -w n1 -n1 --gpus=1 --mem=300 --gpu-mem-policy=prefer,limit=96M \
	filler -m 286 -t 240 -s "$JOBS/stop" -o "$JOBS/w" >"$JOBS/out" 2>&1 &
job=$!
poll 30 sh -c "gpumem status $conf -n -o NOTES | grep -q memcg"
has "at the edge: status says that the memory cgroup is near its limit" memcg \
	"$(gpumem status $conf -n -o NOTES)"
touch "$JOBS/stop"
wait $job
is "at the edge: the job ends well" 0 $?

cluster_down
finish
