"""Gathering: questions that are asked at the same time are answered together, for instance by one statement."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from typing import Any, Generic, TypeVar

from application.runtime.request_context import current
from domain.errors import Unavailable

G = TypeVar("G", bound=Hashable)
Q = TypeVar("Q")
A = TypeVar("A")

MAX_TOGETHER = 200
_BROKEN_OFF = "The work on this request was broken off; try again"


class Gathering(Generic[G, Q, A]):
    """Questions that wait while others of their group are being answered share the next answer.

    No question waits for others to come, and every answer is looked up after its question was asked.
    """

    def __init__(self, answer: Callable[[G, Sequence[Q]], Awaitable[Sequence[A]]]) -> None:
        self._answer = answer
        self._waiting: dict[G, list[tuple[Q, asyncio.Future[A]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, group: G, question: Q) -> A:
        """Return the answer to one question. Raises what answering raises."""
        answered: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        if group in self._waiting:
            self._waiting[group].append((question, answered))
        else:
            self._waiting[group] = [(question, answered)]
            # It serves several requests, so the task runs in the context of none of them.
            task = asyncio.create_task(self._answer_all(group), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        request = current.get()
        return await (answered if request is None else request.waiting_for(answered))

    async def _answer_all(self, group: G) -> None:
        try:
            while waiting := self._waiting[group]:
                together, self._waiting[group] = waiting[:MAX_TOGETHER], waiting[MAX_TOGETHER:]
                await self._answer_some(group, [(q, answered) for q, answered in together if not answered.done()])
        finally:
            # However it ends, nobody may wait for an answer that does not come, and the next who asks begins anew.
            _refuse(self._waiting.pop(group), Unavailable(_BROKEN_OFF))

    async def _answer_some(self, group: G, together: Sequence[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._answer(group, [question for question, _ in together])
            for (_, answered), answer in zip(together, answers, strict=True):
                if not answered.done():
                    answered.set_result(answer)
        except Exception as error:
            _refuse(together, error)
        except asyncio.CancelledError:
            _refuse(together, Unavailable(_BROKEN_OFF))
            raise


def _refuse(waiting: Sequence[tuple[Any, asyncio.Future[Any]]], error: Exception) -> None:
    for _, answered in waiting:
        if not answered.done():
            answered.set_exception(error)
