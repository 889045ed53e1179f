"""What the registry knows and keeps: models, configuration, index, objects, snapshots and search."""
