"""Tune: what other thresholds would have done in the past, and which of them a person may want."""
