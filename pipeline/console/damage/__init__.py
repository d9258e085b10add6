"""灾情: what somebody saw, told from a phone in a minute; it becomes an event of the record."""
