#!/bin/bash
# SPDX-License-Identifier: MIT
# interleave:3/1: the ratio holds while a process grows to 512 MiB, over one device and over two.
. "${SRCDIR:?}/tests/guest/lib.sh"

cluster_up "CpuBudget=10%"
conf="--conf /tmp/gpumem.conf"

# A program that grows by 64 MiB at a time, each when the file says so.
grown() { [ "$(cat "$JOBS/grown" 2>/dev/null)" = "$1" ]; }
# Permille of its memory on devices, as the program itself measures.
share() { awk '{ for (i = 1; i <= NF; i++) { split($i, f, "="); v[f[1]] = f[2] } }
	END { t = v["device"] + v["host"]; print t ? int(v["device"] * 1000 / t + 0.5) : -1 }' "$JOBS/grow"; }
fits() { s=$(share); [ "$s" -ge $((750 - 20)) ] && [ "$s" -le $((750 + 20)) ]; }

for gpus in 1 2; do
	poll 20 idle
	rm -f "$JOBS"/{grow,grown,stop,step}
	user srun -w n1 -n1 --gpus=$gpus --mem=1200 --gpu-mem-policy=interleave:3/1,high=100% \
		load grow -m 512 -t 280 -s "$JOBS/stop" -f "$JOBS/step" -o "$JOBS/grow" >"$JOBS/out" 2>&1 &
	job=$!
	worst=0 slowest=0 late=''
	for ((mib = 64; mib <= 512; mib += 64)); do
		echo $mib >"$JOBS/step.new"
		mv "$JOBS/step.new" "$JOBS/step"
		poll 20 grep -qs "^mib=$mib " "$JOBS/grow" || break
		begin=$(date +%s%N)
		poll 10 fits || late="$late $mib MiB: $(share) permille"
		took=$((($(date +%s%N) - begin) / 1000000))
		[ $took -le $slowest ] || slowest=$took
		# It stays so.
		sleep 0.3
		off=$(($(share) - 750))
		[ ${off#-} -le $worst ] || worst=${off#-}
	done
	echo "# $gpus device(s): at most $worst permille off, back within 2 % after at most $slowest ms"
	is "$gpus device(s): 3/1 holds within 2 % at each of 8 sizes" "" "$late"
	check "$gpus device(s): and stays" '$v1 <= 20' $worst
	is "$gpus device(s): it has grown to 512 MiB" "mib=512" "$(cut -d' ' -f1 "$JOBS/grow")"
	first=$(sim 0) second=$(sim 1)
	if [ $gpus = 2 ]; then
		check "2 devices: each has its half" '100 * $v1 <= 104 * $v2 && 100 * $v2 <= 104 * $v1 && $v1 > 100*MB' \
			"$first" "$second"
	else
		check "1 device: the other one has nothing" '$v1 > 300*MB && $v2 <= MB' "$first" "$second"
	fi
	touch "$JOBS/stop"
	wait $job
	is "$gpus device(s): the job ends well, every word as it was written" 0 $?
done

# Without a ratio all goes to devices, in turn.
poll 20 idle
rm -f "$JOBS"/w.* "$JOBS/stop"
user srun -w n1 -n1 --gpus=2 --mem=1200 --gpu-mem-policy=interleave filler -m 96 -t 240 -s "$JOBS/stop" -o "$JOBS/w" >"$JOBS/out" 2>&1 &
job=$!
halves() { at_least 0 $((44 * MB)) && at_least 1 $((44 * MB)); }
poll 30 halves && ok "interleave alone: half on each device" || not_ok "interleave alone: half on each device" "$(sim 0) $(sim 1)"
touch "$JOBS/stop"
wait $job

cluster_down
finish
