"""One alert: what it rests on, what became of it, and what can be decided about it."""
