"""How a configuration folder is read: strictly, with a line number for every mistake."""
