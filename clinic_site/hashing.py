"""How passwords are hashed: slow for who has stolen the table, bearable for one small server."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class PasswordHasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane: the least of OWASP's Password Storage Cheat Sheet.

    Django's own 100 MiB for each try let four people who sign in at once take more than the 512 MiB that a
    web server has (`deploy/compose.yaml`). A hash made with other costs is made anew at the next sign-in.
    """

    memory_cost, time_cost, parallelism = 19 * 1024, 2, 1  # KiB, passes, lanes
