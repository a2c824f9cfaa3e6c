# Files of lib/policy and their unit tests.
