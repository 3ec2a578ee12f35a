from pages.admin import feedback, finding, page, revision, source

__all__ = ["feedback", "finding", "page", "revision", "source"]
