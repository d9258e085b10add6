"""Drills: the real chain from weather to acknowledgement, for listed participants and nobody else."""
