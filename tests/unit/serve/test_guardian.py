"""What the guardian understands."""

from backend.serve.guardian import Orders, follow


def test_guardian_keeps_what_was_not_forgotten_in_order():
    orders = follow(
        ["watch 10 5.0\n", "watch 20 12\n", "watch 30 1\n", "forget 20\n", "forget 99\n"]
    )

    assert list(orders.groups.items()) == [(10, 5.0), (30, 1.0)]


def test_guardian_keeps_final_commands_until_it_is_dismissed():
    final = 'finally ["stop", "a folder"]\n'

    assert follow([final]).commands == [["stop", "a folder"]]
    assert follow([final, "dismiss\n"]) == Orders()
