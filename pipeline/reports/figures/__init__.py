"""Figures: each a pure function that draws plain arrays on the figure it is given."""
