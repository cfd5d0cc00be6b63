"""The numbers in docs/dialects.md and the vendors' pages that state bounds are those of the code."""

import re

import pytest

from api.dialects.carriyo import links
from api.dialects.carriyo import mapping as carriyo
from api.dialects.carriyo import models as carriyo_models
from api.dialects.carriyo import tokens as carriyo_tokens
from api.dialects.carriyo.orders import NEWEST
from api.dialects.dintero import events as dintero_events
from api.dialects.dintero import mapping as dintero
from api.dialects.dintero import models as dintero_models
from api.dialects.sendcloud import mapping as sendcloud
from api.dialects.sendcloud import parameters as sendcloud_parameters
from api.dialects.shopline import order as shopline
from api.http.rate_limit import SENDCLOUD_READS, SENDCLOUD_WRITES, limits_of
from api.http.requests import TokenRoute
from api.settings import Settings
from application.bodies import failed_calls, masking
from application.ledger.port import PAGE_BYTES
from application.views import integration_queries
from application.views.queries import ACTION_LOG_SIZE
from domain.values import MAX_BIGINT, MAX_JSON_DEPTH, Identifier, Name, Sentence
from tests.paths import ROOT
from tests.unit.http.test_documented_bounds import longest

DEFAULTS = Settings()
PAGE = f"{PAGE_BYTES // 2**20} MiB"
MAX_BODY = DEFAULTS.max_body_bytes // 2**20
LIMITS = limits_of(Settings(sendcloud_limits=True))
[READS] = LIMITS[SENDCLOUD_READS]
WRITES, BURST = LIMITS[SENDCLOUD_WRITES]

BOUNDS = {
    "dialects.md": [
        f"may have {(TokenRoute.max_body_bytes or 0) // 1024} KiB",
        f"SHOPLINE's {DEFAULTS.shopline_rate} requests",
        f"at most {longest(Identifier)} characters",
        f"at most {MAX_JSON_DEPTH} levels",
    ],
    "dialects/carriyo.md": [
        f"below {carriyo.FIRST_MILLISECOND:,} is in seconds",
        f"below {carriyo.FIRST_SECOND:,} is no time",
        f"in {carriyo.DIGITS} digits",
        f"`pageNum` from 1 (default) to {carriyo_models.MAX_PAGE:,}",
        f"`rowsPerPage` from 1 to {carriyo_models.MAX_ROWS}",
        f"the newest {NEWEST:,} by `log_date`",
        f"Beyond {PAGE} we send",
        f"or fewer if they reach {PAGE}",
        f"The value is {carriyo_tokens.TOKEN_SECONDS}",
    ],
    "dialects/dintero.md": [
        f"a JWT for {dintero_models.TOKEN_SECONDS // 3600} hours",
        f"`service` and `service_status` {longest(Name)} characters, `description` {longest(Sentence):,}",
        f"`metadata` {MAX_JSON_DEPTH} levels",
        f"1 to {dintero.MAX_ID} visible ASCII",
        f"longer than {dintero.MAX_ID} characters",
        f"the first {dintero.MAX_ID} hexadecimal digits",
        f"longer than {dintero.MAX_BODY:,} characters",
        f"the newest {dintero_events.LATEST} of both kinds together",
        f"the newest {dintero_events.LATEST} status events",
        f"that reaches {PAGE} before",
    ],
    "dialects/sendcloud.md": [
        f"more than {failed_calls.MAX_INLINE_BYTES // 1024} KB goes to the bodies",
        f"A body of {MAX_BODY} MB is accepted",
        f"more than {masking.MOST_READ // 1024} KiB is masked",
        f"`page_size` outside 1 to {sendcloud_parameters.MAX_PAGE}",
        f"before its contents exceed {integration_queries.MAX_PAGE_BYTES // 2**20} MB",
        f"brings its events to {PAGE}",
        f"the first {sendcloud.MAX_SHOP_NAME} characters",
        f"up to {integration_queries.MAX_INTEGRATIONS:,}, and until their details reach {PAGE}",
    ],
    "dialects/shopline.md": [
        f"at most {ACTION_LOG_SIZE} actions, and no more than {PAGE} of them",
        f"whose texts reach {shopline.MAX_REMARKS // 2**20} MiB",
        f"{DEFAULTS.shopline_rate} requests",
    ],
}


@pytest.mark.parametrize(("page", "said"), BOUNDS.items(), ids=BOUNDS)
def test_the_pages_state_the_bounds_of_the_code(page: str, said: list[str]) -> None:
    text = re.sub(r"\s+", " ", (ROOT / "docs" / page).read_text())

    assert [words for words in said if words not in text] == []


def test_a_link_is_good_for_as_long_as_the_page_says() -> None:
    assert links.LINK_SECONDS == 15 * 60
    assert "a quarter of an hour" in (ROOT / "docs" / "dialects" / "carriyo.md").read_text()


def test_the_vendors_limits_are_those_that_the_settings_name() -> None:
    settings = (ROOT / "docs" / "operations.md").read_text()

    assert f"{READS.requests} reads, {WRITES.requests} writes a minute, {BURST.requests} writes a second" in settings
    assert (READS.seconds, WRITES.seconds, BURST.seconds) == (60, 60, 1)
    assert MAX_BIGINT == 2**63 - 1
