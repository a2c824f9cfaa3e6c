# Files of lib/ledger and their unit tests.
