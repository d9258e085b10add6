"""What the weather means: the hazards, as array functions. Knows nothing of people."""
