/* SPDX-License-Identifier: MIT */
/*
 * nothing: a program that does nothing, and with an argument one that starts a thread that does
 * nothing: what the kernel and the C library take for that, without an agent.
 */
#include <pthread.h>
#include <unistd.h>

static void *rest(void *unused)
{
	pause();
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	(void)argv;
	if (argc > 1 && pthread_create(&thread, NULL, rest, NULL) != 0)
		return 1;
	return 0;
}
