from pages.admin import clinic_facts, feedback, finding, page, revision, source

__all__ = ["clinic_facts", "feedback", "finding", "page", "revision", "source"]
