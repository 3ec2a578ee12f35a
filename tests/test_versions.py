"""The tree that is tested and the hashed tree that is installed in production are one."""

import re
from importlib.metadata import version

from django.conf import settings


def test_production_installs_what_is_tested():
    pins = re.findall(r"^([\w.-]+)==([\w.+!-]+)", (settings.BASE_DIR / "requirements.txt").read_text(), re.M)

    assert len(pins) > 20
    assert {name: version(name) for name, _ in pins if name != "tzdata"} == {
        name: pinned for name, pinned in pins if name != "tzdata"
    }


def test_every_file_of_a_package_has_its_hash():
    blocks = (settings.BASE_DIR / "requirements.txt").read_text().split("\n\n")[-1]

    for pin in re.findall(r"^[\w.-]+==.*?(?=^\w|\Z)", blocks, re.M | re.S):
        assert "--hash=sha256:" in pin
