"""A fake endpoint in a thread of its own, so that the command can run in this one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from graders.reward.loop_thread import LoopThread
from tests.graders.fake_endpoint import FakeEndpoint


async def _nothing() -> None:
    pass


@contextmanager
def serving(endpoint: FakeEndpoint) -> Iterator[FakeEndpoint]:
    """The endpoint, answering at its `base_url` until the block ends."""
    thread = LoopThread(f"endpoint {threading.get_ident()}")
    thread.submit(endpoint.__aenter__()).result()
    try:
        yield endpoint
    finally:
        thread.submit(endpoint.__aexit__()).result()
        thread.close(_nothing())
