"""Three towns of Rongchang, enough to tell order, elevation and absence apart."""

from ingest.places import District, Place, Station

TOWNS = (
    Place(id="500153001", name="昌元街道", name_en="Changyuan", lat=29.40499, lon=105.58827, elevation=319.0),
    Place(id="500153101", name="仁义镇", name_en="Renyi", lat=29.50743, lon=105.47827, elevation=402.0),
    Place(id="500153111", name="铜鼓镇", name_en="Tonggu", lat=29.60609, lon=105.46694, elevation=373.0),
)


def small_district(towns: int = 3) -> District:
    """Rongchang with its first `towns` of three towns."""
    station = Station(id="57505", name="荣昌", lat=29.4167, lon=105.5833, elevation=338.0)
    return District(
        code="500153", name="荣昌区", name_en="Rongchang", boundary="boundary.geojson",
        station=station, towns=TOWNS[:towns],
    )
