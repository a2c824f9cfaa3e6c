#!/bin/bash
# SPDX-License-Identifier: MIT
# What is hot stays: four processes whose halves are in use in turn, under one limit; a process that comes
# late; a sweep that fits nowhere.
. "${SRCDIR:?}/tests/guest/lib.sh"

# Emulated, a look at a page takes ten times what it does on a real machine.
cluster_up "CpuBudget=10%"
d0=$(device_pci 0)
conf="--conf /tmp/gpumem.conf"

out=$(GPUMEM_TEST_SOFT_DIRTY=1 "$BUILDDIR/tests/unit/test_signals" 2>&1)
is "soft-dirty and referenced bits as this kernel has them" 0 $?
grep -v '^ok\|^1\.\.' <<<"$out" | sed 's/^/# /'

# ---- 4 x 16 MiB are hot, 64 of the 76 that the high mark leaves
rm -f "$JOBS"/h.*
sim_peak_reset 0
user srun -w n1 -n4 -O --cpu-bind=none --gpus=1 --mem=1200 --gpu-mem-policy=prefer,limit=80M \
	load hot -m 32 -S 5 -t 26 -o "$JOBS/h" >"$JOBS/out" 2>&1 &
job=$!
sleep 18
gpumem explain $conf --summary 2>/dev/null | sed 's/^/# /'
wait $job
is "hot halves: the job ends well, every word as it was written" 0 $?
sed 's/^/# /' "$JOBS/out"
read -r device touched < <(cat "$JOBS"/h.* | tr '= ' '  ' | awk '{ d += $2; t += $4 } END { print d, t }')
check "hot halves: at least 95 % of what was touched was on the device" \
	'$v2 > 1000 && 100 * $v1 >= 95 * $v2' "$device" "$touched"
check "hot halves: the limit was never passed" '$v1 <= 80*MB + SLACK' "$(sim_peak 0)"

# ---- who comes late gets its share from the borrowers
poll 20 idle
rm -f "$JOBS"/{w,v}.* "$JOBS/stop"
user sbatch -Q -w n1 -n2 --gpus=1 --mem=1200 --gpu-mem-policy=prefer,limit=80M -o /dev/null \
	--wrap "srun -n1 --overlap filler -m 96 -t 240 -s $JOBS/stop -o $JOBS/w &
		while [ ! -e $JOBS/go ]; do sleep 0.1; done
		srun -n1 --overlap filler -m 48 -t 240 -s $JOBS/stop -o $JOBS/v & wait"
poll 60 at_least 0 $((18944 * 4096))
touch "$JOBS/go"
has_share() { [ "$(cat "$JOBS"/v.* 2>/dev/null | tr ' ' '\n' | sed -n 's/^device=//p')" -ge $((36 * MB)) ] 2>/dev/null; }
filled() { [ "$(cat "$JOBS"/v.* 2>/dev/null | tr ' ' '\n' | sed -n 's/^host=//p')" != '' ]; }
poll 30 filled
begin=$(date +%s%N)
poll 15 has_share
took=$((($(date +%s%N) - begin) / 1000000))
echo "# late process: its share after $took ms"
check "late process: 36 of 38 MiB within 2 s of being filled" '$v1 <= 2000' $took
check "late process: the limit holds" '$v1 <= 80*MB' "$(sim 0)"
touch "$JOBS/stop"
poll 20 idle
has "late process: the borrower's words are right" 'errors=0 ' "$(cat "$JOBS"/w.*)"
has "late process: and its own" 'errors=0 ' "$(cat "$JOBS"/v.*)"

# "short" ends here.
if [ "${1:-}" = short ]; then
	cluster_down
	finish
fi

# ---- 80 MiB in a circle through 64, slow enough for an emulated agent to see each touch
sweep() { # ORDER: prints the bytes that moved, and those wanted back soon after they left
	poll 20 idle
	rm -f "$JOBS"/s.* "$JOBS/stop"
	user srun -w n1 -n1 --gpus=1 --mem=1200 "--gpu-mem-policy=prefer,limit=64M,high=100%,low=97%,evict=$1" \
		load sweep -m 80 -d 150 -t 240 -s "$JOBS/stop" -o "$JOBS/s" >"$JOBS/out" 2>&1 &
	local job=$! before after refaulted
	poll 60 at_least 0 $((14000 * 4096))
	sleep 9 # one and a half times round, for the policy to see what it is
	before=$(moved 0)
	sleep 12
	after=$(moved 0)
	refaulted=$(gpumem report $conf -b -n -o DEVICE,REFAULTED "$(squeue -h -o %A)" |
		awk -v d="$d0" '$1 == d { last = $2 } END { print last }') # jobs of earlier clusters had the number too
	gpumem explain $conf | awk '/ORDER/ { n = 2 } n-- > 0' | sed 's/^/# /' >&2
	touch "$JOBS/stop"
	wait $job || echo "# $1 ended with $?" >&2
	echo $((after - before)) "$refaulted"
}
read -r lrf refaulted < <(sweep lrf)
read -r duel _ < <(sweep duel)
touches=$((12000 / 155))
echo "# sweep: in about $touches touches lrf moved $((lrf / MB)) MiB, duel $((duel / MB)) MiB"
check "sweep: lrf moves on nearly every touch" '$v1 >= $v2 * 2*MB / 2' "$lrf" "$touches"
check "sweep: by lrf memory is wanted back soon after it left" '$v1 > 0' "$refaulted"
check "sweep: the default moves at most an eighth of it" '$v1 >= 8 * $v2' "$lrf" "$duel"
poll 20 idle

cluster_down
finish
