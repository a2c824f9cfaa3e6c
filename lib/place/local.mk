# Files of lib/place and their unit tests.
