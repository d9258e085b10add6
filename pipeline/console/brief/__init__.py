"""The handover brief: one printable page for whoever takes over."""
