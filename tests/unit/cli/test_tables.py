"""Lists for people."""

from api.cli.terminal.tables import table


def test_columns_are_as_wide_as_what_they_hold() -> None:
    assert table(["A", "LONG"], [["a long cell", "b"], ["", "long"]]).splitlines() == [
        "A            LONG",
        "a long cell  b",
        "-            long",
    ]


def test_wide_characters_keep_columns_straight() -> None:
    assert table(["A", "B"], [["注文", "x"]]).splitlines() == ["A     B", "注文  x"]


def test_a_cell_does_nothing_to_a_terminal_and_is_one_line() -> None:
    assert table(["A"], [["\x1b[2J\nnext"]]).splitlines() == ["A", "\\x1b[2J\\nnext"]
