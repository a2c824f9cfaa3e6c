. "${SRCDIR:?}/tests/guest/lib.sh"
cat >/tmp/gpumem.conf <<C
StateDir=/run/gpumem
CpuBudget=5%
C
d0=$(device_pci 0)
chmod 777 /tmp
for k in "sweep load sweep -m 80 -d 60 -t 14" "shift load hot -m 32 -S 4 -t 14"; do
name=${k%% *}
runuser -u gpumemtest -- env PATH=$PATH gpumem record --conf /tmp/gpumem.conf -o /tmp/$name.trace -p prefer,limit=$([ $name = sweep ] && echo 64M || echo 24M) -d $d0 ${k#* }
echo "=== $name"; cat /tmp/$name.trace; echo "=== end"
done
