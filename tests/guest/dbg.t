. "${SRCDIR:?}/tests/guest/lib.sh"
cluster_up "CpuBudget=5%"
conf="--conf /tmp/gpumem.conf"
user sbatch -Q -w n1 -n2 --gpus=1 --mem=1200 --gpu-mem-policy=prefer,limit=80M -o /dev/null \
	--wrap "srun -n1 --overlap filler -m 96 -t 60 -s $JOBS/stop -o $JOBS/w &
		while [ ! -e $JOBS/go ]; do sleep 0.1; done
		srun -n1 --overlap filler -m 48 -t 60 -s $JOBS/stop -o $JOBS/v & wait"
poll 60 sh -c "[ \$(cat /sys/class/kfdsim/dev0/used_pages) -ge 18944 ]"
touch "$JOBS/go"
filled() { [ "$(cat "$JOBS"/v.* 2>/dev/null | tr ' ' '\n' | sed -n 's/^host=//p')" != '' ]; }
poll 30 filled
for i in 1 2 3 4 5 ; do date +%s.%N
gpumem explain $conf --last 12 | grep -v "c[69e]:00"
cat $JOBS/v.*
sleep 1
done
touch $JOBS/stop
