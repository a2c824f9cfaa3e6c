# Files of etc.
