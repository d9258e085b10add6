"""The roof: clock, wiring, tick, daemon and command line."""
