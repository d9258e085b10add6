"""What the hazards of a block have in common: found once, kept with the block, gone with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
import xarray as xr

_P = ParamSpec("_P")
_T = TypeVar("_T")
_KEEPER = "found_once"


@xr.register_dataset_accessor(_KEEPER)  # type: ignore[no-untyped-call]  # xarray gives it no types
class _Kept:
    """What was found of one block; copies and cuts of the block begin with nothing."""

    def __init__(self, block: xr.Dataset) -> None:
        # The block is not kept: with a circle of references its arrays would wait for the collector.
        self.found: dict[tuple[object, ...], Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"found": {}}


def once(find: Callable[Concatenate[xr.Dataset, _P], _T]) -> Callable[Concatenate[xr.Dataset, _P], _T]:
    """Decorate a function of a block and of hashable arguments: it runs once for each block and arguments.

    Everyone is given the same answer, so nobody may write into it; nor may a block be written into once
    a hazard has judged it.
    """

    @wraps(find)
    def asked(block: xr.Dataset, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        found = getattr(block, _KEEPER).found
        key = (find, *args, *kwargs.items())
        if key not in found:
            found[key] = find(block, *args, **kwargs)
        answer: _T = found[key]
        return answer

    return asked


@once
def values_of(block: xr.Dataset, name: str) -> npt.NDArray[Any]:
    """Values of a quantity, of its flags or of a coordinate such as ``as_of``, as they lie in the block."""
    return np.asarray(block.variables[name].values)
