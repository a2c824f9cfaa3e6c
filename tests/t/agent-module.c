/* SPDX-License-Identifier: MIT */
/*
 * agent-module: a library with a thread-local variable that the loader sets up in every thread.
 */
static __thread int answer __attribute__((tls_model("initial-exec"))) = 42;

__attribute__((visibility("default"))) int module_answer(void);
int module_answer(void)
{
	return answer;
}
