"""Replay: the past through today's rules, by the very same judging and routing as the daemon."""
