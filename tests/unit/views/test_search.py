"""Orders are found however somebody types what they look for, and only where it stands in one member."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.views.search import joined, searchable, with_member


def is_found(text: str, *members: str) -> bool:
    return searchable(text) in joined(members)


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ("Ann Li", "ANN"),
        ("Straße 5", "STRASSE"),
        ("STRASSE 5", "straße"),
        ("Jos\u00e9", "Jose\u0301"),
        ("Jose\u0301", "JOS\u00c9"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("\uff21\uff22-\uff11\uff12", "ab-12"),
        ("AB-12", "\uff21\uff22-\uff11\uff12"),
        ("ﬁnch", "FINCH"),
        ("\u212bngström", "ångström"),
        ("ｶﾞ", "ガ"),
        ("Ann\u00a0Li", "ann li"),
        ("№ 5", "no 5"),
        ("\u01c4orđe", "\u01c6orđe"),
    ],
)
def test_capitals_widths_and_compositions_make_no_difference(member: str, text: str) -> None:
    assert is_found(text, "A-1", member)


@pytest.mark.parametrize(("member", "text"), [("Jose", "José"), ("José", "Jose"), ("Ann", "Anne"), ("a%b", "a_b")])
def test_letters_that_differ_do(member: str, text: str) -> None:
    assert not is_found(text, member)


@given(st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8), st.integers(1, 8), st.integers(1, 8))
def test_nothing_is_found_across_two_members(one: str, other: str, end: int, start: int) -> None:
    for between in ("", " ", "\x1f", "\n"):
        text = searchable(one)[-end:] + between + searchable(other)[:start]
        if not any(searchable(text) in searchable(member) for member in (one, other)):
            assert not is_found(text, one, other)


@given(st.text(max_size=20), st.text(max_size=5), st.text(max_size=5))
def test_what_a_member_holds_is_found(text: str, before: str, after: str) -> None:
    # What combines with its neighbours is another character then.
    assert is_found(text, f"{before} {text} {after}") or searchable(f"{before} {text} {after}") != " ".join(
        map(searchable, (before, text, after))
    )


def test_every_character_has_one_form() -> None:
    for character in map(chr, (n for n in range(sys.maxunicode + 1) if not 0xD800 <= n <= 0xDFFF)):
        form = searchable(character)
        assert searchable(form) == form, hex(ord(character))
        assert searchable(character.lower()) == form or character == "\u0130", hex(ord(character))


def test_members_that_there_are_not_leave_no_trace() -> None:
    assert joined(["A-1", None, "", "Ann"]) == joined(["A-1", "Ann"])


def test_a_member_that_is_told_later_is_found_as_the_others_are() -> None:
    assert with_member(joined(["A-1", "Grace"]), "ＰＯ-1") == joined(["A-1", "Grace", "PO-1"])
    assert with_member(joined(["A-1"]), None) == joined(["A-1"])
