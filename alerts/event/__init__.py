"""What happens to an alert: how findings open, raise, lower and end it, and what people order."""
