"""Privacy attacks: what the answers of a model give away about the data behind it.

Pure functions over answers and labels. Models, data sets and limits may not enter.
"""
