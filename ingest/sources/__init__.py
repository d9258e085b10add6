"""One file for each kind of source; importing this package registers those that ship."""

from ingest.sources.firms import Firms
from ingest.sources.open_meteo import OpenMeteo
from ingest.sources.recorded import Recorded

__all__ = ["Firms", "OpenMeteo", "Recorded"]
