import tomllib
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from pages import publishing
from pages.markdown import Problem
from pages.models import ClinicFact, Page, Redirect, Source, Synonym

STARTER = Path(__file__).resolve().parents[2] / "starter"
FENCE = "+++"


class Command(BaseCommand):
    help = "Bring in the starter pages and their sources. Pages that staff have edited are left alone."

    def add_arguments(self, parser):
        parser.add_argument("--folder", type=Path, default=STARTER)

    def handle(self, *, folder, **options):
        loading = Loading(folder, timezone.now())
        with transaction.atomic():
            loading.load()
            if loading.problems:
                raise CommandError("The starter pages were not loaded.\n" + "\n".join(loading.problems))
        for line in loading.notes:
            self.stdout.write(line)
        if loading.changed:
            self.stdout.write(f"Starter pages loaded: {loading.changed} new or changed.")


@dataclass(frozen=True)
class StarterPage:
    """One file: what the front matter says, the body, and the line where the body starts."""

    file: str
    path: str
    front: dict
    body: str
    first_line: int


class Loading:
    """One run over a folder. `problems` stop it all; `notes` say what was left alone."""

    def __init__(self, folder, now):
        self.folder, self.now = folder, now
        self.problems, self.notes, self.changed = [], [], 0

    def load(self):
        self.load_facts()
        sources = self.load_sources()
        files = [file for file in map(self.read, sorted(self.folder.rglob("*.md"))) if file]
        public = dict(Page.objects.public().values_list("path", "kind"))
        self.kinds = {**public, **{file.path: file.front.get("kind", "") for file in files}}
        # Who approves or moves a page meanwhile waits: it would be written over with what is read here.
        # Locked first and read then, since a row that was waited for is not joined anew.
        list(Page.objects.select_for_update().order_by("pk").values_list("pk"))
        pages = {page.path: page for page in Page.objects.select_related("live", "parent")}
        for moved in Redirect.objects.select_related("page__live", "page__parent"):
            pages.setdefault(moved.old_path, moved.page)
        # Parents first: a shorter path cannot lie below a longer one.
        for file in sorted(files, key=lambda file: len(file.path)):
            self.load_page(file, pages, sources)
        self.load_synonyms()

    def load_synonyms(self):
        """Once, for staff edit the list from then on. A term stands for other words, or leads to a page."""
        file = self.folder / "synonyms.toml"
        if not file.exists() or Synonym.objects.exists():
            return
        pages = Page.objects.in_bulk(field_name="path")
        for term, told in self.parsed(file.name, file.read_text()).items():
            told = told if isinstance(told, dict) else {"means": told}
            page = pages.get(told.get("first", "/").strip("/") or None)
            if "first" in told and not page:
                self.problems.append(f"{file.name}: [{term}] No page has the address {told['first']}.")
            synonym = Synonym(term=term, means=told.get("means", ""), page=page)
            try:
                synonym.full_clean()
            except ValidationError as error:
                self.problems.append(f"{file.name}: [{term}] {' '.join(error.messages)}")
            else:
                synonym.save()

    def load_facts(self):
        """The questions; the answers are the clinic's, and stay."""
        file = self.folder / "facts.toml"
        if not file.exists():
            return
        stored = ClinicFact.objects.in_bulk(field_name="key")
        for position, (key, entry) in enumerate(self.parsed(file.name, file.read_text()).items()):
            fact = stored.get(key) or ClinicFact(key=key)
            told = {"help": "", "is_required": False, **entry, "position": position}
            if fact.pk and all(getattr(fact, name, None) == value for name, value in told.items()):
                continue
            for name, value in told.items():
                setattr(fact, name, value)
            try:
                fact.full_clean()
            except ValidationError as error:
                self.problems.append(f"{file.name}: [{key}] {' '.join(error.messages)}")
            else:
                fact.save()

    def load_sources(self):
        file = self.folder / "sources.toml"
        stored = Source.objects.in_bulk(field_name="key")
        for key, entry in self.parsed(file.name, file.read_text()).items():
            source = stored.get(key) or Source(key=key, is_starter=True)
            if not source.is_starter:
                self.notes.append(f"Left alone, for staff have edited it: source {key}")
                continue
            before = {name: getattr(source, name) for name in entry if hasattr(source, name)}
            if source.pk and before == entry:
                continue
            self.save_source(source, entry, file.name)
            stored[key] = source
        return stored

    def save_source(self, source, entry, file):
        for name, value in entry.items():
            setattr(source, name, value)
        unknown = set(entry) - {field.name for field in Source._meta.fields}
        if unknown:
            self.problems.append(f"{file}: [{source.key}] has no {', '.join(sorted(unknown))}.")
        try:
            source.full_clean()
        except ValidationError as error:
            self.problems.append(f"{file}: [{source.key}] {' '.join(error.messages)}")
        else:
            source.save()

    def read(self, file):
        name = str(file.relative_to(self.folder))
        lines = file.read_text().splitlines()
        if lines[:1] != [FENCE] or FENCE not in lines[1:]:
            self.problems.append(f"{name}:1: The file starts with TOML between two lines of {FENCE}.")
            return None
        end = lines.index(FENCE, 1)
        path = "" if name == "home.md" else name.removesuffix(".md")
        front = self.parsed(name, "\n".join(lines[1:end]))
        start = next((n for n in range(end + 1, len(lines)) if lines[n].strip()), end + 1)
        return StarterPage(name, path, front, "\n".join(lines[start:]), start + 1)

    def parsed(self, name, toml):
        try:
            return tomllib.loads(toml)
        except tomllib.TOMLDecodeError as error:
            self.problems.append(f"{name}: The TOML cannot be read: {error}.")
            return {}

    def load_page(self, file, pages, sources):
        front = dict(file.front)
        try:
            place = {
                "kind": front.pop("kind"),
                "position": front.pop("position", 0),
                "parent": self.parent(file.path, pages),
            }
            checked_on = front.pop("sources_checked_on")
            words = {
                "title": front.pop("title"),
                "caption": front.pop("caption", ""),
                "summary": front.pop("summary"),
                "short_version": "\n".join(front.pop("short_version", [])),
                "change_note": front.pop("change_note"),
                "body": file.body,
            }
        except KeyError as error:
            self.problems.append(f"{file.file}:1: The front matter has no {error.args[0]}.")
            return
        if front:
            self.problems.append(f"{file.file}:1: The front matter has no use for {', '.join(front)}.")
        page = pages.get(file.path) or Page(path=file.path)
        if page.path != file.path:
            self.notes.append(f"Left alone, for staff have moved it: /{file.path}/ is {page} now")
            return
        if page.pk and publishing.is_edited(page):
            self.notes.append(f"Left alone, for staff have edited it: {page}")
            return
        if self.save_place(page, place, file):
            pages[file.path] = page
            self.publish(page, words, checked_on, sources, file)

    def parent(self, path, pages):
        """The nearest page above; the home page is above all and is nobody's parent."""
        while path := path.rpartition("/")[0]:
            if path in pages:
                return pages[path]
        return None

    def save_place(self, page, place, file):
        if page.pk and all(getattr(page, name) == value for name, value in place.items()):
            return True
        for name, value in place.items():
            setattr(page, name, value)
        try:
            page.full_clean()
        except ValidationError as error:
            self.problems.append(f"{file.file}:1: {' '.join(error.messages)}")
            return False
        page.save()
        return True

    def publish(self, page, words, checked_on, sources, file):
        try:
            published = publishing.publish_starter(
                page,
                checked_on=checked_on,
                sources=sources,
                leads_somewhere=self.leads_somewhere,
                now=self.now,
                **words,
            )
        except publishing.Refused as refused:
            self.problems += [located(file, reason) for reason in refused.reasons]
        else:
            self.changed += published is not None

    def leads_somewhere(self, path):
        """Pages of this very run count."""
        return publishing.leads_somewhere(path, self.kinds)


def located(file, reason):
    if isinstance(reason, Problem):
        return f"{file.file}:{file.first_line + reason.line - 1}: {reason.sentence}"
    return f"{file.file}:1: {reason}"
