from pages.models.facts import ClinicFact
from pages.models.page import LONGEST_REVIEW, WORDS, Feedback, Page, Revision, Source, Withdrawal
from pages.models.search import KnownWord, Redirect, SearchEntry, Synonym

__all__ = [
    "LONGEST_REVIEW",
    "WORDS",
    "ClinicFact",
    "Feedback",
    "KnownWord",
    "Page",
    "Redirect",
    "Revision",
    "SearchEntry",
    "Source",
    "Synonym",
    "Withdrawal",
]
