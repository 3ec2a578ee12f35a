"""Who may import whom, and who may write what. The drawing is in the README."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ["clinic_site", "pages", "bookings"]

# Upper lines may import lower ones, never the other way round, and siblings on a line not each other.
LAYERS = {
    "bookings": [
        {"urls", "apps", "management"},
        {"views", "admin", "tasks"},
        {"lifecycle", "outbox"},
        {"questions"},
        {"estimates", "forms", "messages", "reports"},
        {"counting"},
        {"fields", "fullness"},
        {"availability", "charts", "ical", "links", "shield", "trail", "retention"},
        {"intervals", "models"},
    ],
    "pages": [
        {"urls", "apps", "management"},
        {"views", "tools", "admin", "sitemaps", "feeds", "checks", "tasks"},
        {"publishing", "feedback"},
        {"forms", "differences"},
        {"crisis", "markdown", "readability", "search", "structured_data", "whole_guide"},
        {"allowed", "tables"},
        {"tokens"},
        {"clinic_facts", "plots", "people", "inline", "replica", "spelling", "until"},
        {"models"},
    ],
}
STRANGERS = {"bookings": {"pages", "clinic_site"}, "pages": {"bookings", "clinic_site"}, "clinic_site": set()}
WRITERS = ("bookings/lifecycle/", "bookings/messages.py", "bookings/outbox.py", "pages/publishing.py")
SHAPELESS = {"utils", "helpers", "common", "core", "services", "managers", "signals", "constants", "mixins"}


def modules(app):
    return [path for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]


def imports(path):
    """Dotted names that a file imports: `from a import b` gives a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(app, part):
    return next((height for height, parts in enumerate(LAYERS[app]) if part in parts), None)


@pytest.mark.parametrize("app", APPS)
def test_an_app_does_not_import_a_stranger(app):
    met = {(str(path), name) for path in modules(app) for name in imports(path)}

    assert [pair for pair in met if pair[1].split(".")[0] in STRANGERS[app]] == []


@pytest.mark.parametrize("app", LAYERS)
def test_imports_run_downward_only(app):
    upward = []
    for path in modules(app):
        part = path.relative_to(ROOT / app).parts[0].removesuffix(".py")
        if part == "__init__":
            continue
        assert layer(app, part) is not None, f"{path} has no place in the drawing"
        for name in imports(path):
            inner = name.split(".")[1] if name.startswith(f"{app}.") else part
            if inner != part and layer(app, inner) <= layer(app, part):
                upward.append(f"{path.name} imports {name}")

    assert upward == []


def in_a_function(tree):
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [
        inner.lineno
        for function in functions
        for inner in ast.walk(function)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]


def test_imports_stand_at_the_top():
    files = [path for app in APPS for path in modules(app)]

    assert {str(path): lines for path in files if (lines := in_a_function(ast.parse(path.read_text())))} == {}


def writes_of_a_status(tree):
    """Lines that assign to `.status` or `.live`, or hand `status=` or `live=` to an update or a create."""
    written = {"status", "live"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = [part for target in targets for part in ast.walk(target)]
            if any(isinstance(part, ast.Attribute) and part.attr in written for part in parts):
                yield node.lineno
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            writes = node.func.attr in {"update", "create", "update_or_create", "bulk_update", "bulk_create"}
            if writes and any(keyword.arg in written for keyword in node.keywords):
                yield node.lineno


def test_a_status_has_one_writer():
    files = [path for app in APPS for path in modules(app)]
    found = {
        str(path.relative_to(ROOT)) for path in files if list(writes_of_a_status(ast.parse(path.read_text())))
    }

    assert [path for path in found if not path.startswith(WRITERS)] == []
    assert "bookings/lifecycle/transitions.py" in found


def test_no_file_has_a_name_that_says_nothing():
    names = {path.stem for app in APPS for path in modules(app)}

    assert names & SHAPELESS == set()


def test_no_file_is_longer_than_400_lines():
    files = [path for app in [*APPS, "tests"] for path in modules(app)]

    assert [str(path) for path in files if len(path.read_text().splitlines()) > 400] == []
