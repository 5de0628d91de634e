"""Whether the data behind a system are what they are said to be, and whether the model gives them away.

Only tests of data sets and of what can be learnt about them live here. How well the model does on them belongs to
`evaluation`.
"""
