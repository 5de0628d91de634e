"""Joint training of parties that keep their data: what sums of updates give away, and what a few bad parties can do."""
