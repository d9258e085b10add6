"""What the weather was, is, and is forecast to be. Knows nothing of hazards."""
