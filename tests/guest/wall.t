#!/bin/bash
# SPDX-License-Identifier: MIT
# The kernel's own limit, by its dmem controller: what processes take that gpumem knows nothing of, and that the job's
# own agents live with it. Linux 7.3 alone: ./test.sh guest --kernel 7.3 wall
. "${SRCDIR:?}/tests/guest/lib.sh"

cluster_up
conf="--conf /tmp/gpumem.conf"
d0=$(device_pci 0) d1=$(device_pci 1)
base0=$(sim 0)

# region of device $1 in file $2 of the cgroup $3
dmem() { sed -n "s|^drm/$1/vram ||p" "/sys/fs/cgroup$3/$2"; }
# The cgroup of the job that runs: the folder above its steps.
job_cgroup() {
	local dir
	for dir in /sys/fs/cgroup/system.slice/*/job_*; do [ -d "$dir" ] && echo "${dir#/sys/fs/cgroup}"; done | tail -n 1
}
begin() { rm -f "$JOBS"/w.* "$JOBS/stop"; }
# Everything that the job ends with.
end() { # TITLE
	touch "$JOBS/stop"
	wait "$job"
	is "$1: the job ends well" 0 $?
	poll 20 idle && ok "$1: the nodes are idle again" || not_ok "$1: the nodes are idle again" "$(sinfo -N -o '%N %T %E')"
	is "$1: the device is back at its baseline" "$base0" "$(sim 0)"
}

has "the kernel counts device memory" '(^| )dmem( |$)' "$(cat /sys/fs/cgroup/cgroup.controllers)"
is "gpumem list: the kernel keeps limits" dmem "$(gpumem list --no-hwloc -n -o LIMITS | tr -d ' ' | sort -u)"

# ---- a job as any
begin
user srun -N1 -w n1 -n2 --gpus-per-task=1 --mem=1200 --gpu-mem-policy=prefer,limit=64M \
	filler -m 128 -t 240 -s "$JOBS/stop" -o "$JOBS/w" >"$JOBS/out" 2>&1 &
job=$!
poll 60 at_least 0 $((58 * MB)) && poll 30 at_least 1 $((58 * MB)) ||
	not_ok "both devices fill" "$(sim 0) $(sim 1)" "$(cat "$JOBS/out")"
id=$(squeue -h -o %A)
group=$(job_cgroup)
is "dmem.max of the job's cgroup, first device" $((64 * MB)) "$(dmem "$d0" dmem.max "$group")"
is "and second" $((64 * MB)) "$(dmem "$d1" dmem.max "$group")"
is "gpumem report shows the wall" "$((64 * MB))" \
	"$(gpumem report $conf -j "$id" -b -n -o DEVICE,WALL 2>&1 | awk -v d="$d0" '$1 == d { last = $2 } END { print last }')"
at_rest "$id"
check "the kernel's count for the job is that of its pages" '$v1 >= $v2 && $v1 <= 64*MB' \
	"$(dmem "$d0" dmem.current "$group")" "$(sim 0)"
evicted=$(cat /sys/class/kfdsim/dev0/evicted_bos)
is "no move of an agent was turned down or taken back" "" "$(gpumem status $conf -j "$id" -n -o NOTES | tr -d ' -' | grep .)"

# ---- raised while it runs: what the kernel keeps only root can change
out=$(user gpumem set $conf -j "$id" limit=80M evict=duel 2>&1)
is "set limit=80M by the user: accepted" 0 $?
has "and told that the kernel keeps the old one" "^gpumem: the kernel keeps job $id to 64M of $d0 until its next step begins" "$out"
sleep 3
# An exchange may be between its two halves.
check "the agents stay below it" '$v1 >= 56*MB && $v1 <= 64*MB' "$(sim 0)"
has "and status says why" wall "$(gpumem status $conf -j "$id" -n -o NOTES)"
is "the kernel never had to throw anything out" "$evicted" "$(cat /sys/class/kfdsim/dev0/evicted_bos)"
out=$(gpumem set $conf -j "$id" limit=80M 2>&1)
is "set limit=80M by root: accepted, without a word" "0 " "$? $out"
is "the kernel's limit is raised" $((80 * MB)) "$(dmem "$d0" dmem.max "$group")"
poll 20 at_least 0 $((72 * MB))
check "the job uses it" '$v1 >= 72*MB && $v1 <= 80*MB' "$(sim 0)"
for pid in $(fillers); do is "the pattern of $pid is intact" 0 "$(said "$pid" errors)"; done
end "a job as any"

# ---- processes that gpumem has no part in: no agent is loaded
for kind in pages buffers; do
	begin
	sim_peak_reset 0
	user srun -N1 -w n1 -n1 --gpus=1 --mem=1200 --gpu-mem-policy=prefer,limit=64M \
		env -u LD_PRELOAD vram $kind 128 "$JOBS/stop" 60 >"$JOBS/out" 2>&1 &
	job=$!
	poll 60 grep -q . "$JOBS/out"
	group=$(job_cgroup)
	if [ $kind = pages ]; then
		check "pages moved without gpumem: never more than the limit, and the last ones there" \
			'$v1 <= 64*MB && $v2 >= 60*MB' "$(sim_peak 0)" "$(sim 0)"
	else
		is "buffers: the kernel gives what the limit leaves" 64 "$(cat "$JOBS/out")"
	fi
	is "$kind: the kernel's count is at the limit" $((64 * MB)) "$(dmem "$d0" dmem.current "$group")"
	end "$kind"
done

# ---- the limit is raised: the next step has the higher wall
begin
cat >"$JOBS/script" <<-S
#!/bin/bash
srun true
gpumem set $conf -j \$SLURM_JOB_ID limit=96M
srun touch $JOBS/w.raised
until [ -e $JOBS/stop ]; do sleep 0.2; done
S
batch -N1 -w n1 -n1 --gpus=1 --mem=1200 --gpu-mem-policy=prefer,limit=64M "$JOBS/script" &
job=$!
poll 60 test -e "$JOBS/w.raised"
is "gpumem set limit=96M: the wall of the next step" $((96 * MB)) "$(dmem "$d0" dmem.max "$(job_cgroup)")"
end "raised"

# ---- HardLimit=no leaves the kernel out of it
cluster_down
cluster_up HardLimit=no
begin
user srun -N1 -w n1 -n1 --gpus=1 --mem=1200 --gpu-mem-policy=prefer,limit=64M \
	env -u LD_PRELOAD vram buffers 128 "$JOBS/stop" 60 >"$JOBS/out" 2>&1 &
job=$!
poll 60 grep -q . "$JOBS/out"
is "HardLimit=no: the kernel gives all that is asked for" 128 "$(cat "$JOBS/out")"
end "HardLimit=no"
cluster_down
finish
