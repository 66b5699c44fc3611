# SPDX-License-Identifier: MIT
"""The last question of the run."""


def test_every_operation_was_asked(contract):
    assert contract.never_hit() == []
