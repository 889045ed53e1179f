"""The commands, grouped by what they are about; each module has `register(app)`."""
