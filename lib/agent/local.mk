# Files of lib/agent and their unit tests.
