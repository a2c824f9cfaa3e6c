#!/bin/bash
# SPDX-License-Identifier: MIT
# The main job: two tasks, a device each, 128 MiB each under a limit of 64 MiB, four witnesses.
. "${SRCDIR:?}/tests/guest/lib.sh"

cluster_up
balancing=$(cat /proc/sys/kernel/numa_balancing)
base0=$(sim 0) base1=$(sim 1)
# The high mark is at 60.8 MiB. A huge page fits below it whole or not at all.
least=58
d0=$(device_pci 0) d1=$(device_pci 1)

sim_both() { echo $(($(sim 0) + $(sim 1))); }
maps_of_all() {
	local sum=0 p
	for p in $(fillers); do
		sum=$((sum + $(maps_minus_numa "$p" "$(said "$p" start)" "$(said "$p" end)")))
	done
	echo $sum
}
said_by_all() {
	local sum=0 p
	for p in $(fillers); do sum=$((sum + $(said "$p" device))); done
	echo $sum
}

# The job runs by the command given; every way of asking must give the same.
main_job() { # TITLE COMMAND…
	local title=$1
	shift
	rm -f "$JOBS"/w.* "$JOBS/stop"
	"$@" >"$JOBS/out" 2>&1 &
	local job=$! id='' pids p
	poll 60 sh -c "[ \$(ls $JOBS/w.* 2>/dev/null | grep -cv new) -ge 2 ]" ||
		{ not_ok "$title: both tasks report" "$(cat "$JOBS/out")"; return; }
	local filled
	filled=$(date +%s%N)
	poll 30 at_least 0 $((least * MB))
	poll 30 at_least 1 $((least * MB))
	echo "# $title: both devices over $least MiB $((($(date +%s%N) - filled) / 1000000)) ms after both were filled"
	# Linux 6.1 leaves huge pages that NUMA balancing has marked out of smaps; written to again, they
	# are back, and nothing marks them while the witnesses look.
	echo 0 >/proc/sys/kernel/numa_balancing
	id=$(squeue -h -o %A -u gpumemtest | tail -1)
	at_rest "$id" $((least * MB)) $((least * MB)) || not_ok "$title: the pages come to rest" "$(sim 0) $(sim 1)"
	pids=$(fillers)
	check "$title: the kernel counts $least to 64 MiB on each device" \
		"\$v1 >= $least*MB && \$v1 <= 64*MB && \$v2 >= $least*MB && \$v2 <= 64*MB" "$(sim 0)" "$(sim 1)"
	agrees "$title: gpumem status agrees on the first device" "sim 0" "told $id $d0"
	agrees "$title: and on the second" "sim 1" "told $id $d1"
	agrees "$title: smaps minus numa_maps agree" sim_both maps_of_all
	agrees "$title: mincore and move_pages agree" sim_both said_by_all
	for p in $pids; do
		check "$title: process $p goes on writing" '$v1 > 1' "$(said "$p" rounds)"
	done
	echo "$balancing" >/proc/sys/kernel/numa_balancing
	touch "$JOBS/stop"
	wait $job
	is "$title: the job ends well" 0 $?
	for p in $pids; do is "$title: the pattern of $p is intact" 0 "$(said "$p" errors)"; done
	poll 20 idle && ok "$title: the nodes are idle again" || not_ok "$title: the nodes are idle again" "$(sinfo -N -o '%N %T %E')" "$(squeue)"
	poll 5 no_state && ok "$title: no record is left" || not_ok "$title: no record is left" "$(ls -d $STATE/*/job-*)"
	is "$title: the first device is back at its baseline" "$base0" "$(sim 0)"
	is "$title: the second device is back at its baseline" "$base1" "$(sim 1)"
}

# The other ways of asking come to the same: here the kernel's count is enough.
asked() { # TITLE COMMAND…
	local title=$1 job
	shift
	rm -f "$JOBS"/w.* "$JOBS/stop"
	"$@" >"$JOBS/out" 2>&1 &
	job=$!
	poll 60 at_least 0 $((least * MB)) && poll 30 at_least 1 $((least * MB)) ||
		not_ok "$title: both devices fill" "$(sim 0) $(sim 1)" "$(cat "$JOBS/out")"
	sleep 1
	# An exchange may be between the chunk that left and the one that comes.
	check "$title: the kernel counts $((least - 2)) to 64 MiB on each device" \
		"\$v1 >= ($least-2)*MB && \$v1 <= 64*MB && \$v2 >= ($least-2)*MB && \$v2 <= 64*MB" "$(sim 0)" "$(sim 1)"
	touch "$JOBS/stop"
	wait $job
	is "$title: the job ends well, its patterns intact" 0 $?
	poll 20 idle && ok "$title: the nodes are idle again" || not_ok "$title: the nodes are idle again" "$(sinfo -N -o '%N %T %E')" "$(squeue)"
	poll 5 no_state && ok "$title: no record is left" || not_ok "$title: no record is left" "$(ls -d $STATE/*/job-*)"
	is "$title: both devices are back at their baseline" "$base0 $base1" "$(sim 0) $(sim 1)"
}

policy=prefer,limit=64M
task="filler -m 128 -t 240 -s $JOBS/stop -o $JOBS/w"
main_job "srun" user srun -N1 -w n1 -n2 --gpus-per-task=1 --mem=1200 --gpu-mem-policy=$policy $task

if [ "${1:-}" != short ]; then
	cat >"$JOBS/script" <<-S
	#!/bin/bash
	#SBATCH -N1 -w n1 -n2 --gpus-per-task=1 --mem=1200
	#SBATCH --gpu-mem-policy=$policy
	srun $task
	S
	main_job "#SBATCH" batch "$JOBS/script"
	asked "salloc" user salloc -N1 -w n1 -n2 --gpus-per-task=1 --mem=1200 --gpu-mem-policy=$policy srun $task
	asked "SLURM_GPU_MEM_POLICY" user env SLURM_GPU_MEM_POLICY=$policy srun -N1 -w n1 -n2 --gpus-per-task=1 --mem=1200 $task
	asked "the command line over the variable" user env SLURM_GPU_MEM_POLICY=prefer,limit=8M srun -N1 -w n1 -n2 --gpus-per-task=1 --mem=1200 --gpu-mem-policy=$policy $task
fi
cluster_down
finish
