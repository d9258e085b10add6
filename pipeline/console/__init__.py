"""What people reach over HTTP: for now the page behind the acknowledgement link, and the health probe."""
