"""Verification: what the rules warned of against what happened, and what the warnings asked of officers."""
