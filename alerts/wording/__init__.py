"""The words of every message, in Chinese and English."""
