"""What every test stands on: nothing leaves the machine, and the environment is empty of ours."""

import os
import sys

import pytest
from hypothesis import settings

# Files that take longest begin first: at the end no processor waits for another.
LONGEST = """
    test_daemon_process test_console test_delivery_faults test_faults test_kill test_complaints
    test_learn_heat test_settings test_cli test_incident test_channel_contract test_daemon test_drill
    test_duty_browser test_answering_page test_now_browser test_verify_commands test_docs
    test_sign_in_service test_replay test_report_lessons test_approving test_delivery_machine
    test_learn_slide test_incident_deciding test_release_commands test_studio test_people test_cases
    test_api test_demo test_studio_browser
""".split()
LOOPBACK = ("127.", "::1", "localhost")

# A loaded machine is no failed property.
settings.register_profile("house", deadline=None, max_examples=50)
settings.load_profile("house")


def refuse_the_world(event: str, arguments: tuple[object, ...]) -> None:
    """Audit hook: a connection or look-up beyond loopback fails its test by name."""
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else host
    if isinstance(name, str) and name and not name.startswith(LOOPBACK):
        raise RuntimeError(f"a test reached for {name}; tests speak to 127.0.0.1 only")


sys.addaudithook(refuse_the_world)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every FENGSUI_ variable of the developer's shell away, and any proxy with it."""
    for name in list(os.environ):
        if name.startswith("FENGSUI_") or name.lower() in {"http_proxy", "https_proxy", "all_proxy"}:
            monkeypatch.delenv(name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the random order within files and among the shorter ones."""
    turns = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: turns.get(item.path.stem, len(turns)))
