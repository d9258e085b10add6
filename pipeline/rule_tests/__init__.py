"""Rule tests: weather in, warnings out, in a notation that an officer reads and writes."""
