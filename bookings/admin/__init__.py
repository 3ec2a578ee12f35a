from bookings.admin import clinic, worklist

__all__ = ["clinic", "worklist"]
