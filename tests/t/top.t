#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1091,SC2016,SC2034,SC2154
test_description='gpumem top shows jobs live, as plain lines and on a screen with keys'

. "${SRCDIR:?}/tests/t/sample.sh"

top() { gpumem top --state-dir "$state" "$@"; }

# A terminal of 100 columns and 12 lines, with a server of its own.
terminal() { tmux -L "gpumem-test-$$" -f /dev/null "$@"; }
trap 'kill $first $second; terminal kill-server 2>/dev/null' EXIT
# With a shell after it, so that what top leaves behind can be seen.
cat >run <<'EOF'
trap : INT
sh -c 'echo $$ >pid; exec gpumem top --state-dir state "$@"' - "$@"
echo "left with $?"
stty -a | tr " ;" "\n\n" | grep -x -e "-*icanon" -e "-*echo"
exec cat
EOF
session=s0
on_screen() { # COLUMNS LINES COMMAND
	session=s$((${session#s} + 1))
	terminal new-session -d -s "$session" -x "$1" -y "$2" "$3"
}
shows() { # until the screen has a line that matches $1
	for _ in $(seq 100); do
		terminal capture-pane -p -t "$session" >screen
		grep -q -e "$1" screen && return
		sleep 0.1
	done
	cat screen
	return 1
}
if grep -q "HAVE_CURSES 1" "$BUILDDIR/config.h" && command -v tmux >/dev/null; then
	test_set_prereq SCREEN
fi

test_expect_success 'one view: bars with marks, processes by memory' '
	"$sample" make "$state" $second $first &&
	top --batch --views 1 >seen &&
	head -n 1 seen | grep "^gpumem top  ..:..:..  jobs: 1  processes: 2  by memory, every 2.0 s\$" &&
	grep "^0000:c0:00.0 \[#\{30\}  :   |   \] 48.0M of 64.0M, job 7\$" seen &&
	grep "^0000:c1:00.0 \[###  *:   |   \] 4.0M of 64.0M, job 7\$" seen &&
	sed "1,/PID COMMAND/d" seen | plain | cut -d" " -f1-10 >rows &&
	printf "%s\n" "$second sleep 44.0M 200.0M - - - - 79.0 pin" \
		"$first sleep 8.0M 200.0M - - - - 0.0 heat" >expected &&
	test_cmp expected rows &&
	grep "memcg,bandwidth\$" seen
'

test_expect_success 'each order' '
	for order in memory:$second cpu:$first refaults:$second pid:$first; do
		top -b -n 1 -s ${order%:*} | sed "1,/PID COMMAND/d" | plain | head -n 1 >row &&
		grep "^${order#*:} " row || { echo "$order"; return 1; }
	done
'

test_expect_success 'rates are those between two views' '
	{ sleep 0.5; "$sample" grow "$state" 4; } &
	top -b -n 2 -d 1 >seen &&
	wait $! &&
	grep -c "^gpumem top" seen >count && echo 2 >expected && test_cmp expected count &&
	sed "1,/^\$/d" seen | sed "1,/^\$/d" | sed "1,/PID COMMAND/d" | plain | head -n 1 >row &&
	grep -E "^$second sleep 48.0M 200.0M 0B 0B (3.[5-9]|4.0)M 0.0 " row
'

test_expect_success 'over the limit the bar is full' '
	"$sample" grow "$state" 40 &&
	top -b -n 1 | grep -E "^0000:c0:00.0 \[#{32}:###\|###\] 92.0M of 64.0M"
'

test_expect_success 'a name with control characters does nothing to a terminal' '
	name=$(printf "a\033[2Jb") && cp "$(command -v sleep)" "$name" &&
	{ "./$name" 600 & } && third=$! &&
	"$sample" make "$PWD/names" $third &&
	for _ in $(seq 50); do grep -q 2Jb /proc/$third/comm && break; sleep 0.1; done &&
	gpumem top --state-dir "$PWD/names" -b -n 1 >seen; kill $third &&
	grep -F "a?[2Jb" seen
'

test_expect_success 'a pipe is batch; no job is no error; a job that was named must be there' '
	test "$(top -n 2 -d 0.1 </dev/null | grep -c "^gpumem top")" -eq 2 &&
	gpumem top --state-dir "$PWD/nothing" -b -n 1 | grep "no job has a record" &&
	test_expect_code 1 top -b -n 1 --job 8 2>err && grep "job 8 has no record" err
'

test_expect_success 'wrong usage is 2 and says what is allowed' '
	test_expect_code 2 top -d 0 2>err && grep "not 0.1 to 3600" err &&
	test_expect_code 2 top -s name 2>err && grep "allowed: memory, cpu, refaults, pid" err &&
	test_expect_code 2 top -n x 2>err && test_expect_code 2 top extra 2>err
'

test_expect_success 'a signal ends it, and who sent it learns so' '
	{ gpumem top --state-dir "$state" -b -d 60 >seen & } && pid=$! &&
	for _ in $(seq 50); do grep -q "PID COMMAND" seen && break; sleep 0.1; done &&
	kill -TERM $pid &&
	{ wait $pid; test $? -eq 143; }
'

test_expect_success SCREEN 'the screen: sorted, and keys sort again at once' '
	on_screen 100 12 "sh ./run -d 60" &&
	shows "by memory, every 60.0 s" && shows "^ *$second sleep" &&
	terminal send-keys -t $session p && shows "by pid" &&
	sed "1,/PID COMMAND/d" screen | plain | head -n 1 | grep "^$first " &&
	terminal send-keys -t $session m && shows "by memory" &&
	sed "1,/PID COMMAND/d" screen | plain | head -n 1 | grep "^$second " &&
	terminal send-keys -t $session s && shows "by cpu" &&
	terminal send-keys -t $session r && shows "by refaults" &&
	terminal send-keys -t $session - && shows "every 30.0 s" &&
	terminal send-keys -t $session h && shows "sort by memory on the devices" &&
	terminal send-keys -t $session h && shows "PID COMMAND"
'

test_expect_success SCREEN 'it follows the size of the window' '
	terminal resize-window -t $session -x 60 -y 6 && shows "and 2 more" &&
	terminal resize-window -t $session -x 140 -y 20 && shows "memcg,bandwidth" &&
	! grep "more\$" screen
'

test_expect_success SCREEN 'q gives the terminal back as it was' '
	terminal send-keys -t $session q && shows "left with 0" && shows "^icanon" && shows "^echo"
'

test_expect_success SCREEN 'and so do ^C and SIGTERM' '
	for how in "terminal send-keys -t \$session C-c" "kill \$(cat pid)"; do
		on_screen 100 20 "sh ./run" &&
		shows "by memory" &&
		eval "$how" &&
		shows "left with 1[34]" && shows "^icanon" && shows "^echo" || return 1
	done
'

test_expect_success SCREEN 'a terminal of a strange kind is an error' '
	on_screen 100 20 "TERM=none-such sh ./run" &&
	shows "cannot draw on a terminal of the kind .none-such.; see --batch"
'

test_done
