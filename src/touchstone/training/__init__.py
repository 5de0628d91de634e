"""Training small networks from scratch: honest references for a system under test, and the models of the zoo.

Needs PyTorch, which is imported only by the modules that train.
"""
