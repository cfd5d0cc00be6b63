"""Parameters of Sendcloud's paths and queries."""

from typing import Annotated

from fastapi import Path, Query

from api.http.reading.query import Digits
from domain.values import MAX_BIGINT

MAX_PAGE = 100

IntegrationId = Annotated[
    Digits, Path(alias="id", ge=1, le=MAX_BIGINT, description="The id of the integration", examples=[123])
]
PageSize = Annotated[Digits, Query(ge=1, le=MAX_PAGE, description="Number of results per page", examples=[25])]
CursorText = Annotated[
    str | None,
    Query(
        description="The cursor of a Link header, or a date-time of your own to begin with what was created before it.",
        examples=["2023-03-01T02:02:00+01:00"],
        json_schema_extra={"format": "date-time"},
    ),
]
CreatedBefore = Annotated[
    str | None,
    Query(
        description="Only what was created before this date-time. Links have it if you began with one.",
        examples=["2023-03-01T02:02:00+01:00"],
        json_schema_extra={"format": "date-time"},
    ),
]
