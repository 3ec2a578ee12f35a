"""The tree that is tested and the hashed tree that is installed in production are one."""

import re
from importlib.metadata import version

from django.conf import settings
from packaging.requirements import Requirement

LINES = re.sub(r"\\\n", " ", (settings.BASE_DIR / "requirements.txt").read_text()).splitlines()
PINS = [line for line in LINES if re.match(r"\w", line)]


def test_production_installs_what_is_tested():
    requirements = [Requirement(pin.partition("--hash")[0]) for pin in PINS]
    pinned = {
        requirement.name: str(requirement.specifier)
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate()
    }

    assert len(pinned) > 20
    assert {name: f"=={version(name)}" for name in pinned} == pinned


def test_every_package_has_its_hash():
    assert [pin for pin in PINS if "--hash=sha256:" not in pin] == []
