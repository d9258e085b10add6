"""Learning: training data, honest splits, figures of merit, and the trainer of each learned rule."""
