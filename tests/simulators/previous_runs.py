"""Makes the simulator of Open-Meteo tell what was forecast one to seven days before."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from simulators.open_meteo import OpenMeteoServer

_NAME = re.compile(r"(.+)_previous_day([1-7])")


def told(server: OpenMeteoServer, colder: float = 0.1) -> None:
    """Answer ``X_previous_dayN`` with the weather of each hour, less `colder` x N."""

    def answer(handler: Any) -> None:
        asked = [name for text in handler.seen.query["hourly"] for name in text.split(",")]
        plain = list(dict.fromkeys(_NAME.sub(r"\1", name) for name in asked))
        seen = replace(handler.seen, query=handler.seen.query | {"hourly": [",".join(plain)]})
        answers = json.loads(server.answer(seen))
        for place in answers if isinstance(answers, list) else [answers]:
            _rename(place, asked, colder)
        handler.reply(200, json.dumps(answers, ensure_ascii=False).encode())

    server.always = answer


def _rename(place: dict[str, Any], asked: list[str], colder: float) -> None:
    hourly, units = place["hourly"], place["hourly_units"]
    place["hourly"], place["hourly_units"] = {"time": hourly["time"]}, {"time": units["time"]}
    for name in asked:
        plain, day = _NAME.sub(r"\1", name), int(_NAME.sub(r"\2", name))
        values = hourly[plain]
        place["hourly"][name] = [None if one is None else round(one - colder * day, 2) for one in values]
        place["hourly_units"][name] = units[plain]
