"""The ladders of a plan: values of its keys, as blocks of configuration that are checked like any other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import product
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from alerts.event.conduct import Conduct
from ingest.errors import ConfigMistake, FengsuiError
from pipeline.config import HazardBlock
from pipeline.configuration.check_hazards import check_ladder
from pipeline.configuration.decode import decode_block
from pipeline.configuration.patch import Changes, Edit, patched
from pipeline.configuration.yaml_lines import Document, Trail, read
from pipeline.tune.plan import Plan
from rules.hazard import Hazard, hazard

Values = tuple[object, ...]
"""One value of each key that varies, in the order of the plan."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One ladder that is tried."""

    values: Values
    """One value of each key of the plan; what is in force for the ladder of today."""
    block: HazardBlock
    """The hazard with them."""
    today: bool = False
    """Whether it is what is in force."""


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Makes ladders of the file of a hazard."""

    name: str
    """Name of the hazard block."""
    document: Document
    """Its file."""
    choices: Mapping[Trail, Sequence[object]]
    """The keys that vary -> their values."""
    refused: dict[Values, str] = field(default_factory=dict)
    """Values that make no ladder -> the first sentence why."""

    @classmethod
    def of(cls, plan: Plan, folder: Path) -> Workshop:
        """A workshop for a plan; ConfigMistake where the file has no such key or no mistake-free ladder."""
        return cls(
            name=plan.hazard, document=read(folder / plan.file), choices=plan.choices
        )

    def today(self) -> Candidate:
        """The ladder in force; a key left to its default has the value of the plan that is the same."""
        return Candidate(values=self._now, block=self._present, today=True)

    def make(self, values: Values) -> Candidate | None:
        """The ladder of some values; None where it is impossible, which `refused` then explains."""
        made = self._made(values)
        if isinstance(made, str):
            self.refused[values] = made
            return None
        return Candidate(values=values, block=made)

    def _made(self, values: Values) -> HazardBlock | str:
        """The hazard of some values, or the first sentence why there is none."""
        edits = [
            Edit(file=self.file, trail=trail, value=value)
            for trail, value in zip(self.choices, values, strict=True)
            if value is not None
        ]
        try:
            changed = patched({self.file: self.document}, Changes(edits=tuple(edits), source="plan"))
            return self._quickly(changed[self.file])
        except ConfigMistake as mistake:
            return str(mistake).splitlines()[0]

    def edits(self, values: Values) -> tuple[Edit, ...]:
        """What a file of changes says of values: only what differs from what is in force."""
        return tuple(
            Edit(file=self.file, trail=trail, value=value, former=_at(self.document.data, trail))
            for trail, value, now in zip(self.choices, values, self._now, strict=True)
            if value != now
        )

    @cached_property
    def _now(self) -> Values:
        written = [_at(self.document.data, trail) for trail in self.choices]
        for place, options in enumerate(self.choices.values()):
            if written[place] is None:
                tries = ((*written[:place], option, *written[place + 1 :]) for option in options)
                same = (one for one in tries if self._is_present(one))
                written[place] = next((one[place] for one in same), None)
        return tuple(written)

    def _is_present(self, values: Values) -> bool:
        made = self._made(values)
        return not isinstance(made, str) and made == self._present

    @property
    def file(self) -> str:
        """Name of the file in the folder."""
        return f"hazards/{self.name}.yaml"

    @cached_property
    def _present(self) -> HazardBlock:
        return self._block(self.document)

    @cached_property
    def _decoder(self) -> TypeAdapter[Hazard]:
        # Building a decoder takes ten times as long as using it.
        return TypeAdapter(type(self._present.rule))

    def _quickly(self, document: Document) -> HazardBlock:
        """The hazard where only its rule varies; ConfigMistake in the usual words for an impossible one."""
        present = self._present
        names = {item.name for item in fields(type(present.rule))}  # type: ignore[arg-type]  # a dataclass
        if any(trail[0] not in names for trail in self.choices):
            return self._block(document)
        data = {key: value for key, value in document.data.items() if key in names}
        try:
            rule = self._decoder.validate_json(json.dumps(data), strict=True, extra="forbid")
        except (ValidationError, FengsuiError):
            return self._block(document)
        return replace(present, rule=_checked(rule, document))

    def _block(self, document: Document) -> HazardBlock:
        conduct, rule = decode_block(Conduct, hazard, document)
        return HazardBlock(name=self.name, conduct=conduct, rule=_checked(rule, document))


def _checked(rule: Hazard, document: Document) -> Hazard:
    mistakes = list(check_ladder(rule.ladder, document))
    if mistakes:
        raise ConfigMistake("\n".join(mistakes))
    return rule


def grid(choices: Mapping[Trail, Sequence[object]]) -> Iterator[Values]:
    """Every combination of values, the last key turning fastest."""
    return product(*choices.values())


def _at(data: object, trail: Trail) -> object:
    """The value at a way; None where nothing stands there, so that the default holds."""
    for part in trail:
        if isinstance(data, dict):
            data = data.get(str(part))
        else:
            whole = isinstance(data, list) and isinstance(part, int) and part < len(data)
            data = data[part] if whole else None  # type: ignore[index]  # a list with this item
    return data
