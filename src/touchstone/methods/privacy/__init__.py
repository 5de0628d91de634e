"""Privacy: what differential privacy a training run can claim, and finding personal information in texts."""
