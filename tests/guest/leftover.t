#!/bin/bash
# SPDX-License-Identifier: MIT
# What OnLeftover= does with processes that outlive their job: log names them, drain names them and
# takes the node out of service. The default, kill, is in teardown.t.
. "${SRCDIR:?}/tests/guest/lib.sh"

leave_one() { # starts a job on n1 and kills its slurmstepd, so that its task survives it
	id=$(user sbatch --parsable -w n1 -n1 --gpus=1 --mem=600 -o /dev/null \
		--gpu-mem-policy=prefer,limit=32M --wrap "srun filler -m 48 -t 300")
	poll 60 at_least 0 $((7680 * 4096)) ||
		not_ok "the job is on the device" "$(sim 0)"
	pkill -9 -f "slurmstepd: \[$id\.0\]"
	user scancel "$id"
	poll 60 sh -c "grep -q 'gpumem: job $id left process' $RIG/log/slurmd-n1.log" &&
		ok "$1: the process is named in the log" || not_ok "$1: the process is named in the log"
	poll 40 sh -c "! squeue -h | grep -q ."
}
state() { sinfo -h -n n1 -o %T; }

cluster_up "OnLeftover=log"
leave_one log
is "log: the process is left alone" 1 "$(pgrep -cx filler)"
poll 20 idle && ok "log: the node goes on" || not_ok "log: the node goes on" "$(sinfo -N -o '%N %T %E')"
poll 5 no_state && ok "log: the record is gone all the same" || not_ok "log: the record is gone" "$(ls -d $STATE/*/job-*)"
pkill -9 -x filler
cluster_down

cluster_up "OnLeftover=drain"
leave_one drain
drained() { [[ $(state) == drain* ]]; }
poll 30 drained && ok "drain: the node is drained" || not_ok "drain: the node is drained" "$(state)"
has "drain: the reason says why" "gpumem: job $id left 1 process$" "$(sinfo -h -n n1 -o %E)"
pkill -9 -x filler
poll 5 at_most 0 0
# A drained node is not for the test that follows.
rm -f "$RIG/started-with"
cluster_down
finish
