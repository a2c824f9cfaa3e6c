#!/bin/bash
# SPDX-License-Identifier: MIT
# However a job ends, its device pages are gone, its record is gone and its node is idle.
. "${SRCDIR:?}/tests/guest/lib.sh"

cluster_up
base=$(sim 0)

start() { # leaves a running batch job in $id whose task has its pages on device 0
	rm -f "$JOBS"/w.* "$JOBS"/slurm.out
	id=$(user sbatch --parsable -w n1 -n1 --gpus=1 --mem=600 -o slurm.out --open-mode=append \
		--gpu-mem-policy=prefer,limit=64M --wrap "srun filler -m 96 -t 600 -o $JOBS/w")
	poll 60 at_least 0 $((14800 * 4096))
}

clean() { # TITLE
	poll 40 idle && ok "$1: the node is idle" ||
		not_ok "$1: the node is idle" "$(sinfo -N -o '%N %T %E')" "$(squeue)"
	poll 5 no_state && ok "$1: no record is left" || not_ok "$1: no record is left" "$(ls -d $STATE/*/job-*)"
	is "$1: the device is back at its baseline" "$base" "$(sim 0)"
	is "$1: no process is left" "" "$(pgrep -x filler)"
}

start
check "before: the job is on the device" '$v1 >= 57*MB' "$(sim 0)"
user scancel "$id"
clean scancel

start
pkill -9 -x filler
clean "kill -9 of every task"

# The tasks outlive a slurmstepd that was killed, past Slurm's own epilog.
start
log=$RIG/log/slurmd-n1.log
pkill -9 -f "slurmstepd: \[$id\.0\]"
user scancel "$id"
clean "kill -9 of slurmstepd"
has "kill -9 of slurmstepd: the log names the process left behind" \
	"gpumem: job $id left process [0-9]+ \(filler\) on n1 with [1-9][0-9]* bytes of GPU memory: killing it" "$(cat "$log")"

start
scontrol update JobId="$id" EndTime=now+1
poll 60 sh -c "! squeue -h -j $id 2>/dev/null | grep -q ' R '" || not_ok "the time limit ends the job" "$(squeue)"
clean "time limit"

# "short" ends here.
if [ "${1:-}" = short ]; then
	cluster_down
	finish
fi

# A requeued job comes back under the same id, after the epilog of its first run.
start
scontrol requeue "$id"
idle_but_for_job() { [ "$(sinfo -h -N -o %T | sort -u)" = idle ]; }
clean_requeue() { scontrol show job "$id" | grep -q 'Restarts=1'; }
poll 60 clean_requeue || not_ok "the job is requeued" "$(scontrol show job "$id")"
# The first run's epilog and its extern step are over: the second is not to meet them.
poll 60 idle_but_for_job || not_ok "requeue: the first run is cleaned up" "$(sinfo -N -o '%N %T %E')"
# Slurm waits two minutes from then on, and said before it, "now" is forgotten. Three seconds are not to be cut: slurmd
# looks every two seconds at most for credentials that are no longer valid, and until then takes the prolog of the second
# run for done. When the next second comes between the request for it and that for the script, the script waits a
# minute for the prolog in vain, and the node is drained with "Prolog error" (Slurm 22.05, slurm_cred.c).
sleep 3
again() {
	scontrol update JobId="$id" StartTime=now 2>/dev/null
	scontrol release "$id" 2>/dev/null
	at_least 0 $((14800 * 4096))
}
poll 60 again &&
	ok "requeue: the second run has its pages on the device" ||
	not_ok "requeue: the second run has its pages on the device" "$(scontrol show job "$id")" "$(tail -n 40 "$log")"
user scancel "$id"
clean requeue
cluster_down
finish
