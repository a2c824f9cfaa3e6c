#!/bin/bash
# SPDX-License-Identifier: MIT
# bind fails a job that cannot have what it wants, at once, with one line; nothing else fails one.
. "${SRCDIR:?}/tests/guest/lib.sh"

cluster_up
d0=$(device_pci 0)
size=$(gpumem list --conf /tmp/gpumem.conf -n -b -o DEVICE,SIZE | awk -v d="$d0" '$1 == d { print $2 }')
# The kernel has a part of a node of its own.
[ "$KIND" != numa ] || size='[0-9]+'

begin=$SECONDS
user srun -w n1 -n2 --gpus-per-task=1 true
a_job=$((SECONDS - begin))
begin=$SECONDS
out=$(user srun -w n1 -n2 --gpus-per-task=1 --gpu-mem-policy=bind,reserve=1G touch "$JOBS/ran" 2>&1)
is "reserve= above what is free: srun's status" 1 $?
line="gpumem: n1: $d0: reserve=1073741824 bytes wanted, $size bytes free"
is "the line names device, wanted and free bytes, once" 1 "$(grep -cxE "$line" <<<"$out")"
is "nothing else of ours is said" 1 "$(grep -c gpumem: <<<"$out")"
[ ! -e "$JOBS/ran" ] && ok "no task ran" || not_ok "no task ran"
check "at once, as any job of that size" '$v1 <= 2 * $v2 + 5' $((SECONDS - begin)) $a_job
poll 20 idle && ok "the node stays up" || not_ok "the node stays up" "$(sinfo -N -o '%N %T %E')"

batch -w n1 --gpus=1 -o out --gpu-mem-policy=bind,reserve=1G --wrap "touch $JOBS/ran" 2>/dev/null
has "sbatch: the job is FAILED" "JobState=FAILED" "$(scontrol show job "$batch_id")"
is "sbatch: the line is in its output" 1 "$(grep -cxE "$line" "$JOBS/out")"
poll 20 idle && ok "sbatch: the node stays up" || not_ok "sbatch: the node stays up" "$(sinfo -N -o '%N %T %E')"
poll 5 no_state && ok "no record is left" || not_ok "no record is left" "$(ls -d $STATE/*/job-*)"

out=$(user srun -w n1 -n1 --gpu-mem-policy=bind true 2>&1)
is "bind without a GPU: fails" 1 $?
has "bind without a GPU: says why" "gpumem: n1: no GPU is allocated" "$out"
poll 20 idle
out=$(user srun -w n1 -n1 --gpu-mem-policy=prefer true 2>&1)
is "prefer without a GPU: runs" "0 " "$? $out"
out=$(user srun -w n1 -n1 --gpu-mem-policy=prefer,verbose true 2>&1)
has "prefer,verbose without a GPU: one informative line" "^gpumem: n1: no GPU is allocated" "$out"

# What can be had is given.
user srun -w n1 -n1 --gpus=1 --mem=800 --gpu-mem-policy=bind,reserve=128M,limit=128M \
	filler -m 96 -t 240 -s "$JOBS/stop" -o "$JOBS/w" >"$JOBS/out" 2>&1 &
job=$!
poll 60 at_least 0 $((24000 * 4096)) && ok "bind: the data is on the device" ||
	not_ok "bind: the data is on the device" "$(sim 0)" "$(cat "$JOBS/out")"
out=$(user srun --overlap --jobid "$(squeue -h -o %A)" -n1 --gpus=1 --gpu-mem-policy=bind,reserve=200M true 2>&1)
is "what the job itself holds is not free either" 1 $?
has "free bytes are those left by the first step" "$d0: reserve=209715200 bytes wanted, [0-9]+ bytes free" "$out"
touch "$JOBS/stop"
wait $job
is "the first step is not disturbed" 0 $?
cluster_down
finish
