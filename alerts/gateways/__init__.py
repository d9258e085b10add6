"""The wire formats of vendors: signatures, codes and templates that channels share."""
