"""Filling the archive with the past: checked, month by month, and never a second copy of the same."""
