"""Training files as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.errors import FengsuiError

if TYPE_CHECKING:
    import pandas as pd


def read_frame(path: Path, **options: Any) -> pd.DataFrame:
    """A CSV (also gzipped) or Parquet file; FengsuiError where it cannot be read."""
    import pandas as pd

    try:
        return pd.read_csv(path, **options) if ".csv" in path.suffixes else pd.read_parquet(path)
    except ImportError:
        raise FengsuiError(
            f"reading {path} needs pyarrow: install fengsui with the extra ml"
        ) from None
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise FengsuiError(f"{path} cannot be read ({reason}); give a Parquet or CSV file") from error
