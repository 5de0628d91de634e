"""What a pickle would do, found by following its opcodes without doing any of it."""
