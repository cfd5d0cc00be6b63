"""What can be wrong with what is asked of consumers and webhooks."""

from collections.abc import Sequence

from domain.errors import NotFound, OrdertrailError, RuleViolation


class ConsumerNotFound(NotFound):
    """There is no such consumer."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"There is no consumer {name!r}; create it with PUT /trail/v1/consumers/{name}")


class StreamNotHeld(NotFound):
    """The consumer does not hold this stream."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        super().__init__(f"Stream {stream!r} is not held: none of its events was refused, or all are acknowledged")


class LeaseLost(OrdertrailError):
    """The member does not own the partition any more."""

    def __init__(self, lost: Sequence[tuple[int, int, int]]) -> None:
        """Take each partition, the token that was sent, and its present token."""
        self.partitions = [partition for partition, _, _ in lost]
        told = ", ".join(f"partition {partition} (token {sent}, now {now})" for partition, sent, now in lost)
        super().__init__(
            f"You do not own {told} any more: your lease ended, or you gave it up. Nothing of this request was taken; "
            "fetch again, and what you did not acknowledge is handed out to you or to another member"
        )


class NotHandedOut(RuleViolation):
    """The position was not handed out to the member, or it was acknowledged since."""

    def __init__(self, partition: int, position: int) -> None:
        self.partition, self.position = partition, position
        super().__init__(
            f"Position {position} of partition {partition} was not handed out to you, or it is acknowledged already; "
            "acknowledge and refuse what a fetch returned"
        )


class TooManyMembers(RuleViolation):
    """The consumer has as many members as it may have."""


class WebhookNotFound(NotFound):
    """There is no such webhook."""

    def __init__(self, id_: str) -> None:
        self.id = id_
        super().__init__(f"There is no webhook {id_!r}")


class AttemptNotFound(NotFound):
    """There is no such attempt, or it was removed since."""


class EventNotDelivered(RuleViolation):
    """The attempt was no delivery of an event: there is nothing to send again."""


class TooManyWebhooks(RuleViolation):
    """The tenant has as many webhooks as it may have."""


class UnacceptableUrl(OrdertrailError):
    """Nothing can be sent to this URL."""
