"""What every kind of source must do. A kind that is registered and not listed here fails."""

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from simulators import firms as satellites
from simulators import open_meteo as simulated
from simulators.firms import FirmsServer
from simulators.open_meteo import OpenMeteoServer
from simulators.small_district import small_district

from ingest.batch import Batch
from ingest.errors import SourceError
from ingest.http import HttpClient
from ingest.quantities import QUANTITIES
from ingest.secret import Secret
from ingest.source import Request, Source, source
from ingest.sources.firms import Firms
from ingest.sources.open_meteo import OpenMeteo
from ingest.sources.recorded import Recorded
from pipeline.configuration.kinds import register_all

register_all()

NOW = datetime(2022, 8, 18, 6, 30, tzinfo=UTC)
KEY = "k-7d41c2"
SECRET = Secret(env="SOURCE_KEY")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """How one kind is made and asked."""

    make: Callable[[Any], Source]
    """The source, speaking to its server (None where it has none)."""
    server: Callable[[], AbstractContextManager[Any]] | None = None
    """Its simulator, with `always`, `url` and `requests`; None where it uses no network."""
    errors: tuple[str, ...] = ()
    """The reasons its documented error bodies give."""
    refuse: Callable[[int, str], simulated.Misbehaviour] = simulated.status
    """How its server gives a reason with a status."""


OPEN_METEO_ERRORS = (
    "Latitude must be in range of -90 to 90°. Given: 123.0.",
    "Data corrupted at path ''. Cannot initialize ForecastVariable from invalid String value foo.",
    "Past days is invalid. Allowed range 0 to 93. Given 120.",
    "Parameter 'start_date' is out of allowed range from 2026-03-30 to 2026-07-16",
    "Both 'start_date' and 'end_date' must be set in the url",
    "No data is available for this location",
    "Only up to 1000 locations can be requested at once",
    "The service is overloaded",
    *simulated.LIMITS.values(),
)

CANDIDATES: dict[str, list[Candidate]] = {
    "firms": [
        Candidate(
            make=lambda server: Firms(base_url=server.url, map_key=SECRET),
            server=lambda: FirmsServer(now=NOW, key=KEY),
            errors=(satellites.BAD_KEY, satellites.BAD_CALL),
            refuse=satellites.status,
        ),
        Candidate(
            make=lambda server: Firms(base_url=server.url, map_key=SECRET, products=("MODIS_NRT",)),
            server=lambda: FirmsServer(now=NOW, key=KEY),
            errors=(satellites.BAD_KEY, satellites.BAD_CALL),
            refuse=satellites.status,
        ),
    ],
    "open_meteo": [
        Candidate(
            make=lambda server: OpenMeteo(base_url=server.url, api_key=SECRET),
            server=lambda: OpenMeteoServer(now=NOW),
            errors=OPEN_METEO_ERRORS,
        ),
        Candidate(
            make=lambda server: OpenMeteo(
                base_url=server.url, api_key=SECRET, mode="archive", quantities=tuple(simulated.UNITS)
            ),
            server=lambda: OpenMeteoServer(now=NOW),
            errors=OPEN_METEO_ERRORS,
        ),
    ],
    "recorded": [
        Candidate(make=lambda _: Recorded(event="heatwave-2022-08")),
        Candidate(make=lambda _: Recorded(event="heatwave-2022-08", forecasts="perfect")),
    ],
}

TABLE = [(kind, candidate) for kind, listed in CANDIDATES.items() for candidate in listed]
NETWORKED = [(kind, candidate) for kind, candidate in TABLE if candidate.server]


class HastyClient(HttpClient):
    """The real client with a short deadline and no pauses, so that a silent server costs no time."""

    def get_json(self, *args: Any, **options: Any) -> object:
        """Ask with the deadline of a test."""
        return super().get_json(*args, **options | {"deadline": timedelta(seconds=0.4)})

    def get_text(self, *args: Any, **options: Any) -> str:
        """The same for a text."""
        return super().get_text(*args, **options | {"deadline": timedelta(seconds=0.4)})


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A source with all it needs to be asked."""

    source: Source
    """The candidate."""
    server: Any
    """Its simulator, or None."""
    http: HttpClient
    """The way out."""
    reasons: tuple[str, ...]
    """Its documented refusals."""
    refuse: Callable[[int, str], simulated.Misbehaviour]
    """How its server tells them."""

    def fetch(self, now: datetime = NOW, since: datetime | None = None) -> list[Batch]:
        """Pull once under the name `pulled`."""
        request = Request(
            now=now, since=since, district=small_district(), http=self.http,
            reveal=lambda secret: KEY, every=timedelta(hours=1),
        )
        return self.source.fetch("pulled", request)


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """The candidate of this test, with its server running."""
    _, candidate = request.param
    with (
        (candidate.server or nullcontext)() as server,
        HastyClient(sleep=lambda seconds: None) as http,
    ):
        made = candidate.make(server)
        yield Bench(
            source=made, server=server, http=http, reasons=candidate.errors, refuse=candidate.refuse
        )


every_kind = pytest.mark.parametrize(
    "bench", TABLE, indirect=True, ids=[f"{kind}{i}" for i, (kind, _) in enumerate(TABLE)]
)
networked_kind = pytest.mark.parametrize(
    "bench", NETWORKED, indirect=True, ids=[f"{kind}{i}" for i, (kind, _) in enumerate(NETWORKED)]
)


def test_every_registered_kind_is_held_to_the_contract():
    """A new kind brings its line in the table of this file."""
    assert set(source.kinds) == set(CANDIDATES)


@pytest.mark.parametrize("kind", source.kinds)
def test_a_kind_is_a_frozen_block_with_a_line_for_each_key(kind: str):
    """Its fields are the keys of its configuration and cannot change after start-up."""
    cls: Any = source[kind]
    assert cls.__dataclass_params__.frozen
    assert all(field.kw_only for field in fields(cls))
    assert cls.__doc__


@every_kind
def test_nothing_comes_from_the_future(bench: Bench):
    """What is told was known by now; only forecasts reach beyond."""
    batches = bench.fetch()
    assert batches
    for batch in batches:
        assert batch.issued_at <= batch.available_at <= NOW
        last = batch.valid_at[-1] <= np.datetime64(NOW.replace(tzinfo=None))
        assert last or batch.kind == "forecast"


@every_kind
def test_every_batch_is_stamped_with_the_name_of_its_block(bench: Bench):
    """Two blocks of one kind stay apart in the archive."""
    assert {batch.source for batch in bench.fetch()} == {"pulled"}


@every_kind
def test_batches_come_oldest_first(bench: Bench):
    """The archive may append them as they come."""
    known = [batch.available_at for batch in bench.fetch()]
    assert known == sorted(known)


@every_kind
def test_hours_are_whole_and_follow_each_other(bench: Bench):
    """Hourly values, each hour once, in order."""
    for batch in bench.fetch():
        assert (np.diff(batch.valid_at) == np.timedelta64(1, "h")).all()


@every_kind
def test_values_are_believable_in_the_unit_of_the_table(bench: Bench):
    """A wrong unit shows as a value outside the bounds; something is always told."""
    for batch in bench.fetch():
        assert batch.places == small_district().place_ids
        for name, values in batch.values.items():
            known = values[np.isfinite(values)]
            assert ((known >= QUANTITIES[name].low) & (known <= QUANTITIES[name].high)).all()
        assert any(np.isfinite(values).any() for values in batch.values.values())


@every_kind
@pytest.mark.parametrize("later", [timedelta(0), timedelta(hours=3)])
def test_a_second_pull_brings_nothing_older(bench: Bench, later: timedelta):
    """What we hold is not told again under an earlier time."""
    newest = bench.fetch()[-1].available_at
    again = bench.fetch(now=NOW + later, since=newest)
    assert all(newest <= batch.available_at <= NOW + later for batch in again)


@every_kind
def test_a_naive_now_is_refused(bench: Bench):
    """A moment without a zone is nobody's moment."""
    with pytest.raises(ValueError, match="no time zone"):
        bench.fetch(now=NOW.replace(tzinfo=None))


def tells_nothing(error: BaseException, caplog: pytest.LogCaptureFixture) -> bool:
    """Whether the secret is in no message, traceback or log record."""
    told = "".join(traceback.format_exception(error)) + repr(error) + caplog.text
    return KEY not in told


@networked_kind
@pytest.mark.parametrize(
    "code", [204, 301, 304, 400, 401, 402, 403, 404, 408, 410, 418, 429, 500, 501, 502, 503, 504, 599]
)
def test_every_status_is_a_source_error_without_secrets(
    bench: Bench, code: int, caplog: pytest.LogCaptureFixture
):
    """Whatever a server answers, the pull job gets its own error, and nobody gets the key."""
    caplog.set_level(logging.DEBUG)
    bench.server.always = simulated.status(code, f"key {KEY}" if code > 399 else None)
    with pytest.raises(SourceError) as caught:
        bench.fetch()
    assert tells_nothing(caught.value, caplog)


@networked_kind
@pytest.mark.parametrize("code", [200, 400, 429, 503])
def test_every_documented_error_body_is_told(
    bench: Bench, code: int, caplog: pytest.LogCaptureFixture
):
    """With whatever status it comes, and also with 200, the reason reaches the operator."""
    caplog.set_level(logging.DEBUG)
    for reason in bench.reasons:
        bench.server.always = bench.refuse(code, reason)
        with pytest.raises(SourceError) as caught:
            bench.fetch()
        assert reason in str(caught.value)
        assert tells_nothing(caught.value, caplog)


MISBEHAVIOURS = {
    "silence": simulated.hang,
    "slow body": simulated.drip(),
    "slow headers": simulated.drip_headers,
    "hangs up": simulated.hang_up,
    "cut off": simulated.cut_off,
    "truncated": simulated.truncated,
    "web page": simulated.body(b"<!DOCTYPE html><title>Login</title>"),
    "empty": simulated.body(b""),
    "nan": simulated.body(b"NaN"),
    "huge": simulated.huge(20_000_001),
    "elsewhere": simulated.redirect(f"http://other.example/?apikey={KEY}"),
}


@networked_kind
@pytest.mark.parametrize("how", MISBEHAVIOURS)
def test_every_misbehaviour_is_a_source_error_without_secrets(
    bench: Bench, how: str, caplog: pytest.LogCaptureFixture
):
    """Slow, cut, foreign or endless: one sentence, in time."""
    caplog.set_level(logging.DEBUG)
    bench.server.always = MISBEHAVIOURS[how]
    with pytest.raises(SourceError) as caught:
        bench.fetch()
    assert tells_nothing(caught.value, caplog)


@networked_kind
def test_a_success_logs_no_secret(bench: Bench, caplog: pytest.LogCaptureFixture):
    """Not even at DEBUG, where the HTTP library would write every URL."""
    caplog.set_level(logging.DEBUG)
    assert bench.fetch()
    assert KEY not in caplog.text


@networked_kind
def test_a_null_is_nan_and_never_calm(bench: Bench):
    """What the server does not know stays unknown."""
    bench.server.known_until = NOW - timedelta(hours=3)
    newest = bench.fetch()[0]
    assert all(np.isnan(values[:, -1]).all() for values in newest.values.values())
