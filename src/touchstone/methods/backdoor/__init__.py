"""Backdoors: how attackers plant them, and how a suspect model or training set is compared with honest ones.

Everything here is a pure function of arrays and a generator; parts that need gradients use PyTorch.
"""
