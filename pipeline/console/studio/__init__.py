"""The studio: the past on the map, and what another threshold would have done in it."""
