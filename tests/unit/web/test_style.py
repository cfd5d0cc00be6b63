"""What the style sheet keeps to, beside what a browser can be asked."""

import re

from api.web.assets import assets

SHEET = assets()["ordertrail.css"].content.decode()


def test_no_style_locks_the_orientation_of_a_screen() -> None:
    assert "orientation" not in SHEET


def test_colours_are_named_in_one_place() -> None:
    tokens, _, rules = SHEET.partition("*, *::before")

    named = re.findall(r"#[0-9a-f]{3,8}\b|rgb\(", rules)
    assert "light-dark(" in tokens
    assert named == [], "a rule names a colour of its own"
