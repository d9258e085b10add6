"""What the server draws: maps and charts as SVG, with nothing to load and nothing to run."""
