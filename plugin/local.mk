# Files of plugin.
