"""Long lists by the page: a page begins after a row that is named, so the last costs what the first does.

Django's own pages count all rows, and pass over all that come before.
"""

import json

from django.contrib import messages
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Q, QuerySet

AFTER, BEFORE = "after", "before"
COUNTED = 1_000  # up to so many rows are counted one by one


class Pages(ChangeList):
    """A list whose pages lead to the next and the one before; `after` and `before` name a row by its key.

    It is in order of one column that the admin's `get_sortable_by` allows, or of the list's own.
    """

    def get_queryset(self, request, exclude_parameters=None):
        for name in (AFTER, BEFORE):  # other links of the page lead to the beginning
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        if order := self._sorted_by(self.params.pop(ORDER_VAR, "")):
            self.params[ORDER_VAR], self.filter_params[ORDER_VAR] = order, [order]
        else:
            self.filter_params.pop(ORDER_VAR, None)
        return super().get_queryset(request, exclude_parameters)

    def _sorted_by(self, text):
        """The first column of `o` if it may be sorted by: like "2" or "-2"."""
        first = text.split(".")[0]
        column = first.removeprefix("-")
        known = column.isdecimal() and len(column) < 3 and int(column) < len(self.list_display)
        allowed = self.list_display if self.sortable_by is None else self.sortable_by
        return first if known and self.list_display[int(column)] in allowed else ""

    def _get_deterministic_ordering(self, ordering):
        """Rows that are equal stand in one direction with the others, as an index has them."""
        ordering = super()._get_deterministic_ordering(ordering)
        return [*ordering[:-1], "pk"] if ordering[-1] == "-pk" and ordering[0][0] != "-" else ordering

    def get_results(self, request):
        keys = [(name.removeprefix("-"), name.startswith("-")) for name in self.queryset.query.order_by]
        back = BEFORE in request.GET
        begins_at = self._values(request, keys, request.GET.get(BEFORE) or request.GET.get(AFTER))
        back = back and begins_at is not None
        if back:
            keys = [(name, not is_down) for name, is_down in keys]
        rows = self.queryset
        if begins_at:
            rows = rows.filter(self._beyond(keys, begins_at))
        rows = list(
            rows.order_by(*(f"-{name}" if down else name for name, down in keys))[: self.list_per_page + 1]
        )
        more, rows = len(rows) > self.list_per_page, rows[: self.list_per_page]
        rows = rows[::-1] if back else rows
        has_before, has_after = (more, True) if back else (begins_at is not None, more)
        self.previous = self.get_query_string({BEFORE: rows[0].pk}) if rows and has_before else None
        self.next = self.get_query_string({AFTER: rows[-1].pk}) if rows and has_after else None
        self.first = self.get_query_string() if begins_at is not None else None
        self.result_list, self.multi_page = rows, bool(self.next or self.first)
        self.how_many, self.result_count = self._how_many(len(rows))
        self.show_full_result_count, self.full_result_count = False, None
        self.show_admin_actions, self.can_show_all, self.paginator = True, False, None
        # Django would add them to the link of each row anew, and find out fifty times whom the link is to.
        self.way_back, self.preserved_filters = self.preserved_filters, ""

    def url_for_result(self, result):
        """Where the row is opened, and what leads from there back to this list as it is filtered."""
        address = super().url_for_result(result)
        return f"{address}?{self.way_back}" if self.way_back else address

    def _values(self, request, keys, key):
        """What the row with this key has in the columns of the order, also where it has left the list."""
        if not key:
            return None
        if key.isdecimal() and len(key) < 18:
            rows = self.root_queryset.filter(pk=key).order_by().prefetch_related(None)
            if values := rows.values_list(*(F(name) for name, _ in keys)).first():
                return values
        messages.warning(request, "That page began at a row that is no longer there. This is the first page.")
        return None

    def _beyond(self, keys, values) -> Q:
        """The rows that come after one with these values; nothing in a column counts as the most."""
        found, same = Q(pk__in=[]), Q()
        for (name, is_down), value in zip(keys, values, strict=True):
            if value is None:
                further = Q(**{f"{name}__isnull": False}) if is_down else Q(pk__in=[])
                same_here = Q(**{f"{name}__isnull": True})
            else:
                further = Q(**{f"{name}__{'lt' if is_down else 'gt'}": value})
                if not is_down and self._may_be_empty(name):
                    further |= Q(**{f"{name}__isnull": True})
                same_here = Q(**{name: value})
            found |= same & further
            same &= same_here
        (name, is_down), value = keys[0], values[0]
        if value is not None and (is_down or not self._may_be_empty(name)):
            # It says nothing new, but an index can begin there.
            found &= Q(**{f"{name}__{'lte' if is_down else 'gte'}": value})
        return found

    def _may_be_empty(self, name):
        try:
            return name != "pk" and self.lookup_opts.get_field(name).null
        except FieldDoesNotExist:
            return True

    def _how_many(self, shown):
        """In words how many rows the list has, and the number that may be acted on at once."""
        if not self.multi_page:
            return in_words(shown, self.opts), shown
        counted = self.queryset.order_by()[: COUNTED + 1].count()
        if counted <= COUNTED:
            return in_words(counted, self.opts), counted
        return about(estimated(self.queryset), self.opts), shown


def in_words(number: int, opts) -> str:
    return f"{number:,} {opts.verbose_name if number == 1 else opts.verbose_name_plural}"


def about(number: int, opts) -> str:
    """An estimate, with one digit that counts: nobody takes it for exact."""
    if number <= COUNTED:
        return f"more than {COUNTED:,} {opts.verbose_name_plural}"
    zeros = 10 ** (len(str(number)) - 1)
    return f"about {in_words(round(number / zeros) * zeros, opts)}"


def estimated(rows: QuerySet) -> int:
    """How many rows Postgres expects, from what it knows of the table without reading it."""
    plan = rows.order_by().prefetch_related(None).explain(format="json")
    return round(json.loads(plan)[0]["Plan"]["Plan Rows"])
