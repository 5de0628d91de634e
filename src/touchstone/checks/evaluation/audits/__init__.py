"""Audits: checks of the assessment itself, from the record of its run. They need neither numpy nor the system."""
