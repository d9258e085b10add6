"""What to do about it: lifecycle, 1+N routing, delivery. Knows nothing of sources."""
