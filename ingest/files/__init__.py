"""Readers of weather kept in files: each gives the batches the weather would have come in.

`read_csv`, `read_netcdf`, `read_zarr`, `read_isd` and `read_ghcn` take a path and a `Plan`, and yield
batches in the order they became known. What a file does not say is not guessed: it is asked for, and what was
drawn from days or long sums carries the flag RECONSTRUCTED.
"""

from ingest.files.ghcn import read_ghcn
from ingest.files.grid import read_netcdf, read_zarr
from ingest.files.isd import read_isd
from ingest.files.names import Column
from ingest.files.plan import EVERYWHERE, Curve, Plan, Prognosis
from ingest.files.table import read_csv

__all__ = ["EVERYWHERE", "Column", "Curve", "Plan", "Prognosis"]
__all__ += ["read_csv", "read_ghcn", "read_isd", "read_netcdf", "read_zarr"]
