"""Attacks along the gradient, for models that are functions of PyTorch tensors.

    model = Differentiable(function)
    outcome = climb_ladder(model, x, y, Ball("linf", 8 / 255, 0.0, 1.0), AUDIT, seed=7, ids=ids)

A sample leaves the batch in the step that breaks it, so an attack costs what its survivors cost. What is found depends
on the seed and the sample's own id, not on its neighbours or the size of the batch. Nothing of the model changes: no
`.grad`, no mode, no state of the global random number generator. Attacks report what they broke; what that means for a
verdict is not decided here.
"""
