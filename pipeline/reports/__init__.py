"""Reports: a replay, a verification or a tuning as one page to show, print and keep."""

from pipeline.reports.writing import write

__all__ = ["write"]
