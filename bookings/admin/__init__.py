from bookings.admin import clinic, trail, worklist

__all__ = ["clinic", "trail", "worklist"]
