# Files of tools.
