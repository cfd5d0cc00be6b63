"""Pages that were rendered once: shown as long as they are of the same edition, and forgotten with what was erased."""

from application.views.known import KnownEntries, RenderedEntry
from application.views.pages import ENTRY_BYTES, MAX_PAGES, Entries, ListKey, PageKey, Pages
from application.views.queries import Edition
from domain.values import TenantName
from tests.builders import ACME

LOG = PageKey(ACME, b"/log", b"")
OTHER = PageKey(TenantName("globex"), b"/log", b"")


def test_a_page_is_found_as_long_as_its_edition_is_the_same() -> None:
    pages = Pages()

    pages.keep(LOG, Edition(0, 7), b"page")

    assert pages.find(LOG, Edition(0, 7)) == b"page"
    assert pages.find(LOG, Edition(0, 8)) is None
    assert pages.find(LOG, Edition(1, 7)) is None


def test_pages_differ_by_tenant_path_and_query() -> None:
    pages = Pages()

    pages.keep(LOG, Edition(0, 7), b"page")

    for place in (OTHER, LOG._replace(path=b"/other"), LOG._replace(query=b"limit=1")):
        assert pages.find(place, Edition(0, 7)) is None


def test_a_new_page_takes_the_place_of_the_old_one() -> None:
    pages = Pages()
    pages.keep(LOG, Edition(0, 7), b"old")

    pages.keep(LOG, Edition(0, 8), b"new")

    assert pages.find(LOG, Edition(0, 7)) is None
    assert pages.find(LOG, Edition(0, 8)) == b"new"


def test_what_was_not_asked_for_longest_goes_first() -> None:
    pages = Pages(max_bytes=25)
    first, second, third = (LOG._replace(path=path) for path in (b"/1", b"/2", b"/3"))
    pages.keep(first, Edition(0, 1), b"0123456789")
    pages.keep(second, Edition(0, 1), b"0123456789")
    pages.find(first, Edition(0, 1))

    pages.keep(third, Edition(0, 1), b"0123456789")

    assert pages.find(second, Edition(0, 1)) is None
    assert pages.find(first, Edition(0, 1)) == pages.find(third, Edition(0, 1)) == b"0123456789"


def test_a_page_that_is_too_large_is_not_kept() -> None:
    pages = Pages()

    pages.keep(LOG, Edition(0, 1), b"x" * (2**20 + 1))

    assert pages.find(LOG, Edition(0, 1)) is None


def test_when_something_was_erased_every_page_of_the_tenant_from_before_is_dropped() -> None:
    pages = Pages()
    another = LOG._replace(path=b"/another")
    for place in (LOG, another, OTHER):
        pages.keep(place, Edition(0, 7), b"page")

    assert pages.find(another, Edition(1, 9)) is None

    assert pages.find(LOG, Edition(0, 7)) is None
    assert pages.find(OTHER, Edition(0, 7)) == b"page"


def test_what_was_rendered_before_an_erasure_is_not_kept_after_it() -> None:
    pages = Pages()
    pages.find(LOG, Edition(1, 7))

    pages.keep(LOG, Edition(0, 7), b"page")

    assert pages.find(LOG, Edition(0, 7)) is None


def test_a_page_whose_place_is_long_is_not_kept() -> None:
    pages = Pages()
    long = LOG._replace(query=b"x" * 5_000)

    pages.keep(long, Edition(0, 1), b"page")

    assert pages.find(long, Edition(0, 1)) is None


def test_places_count_as_well_as_pages() -> None:
    pages = Pages(max_bytes=5_000)
    places = [LOG._replace(query=b"%03d" % n * 300) for n in range(10)]

    for place in places:
        pages.keep(place, Edition(0, 1), b"page")

    assert [pages.find(place, Edition(0, 1)) is not None for place in places] == [False] * 5 + [True] * 5


def test_pages_are_not_more_than_so_many_however_small() -> None:
    pages = Pages()
    places = [LOG._replace(query=b"%d" % n) for n in range(MAX_PAGES + 1)]

    for place in places:
        pages.keep(place, Edition(0, 1), b"")

    assert pages.find(places[0], Edition(0, 1)) is None
    assert pages.find(places[1], Edition(0, 1)) == b""


ENTRIES = ListKey(ACME, b"/log")
SEVEN = RenderedEntry(1, b"seven")


def test_entries_are_found_whatever_was_added_since() -> None:
    entries = Entries()

    entries.keep(ENTRIES, Edition(0, 7), {7: SEVEN})

    assert entries.find(ENTRIES, Edition(0, 8)) == {7: SEVEN}
    assert entries.find(ENTRIES._replace(path=b"/other"), Edition(0, 8)) == {}
    assert entries.find(ENTRIES._replace(tenant=OTHER.tenant), Edition(0, 8)) == {}


def test_entries_from_before_an_erasure_are_dropped_and_not_kept_again() -> None:
    entries = Entries()
    entries.keep(ENTRIES, Edition(0, 7), {7: SEVEN})

    assert entries.find(ENTRIES, Edition(1, 7)) == {}
    entries.keep(ENTRIES, Edition(0, 7), {7: SEVEN})

    assert entries.find(ENTRIES, Edition(0, 7)) == entries.find(ENTRIES, Edition(1, 7)) == {}


def test_entries_count_with_what_they_take_besides_their_bytes() -> None:
    entries = Entries(max_bytes=2 * (ENTRY_BYTES + 10))
    places = [ListKey(ACME, b"/%d" % n) for n in range(3)]

    for place in places:
        entries.keep(place, Edition(0, 7), {1: RenderedEntry(0, b"x")})

    assert [bool(entries.find(place, Edition(0, 7))) for place in places] == [False, True, True]


def test_an_entry_is_known_only_if_it_is_stored_as_it_was_when_it_was_rendered() -> None:
    row, changed = (7, b"data", None), (7, b"changed", None)
    known = KnownEntries({7: RenderedEntry(hash(row), b"seven")})

    assert known.is_known(7, row)
    assert known.parts == {7: b"seven"}
    assert not KnownEntries(known.rendered).is_known(7, changed)
    assert not known.is_known(8, row)
