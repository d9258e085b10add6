"""What one-time links open: the call of one person for one alert, or one release to be approved."""
