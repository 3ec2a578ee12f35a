from pages.admin import feedback, page, revision, source

__all__ = ["feedback", "page", "revision", "source"]
