"""The `skillregistry` command, where every other package is put together."""
