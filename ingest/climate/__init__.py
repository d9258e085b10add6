"""Daily climate of many years, for baselines: from the ERA5 archive, or from a file of one's own."""

from ingest.climate.era5 import ARCHIVE, Cost, cell_of, cost, fetch_climate
from ingest.climate.series import Climate
from ingest.climate.table import read_climate_csv

__all__ = ["ARCHIVE", "Climate", "Cost", "cell_of", "cost", "fetch_climate", "read_climate_csv"]
