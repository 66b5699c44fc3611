# SPDX-License-Identifier: MIT
"""Test Anything Protocol for the checks: one line per case, complaints as comments above it."""

import sys


class Tap:
    def __init__(self):
        self.n_cases = 0
        self.n_failed = 0

    def case(self, name, complaints=()):
        """A case that passes when there are no complaints."""
        for complaint in complaints:
            print("# " + complaint.replace("\n", "\n# "))
        self.n_cases += 1
        self.n_failed += bool(complaints)
        print(f"{'not ok' if complaints else 'ok'} {self.n_cases} - {name}", flush=True)

    def skip(self, name, reason):
        self.n_cases += 1
        print(f"ok {self.n_cases} - {name} # SKIP {reason}", flush=True)

    def finish(self):
        """Prints the plan and ends the program; its exit status is the verdict too."""
        print(f"1..{self.n_cases}", flush=True)
        sys.exit(1 if self.n_failed or not self.n_cases else 0)
