"""Whether a model is still the one it was: from its weights, where they can be read, or from its answers alone."""
