# Files of lib/discover and their unit tests.
