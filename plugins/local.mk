# One line a plugin.
