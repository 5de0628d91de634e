"""What a data set is worth before any model sees it: copies, wrong labels, gaps, drift."""
