"""The commands behind the command line, imported when they are run."""
