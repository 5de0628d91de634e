"""What a supplier puts before a model, each measured against an attacker who knows it is there."""
