#!/bin/bash
# SPDX-License-Identifier: MIT
# A job without the option and without a default policy is left alone; a default policy is not.
. "${SRCDIR:?}/tests/guest/lib.sh"

cluster_up
run="srun -w n1 -n1 --gpus=1 --mem=800"
out=$(user $run -Q sh -c 'env | grep -E "GPUMEM_(JOB|PLAN)|LD_PRELOAD|HSA_TOOLS"; cat /proc/self/maps | grep gpumem; ls -d '$STATE'/n1/job-*' 2>/dev/null)
is "no option: nothing preloaded, nothing created" "" "$out"
sim_peak_reset 0
user $run -Q filler -m 64 -t 4 -o "$JOBS/w"
is "no option: nothing moved" 0 "$(sim_peak 0)"
out=$(user $run -Q --gpu-mem-policy=off sh -c 'env | grep -E "GPUMEM_(JOB|PLAN)|LD_PRELOAD"; ls -d '$STATE'/n1/job-*' 2>/dev/null)
is "off: nothing preloaded, nothing created" "" "$out"

# The first policy of an allocation may come with a step.
out=$(user salloc -w n1 -n1 --gpus=1 --mem=800 -Q sh -c "srun ls $STATE/n1 | grep job; srun --gpu-mem-policy=prefer,limit=16M sh -c 'ls -l $STATE/n1/job-*/ledger; ls -l $STATE/n1/job-*/limits'" 2>&1)
has "a step's policy: makes the record, the ledger is the user's" "^-rw------- 1 gpumemtest .*ledger" "$out"
has "a step's policy: the limits are root's" "^-rw-r--r-- 1 root .*limits" "$out"
poll 20 idle
poll 5 no_state && ok "a step's policy: the epilog removes the record" || not_ok "a step's policy: the epilog removes the record" "$(ls -d $STATE/*/job-*)"
cluster_down

cluster_up "DefaultPolicy=prefer,limit=32M"
user $run filler -m 64 -t 240 -s "$JOBS/stop" -o "$JOBS/w" &
job=$!
poll 30 at_least 0 $((7680 * 4096)) && ok "a default policy serves a job without the option" ||
	not_ok "a default policy serves a job without the option" "$(sim 0)"
sleep 1
check "a default policy: its limit holds" '$v1 <= 32*MB' "$(sim 0)"
touch "$JOBS/stop"
wait $job
out=$(user $run -Q --gpu-mem-policy=off env | grep -cE 'GPUMEM_(JOB|PLAN)')
is "a default policy: off leaves the job alone" 0 "$out"
cluster_down
finish
