from bookings.admin import clinic, day, trail, worklist

__all__ = ["clinic", "day", "trail", "worklist"]
