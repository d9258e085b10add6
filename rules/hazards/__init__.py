"""The kinds of hazard: one file each, found by being here."""
