"""All faults, one after the other, for most of an hour: `uv run python -m tests.faults`."""

import subprocess
import sys

COMMANDS = [
    "database_away",
    "processes_killed",
    "stuck",
    "mail_away",
    "slow_mail",
    "setting_up",
    "hostile",
    "deploying",
    "clock",
    "worker_killed",
    "canary",
    "many_machines",
    "replica",
    "point_in_time",
    "fairness",
]

if __name__ == "__main__":
    ended = {name: subprocess.run([sys.executable, "-m", f"tests.faults.{name}"]) for name in COMMANDS}
    broken = [name for name, process in ended.items() if process.returncode]
    sys.exit(f"BROKEN: {', '.join(broken)}" if broken else 0)
