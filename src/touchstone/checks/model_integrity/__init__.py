"""Whether the model is what it says it is: its files, their origin, what is hidden in its weights.

Only tests of the model artefact itself live here. How the model behaves on data belongs to `evaluation`, how it stands
against attacks in use to `system_resilience`.
"""
