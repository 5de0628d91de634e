"""What can be computed of a system in operation: alerts that answer events, chains of digests, ways in a network."""
