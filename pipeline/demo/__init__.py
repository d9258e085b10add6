"""The demonstration: a real event through the real daemon, on a simulated clock."""
