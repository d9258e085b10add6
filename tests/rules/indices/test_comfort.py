"""Comfort indices: reference vectors, printed examples, validity, and NaN."""

import csv
from pathlib import Path

import numpy as np
import pytest

from rules.indices import comfort

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "data" / "reference_heat"
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(),
    reason=f"data set {REFERENCE.name} is missing: put it into {REFERENCE.parent}",
)
NAN = np.nan
ZERO = 273.15
TWO = (comfort.heat_index, comfort.wbgt, comfort.humidex)
FOUR = (comfort.utci, comfort.wbgt_outdoors)
SUMMER = (35.0, 60.0, 2.0, 40.0)


def cases():
    """Temperature, humidity, wind and mean radiant temperature of the reference cases, in our units."""
    with (REFERENCE / "thermofeel_testcases.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    air, dew, wind, radiant = (
        np.array([float(row[key]) for row in rows]) for key in ("t2m", "td", "va", "mrt")
    )
    pressure = [10.0 ** (7.5 * (t - ZERO) / (237.3 + t - ZERO)) for t in (dew, air)]
    return air - ZERO, 100.0 * pressure[0] / pressure[1], wind, radiant - ZERO


def expected(name):
    """A reference vector in degrees Celsius."""
    return np.loadtxt(REFERENCE / f"thermofeel_{name}.csv") - ZERO


@needs_reference
@pytest.mark.parametrize(
    ("function", "name", "inputs"),
    [
        (comfort.heat_index, "heatindex", 2),
        (comfort.humidex, "humidex", 2),
        (comfort.wbgt_outdoors, "wbgt", 4),
        (comfort.utci, "utci", 4),
    ],
)
def test_the_reference_vectors_come_out(function, name, inputs):
    """To a ten-thousandth of a degree, but for the one calm case the UTCI has no value for."""
    given = cases()
    found, wanted = function(*given[:inputs]), expected(name)
    if function is comfort.utci:
        wanted[given[2] < 0.5] = NAN
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("tas", "hurs", "printed", "within"),
    [
        (29, 50, 29.7, 0.05),
        (25, 25, 25, 0.5),
        (30, 25, 28, 0.5),
        (30, 50, 31, 0.5),
        (35, 25, 34, 0.5),
        (35, 50, 41, 0.5),
        (40, 25, 41, 0.5),
        (40, 50, 55, 0.5),
        (45, 25, 50, 0.5),
        (45, 50, 73, 0.5),
        (35, 60, 45.1, 0.051),
        (40, 40, 48.3, 0.051),
        (38, 50, 48.6, 0.051),
        (32, 70, 40.4, 0.051),
        (20, 90, 20, 1e-9),
        (10, 90, 10, 1e-9),
    ],
)
def test_heat_index_is_as_printed(tas, hurs, printed, within):
    """Examples of pythermalcomfort and xclim; the air temperature where it is not warm."""
    assert comfort.heat_index(tas, hurs) == pytest.approx(printed, abs=within)


@pytest.mark.parametrize(
    ("tas", "hurs", "printed", "within"), [(25, 50, 28.2, 0.1), (30, 60, 39.1, 0.4)]
)
def test_humidex_is_near_what_others_print(tas, hurs, printed, within):
    """The vapour pressure of pythermalcomfort is another one."""
    assert comfort.humidex(tas, hurs) == pytest.approx(printed, abs=within)


@pytest.mark.parametrize(
    ("tas", "dew", "printed"), [(15, 10, 16), (25, 15, 29), (35, 25, 47), (40, 25, 52)]
)
def test_humidex_of_a_dew_point_is_as_printed(tas, dew, printed):
    """Environment Canada's table, by way of the humidity."""
    hurs = 100.0 * 10.0 ** (7.5 * dew / (237.3 + dew) - 7.5 * tas / (237.3 + tas))
    assert round(float(comfort.humidex(tas, hurs))) == printed


def test_wbgt_is_the_simple_formula():
    """0.567 T + 0.393 e + 3.94."""
    vapour = 0.6 * 6.105 * np.exp(17.27 * 35.0 / (237.7 + 35.0))
    assert comfort.wbgt(35.0, 60.0) == pytest.approx(0.567 * 35.0 + 0.393 * vapour + 3.94)


@pytest.mark.parametrize(
    ("tas", "mrt", "wind", "hurs", "printed", "within"),
    [
        (25, 25, 1.0, 50, 24.6, 0.051),
        (40, 25, 1.0, 50, 40.6, 0.2),
        (16, 22, 2 / 3.6, 36, 17.70, 0.01),
        (35, 35, 2.0, 60, 37.4, 0.051),
        (40, 40, 1.0, 40, 41.8, 0.051),
        (38, 60, 1.5, 45, 44.8, 0.051),
        (30, 30, 1.0, 70, 32.3, 0.051),
    ],
)
def test_utci_is_as_printed(tas, mrt, wind, hurs, printed, within):
    """Examples of pythermalcomfort and xclim (whose wind is 2 km/h)."""
    assert comfort.utci(tas, hurs, wind, mrt) == pytest.approx(printed, abs=within)


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ((50.0, 10.0, 2.0, 50.0), (50.1, 10.0, 2.0, 50.0)),
        ((-50.0, 50.0, 2.0, -50.0), (-50.1, 50.0, 2.0, -50.0)),
        ((30.0, 50.0, 0.5, 30.0), (30.0, 50.0, 0.49, 30.0)),
        ((30.0, 50.0, 17.0, 30.0), (30.0, 50.0, 17.1, 30.0)),
        ((30.3, 50.0, 2.0, 100.3), (30.3, 50.0, 2.0, 100.4)),
        ((30.3, 50.0, 2.0, 0.3), (30.3, 50.0, 2.0, 0.2)),
        ((40.0, 67.0, 2.0, 40.0), (40.0, 68.0, 2.0, 40.0)),
    ],
)
def test_utci_has_no_value_outside_its_range(inside, outside):
    """The edge belongs to the range; beyond it nothing is extrapolated."""
    assert np.isfinite(comfort.utci(*inside))
    assert np.isnan(comfort.utci(*outside))


@pytest.mark.parametrize("bad", [NAN, np.inf, -np.inf])
@pytest.mark.parametrize("function", [*TWO, *FOUR])
def test_what_is_missing_stays_missing(function, bad):
    """One bad input makes its own element NaN and leaves the other alone, without a warning."""
    count = 2 if function in TWO else 4
    for place in range(count):
        inputs = [np.array([value, value]) for value in SUMMER[:count]]
        inputs[place][0] = bad
        found = function(*inputs)
        assert np.isnan(found[0])
        assert found[1] == function(*SUMMER[:count])


@pytest.mark.parametrize("function", TWO)
@pytest.mark.parametrize(("hurs", "same_as"), [(104.0, 100.0), (-1.0, NAN)])
def test_humidity_beyond_its_scale(function, hurs, same_as):
    """Above saturation is saturated; below zero is no reading."""
    np.testing.assert_array_equal(function(35.0, hurs), function(35.0, same_as))


@pytest.mark.parametrize("function", TWO)
def test_a_million_elements_of_any_weather_do_not_warn(function):
    """Dry as bone and far below freezing included; the shape comes back."""
    rng = np.random.default_rng(5)
    tas, hurs = rng.uniform(-60, 60, (1000, 1000)), rng.uniform(0, 100, (1000, 1000))
    hurs[0] = 0.0
    found = function(tas, hurs)
    assert found.shape == tas.shape
    assert np.isfinite(found).all()


@pytest.mark.parametrize("function", FOUR)
def test_arguments_broadcast(function):
    """A scalar wind and a grid of temperatures meet; each element is as if alone."""
    tas = np.linspace(20.0, 40.0, 6).reshape(2, 3)
    found = function(tas, 50.0, 2.0, tas + 5.0)
    assert found.shape == (2, 3)
    assert found[1, 2] == function(40.0, 50.0, 2.0, 45.0)


@pytest.mark.parametrize("function", [*TWO, *FOUR])
def test_shapes_that_do_not_fit_are_refused(function):
    """The error names the arguments and their shapes."""
    count = 2 if function in TWO else 4
    with pytest.raises(ValueError, match=r"^tas, hurs.*\(3,\), \(2,\)"):
        function(np.ones(3), np.ones(2), *[1.0] * (count - 2))
