"""The page of an order's action log: each action is rendered once, and after a change only the new ones are read."""

from api.dialects.shopline.actions import action_log
from api.http.pages import Rendered, RenderedEntries, rendered_entries
from api.http.parts import document
from api.services import Services
from application.privacy.legible import legibly
from application.views.known import KnownEntries, RenderedEntry
from application.views.queries import ACTION_LOG_SIZE
from domain.values import TenantName


async def render_action_log(services: Services, tenant: TenantName, order_id: str, kept: RenderedEntries) -> Rendered:
    """Return the newest actions on an order, newest first by when they occurred, then by position.

    Actions are only ever added, at later positions than those before. So the page is made of those that are kept, and
    of those after them.
    """
    views = services.queries.views
    rows = None
    if kept:
        newest = max(kept)
        rows = await views.new_actions(tenant, order_id, after=newest, occurred_at=kept[newest].row)
    if rows is None:
        kept = {}
        rows = await services.queries.of_order(
            tenant, order_id, lambda id_: views.action_log(tenant, id_, limit=ACTION_LOG_SIZE)
        )
    found = {row.position: row for row in rows}
    parts = await rendered_entries(rows, legibly(tenant, lambda row: action_log(row.action)), KnownEntries({}))
    new = {position: RenderedEntry(found[position].occurred_at, part) for position, part in parts.items()}
    entries = [*new.items(), *kept.items()]
    entries.sort(key=lambda entry: (entry[1].row, entry[0]), reverse=True)
    del entries[ACTION_LOG_SIZE:]
    return Rendered(
        document("items", [entry.part for _, entry in entries]), dict(entries), is_whole=len(new) == len(found)
    )
