#!/bin/bash
# SPDX-License-Identifier: MIT
# A process with ROCr: the agent waits until hsa_init() is done, then uses KFD beside it.
. "${SRCDIR:?}/tests/guest/lib.sh"

ldconfig -p | grep -q libhsa-runtime64.so.1 || { echo "Bail out! libhsa-runtime64-1 is not installed"; exit 1; }
cluster_up
conf="--conf /tmp/gpumem.conf"
user srun -w n1 -n1 --gpus=1 --mem=900 --gpu-mem-policy=prefer,limit=32M rocr 10 >"$JOBS/out" 2>&1 &
job=$!
waiting() { gpumem status $conf -n -o STATE | grep -q waiting-for-rocm; }
poll 40 waiting && ok "before hsa_init: the agent waits" || not_ok "before hsa_init: the agent waits" "$(gpumem status $conf)" "$(cat "$JOBS/out")"
is "before hsa_init: nothing has moved" 0 "$(sim 0)"
poll 40 at_least 0 $((7680 * 4096)) && ok "after hsa_init: the data comes to the device" ||
	not_ok "after hsa_init: the data comes to the device" "$(gpumem status $conf -o +PATH,REASON)" "$(cat "$JOBS/out")"
is "after hsa_init: by an own descriptor of /dev/kfd" kfd "$(gpumem status $conf -n -o PATH | head -1)"
check "after hsa_init: within the limit" '$v1 <= 32*MB' "$(sim 0)"
wait $job
is "the program ends well" 0 $?
has "hsa_init succeeded" "^hsa_init: 0" "$(cat "$JOBS/out")"

# A program that loads ROCr after the agent has opened the device.
poll 20 idle
user srun -w n1 -n1 --gpus=1 --mem=900 --gpu-mem-policy=prefer,limit=32M \
	rocr -l "$BUILDDIR/tests/guest/.libs/rocr_user.so" 6 >"$JOBS/out" 2>&1 &
job=$!
poll 30 at_least 0 $((7680 * 4096))
is "late ROCr: before it, through libhsakmt" hsakmt "$(gpumem status $conf -n -o PATH | head -1)"
by_kfd() { [ "$(gpumem status $conf -n -o PATH | head -1)" = kfd ]; }
poll 30 grep -q hsa_init "$JOBS/out"
gpumem evict $conf && gpumem migrate $conf
poll 10 by_kfd && ok "late ROCr: after it, by an own descriptor" ||
	not_ok "late ROCr: after it, by an own descriptor" "$(gpumem status $conf -o +PATH,REASON)"
wait $job
is "late ROCr: the program ends well" 0 $?
has "late ROCr: hsa_init succeeded" "^hsa_init: 0" "$(cat "$JOBS/out")"

# The same through libhsakmt in a process without ROCr, for comparison.
poll 20 idle
user srun -w n1 -n1 --gpus=1 --mem=900 --gpu-mem-policy=prefer,limit=32M filler -m 48 -t 240 -s "$JOBS/stop" -o "$JOBS/w" &
job=$!
poll 30 at_least 0 $((7680 * 4096))
is "without ROCr: through libhsakmt" hsakmt "$(gpumem status $conf -n -o PATH | head -1)"
touch "$JOBS/stop"
wait $job
poll 20 idle && ok "the nodes are idle" || not_ok "the nodes are idle" "$(sinfo -N -o '%N %T %E')"
cluster_down
finish
