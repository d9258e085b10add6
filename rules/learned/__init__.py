"""Rules that learned: a calibrated probability from what the archive holds, as array functions.

A learned rule is a metric like any other. It knows nothing of people, files or clocks.
"""
