from pages.admin import page, revision, source

__all__ = ["page", "revision", "source"]
