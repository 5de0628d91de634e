"""Training a model further so that it withstands more, for models that are functions of PyTorch tensors."""
