"""The room NOW: what is happening, what is unknown, who has it, and what to do next."""
