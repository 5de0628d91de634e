"""What agents do with tools: which calls a policy forbids, calls that break it, and conversations that ask for them."""
