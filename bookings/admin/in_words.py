"""The day in words: what its templates show. Names only where somebody at the desk needs them."""

from datetime import timedelta

from bookings.admin import columns
from bookings.forms import length_in_words
from bookings.models import Appointment

Status = Appointment.Status


def row_in_words(row, location, *, now):
    return {
        "at": location.hour_in_words(row.at),
        "is_now": row.is_now,
        "cells": [_cell_in_words(cell, location, now=now) for cell in row.cells],
    }


def _cell_in_words(cell, location, *, now):
    piece = cell.piece
    return {
        "kind": piece.kind,
        "rows": cell.rows,
        "schedule": cell.schedule,
        "reason": piece.reason,
        "starts_at": piece.starts_at,
        "from": location.hour_in_words(piece.starts_at),
        "is_over": piece.ends_at <= now or (piece.kind == "free" and piece.starts_at < now),
        "visits": [_visit_in_words(visit, location, now=now) for visit in piece.visits],
    }


def _visit_in_words(visit, location, *, now):
    asked = visit.request
    buffers = visit.occupied != visit.period
    return {
        "visit": visit,
        "asked": asked,
        "from": location.hour_in_words(visit.starts_at),
        "to": location.hour_in_words(visit.ends_at),
        "length": length_in_words(round((visit.ends_at - visit.starts_at).total_seconds() / 60)),
        "taken_until": location.hour_in_words(visit.occupied.upper) if buffers else "",
        "state": _state(visit, location, now=now),
        "is_held": visit.status == Status.PENDING,
        "is_movable": visit.status == Status.BOOKED and visit.starts_at > now,
        "initials": initials(asked.patient_name),
    }


def _state(visit, location, *, now):
    if visit.status == Status.PENDING:
        held_until = location.time_in_words(visit.held_until)
        return f"held until {held_until}, not booked"
    if visit.status == Status.BOOKED and visit.ends_at <= now:
        return "booked, outcome not entered"
    return visit.get_status_display()


def day_in_words(sheet, day, today):
    place, nothing = sheet.location, [[] for _ in sheet.columns]
    return {
        "day": day,
        "words": place.day_in_words(sheet.midnight(day)),
        "is_today": day == today,
        "columns": [
            {"schedule": column.schedule, **_column_in_words(pieces, sheet)}
            for column, pieces in zip(sheet.columns, sheet.pieces(day) or nothing, strict=True)
        ],
    }


def _column_in_words(pieces, sheet):
    place, now = sheet.location, sheet.now
    free = sum(
        (
            piece.ends_at - max(piece.starts_at, now)
            for piece in pieces
            if piece.kind == "free" and piece.ends_at > now
        ),
        timedelta(),
    )
    minutes = int(free.total_seconds() // 60)
    return {
        "visits": [_visit_in_words(visit, place, now=now) for piece in pieces for visit in piece.visits],
        "closed": [
            (piece.reason, place.hour_in_words(piece.starts_at), place.hour_in_words(piece.ends_at))
            for piece in pieces
            if piece.kind == "closed"
        ],
        "free": length_in_words(minutes) if minutes else "",
        "is_shut": all(piece.kind == "shut" for piece in pieces),
    }


def waiting_for(sheet, day):
    """Who waits and could come on the day, the longest first, each with the first time that suits."""
    found = []
    for asked in columns.waiting_at(sheet.location):
        fits = next((pair for pair in sheet.starts_for(asked, day) if columns.suits(asked, pair[0])), None)
        if fits:
            found.append(_waits(asked, *fits))
    return found


def waiting_at(location, schedule, start, *, now):
    """Who waits and could come at this very time into this schedule, the longest first."""
    day = location.local(start).date()
    sheet = columns.Sheet(location, day, 1, now=now)
    return [
        _waits(asked, start, schedule)
        for asked in columns.waiting_at(location)
        if columns.suits(asked, start)
        and any(
            column.schedule == schedule
            and columns.fits_at(asked.visit_type, column, start)
            and asked.visit_type in column.schedule.visit_types.all()
            for column in sheet.columns
        )
    ]


def _waits(asked, start, schedule):
    place = asked.location
    return {
        "asked": asked,
        "since": place.day_in_words(asked.created_at),
        "periods": "; ".join(str(period) for period in asked.periods.all()) or "any day",
        "start": start.isoformat(),
        "at": place.hour_in_words(start),
        "schedule": schedule,
    }


def initials(name: str) -> str:
    """Like “N. T. Á.”: enough for who knows the person, little for who reads it on a wall."""
    return " ".join(f"{part[0]}." for part in name.split())


def told(asked):
    return "The patient will be told by email." if asked.email else f"Phone the patient: {asked.phone}."
