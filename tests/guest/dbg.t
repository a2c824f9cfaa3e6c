. "${SRCDIR:?}/tests/guest/lib.sh"
cluster_up "CpuBudget=5%"
conf="--conf /tmp/gpumem.conf"
user srun -w n1 -n4 -O --cpu-bind=none --gpus=1 --mem=1200 --gpu-mem-policy=prefer,limit=80M \
	env GPUMEM_TRACE=$JOBS/tr.%p load hot -m 32 -S 5 -t 21 -o "$JOBS/h" >"$JOBS/out" 2>&1 &
sleep 6
for i in 1 2 3 4 5 6 7; do
sleep 2
gpumem explain $conf --summary 
done
gpumem explain $conf --last 60 -n | awk '{print $5,$6,$7}' | sort | uniq -c
wait
cat "$JOBS"/h.*
for f in $JOBS/tr.*; do echo $f; awk '$3=="e"{printf "%d ms t=%d i=%d o=%d\n", $1/1e6, t,i,o; t=i=o=0} $3=="t"{t++} $3=="i"{i++} $3=="o"{o++}' $f; done
