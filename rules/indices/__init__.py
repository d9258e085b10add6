"""Published indices as pure array functions: numbers in, numbers out, time on the last axis."""
