"""What is out at the providers: batches on their way, made, looked after, and found again after a restart."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from graders.batch_journal import BatchJournal, SentBatch
from graders.model.batch.anthropic import AnthropicBatches
from graders.model.batch.call_id import CallId, number_of
from graders.model.batch.openai import OpenAIBatches
from graders.model.batch.outgoing import Outgoing
from graders.model.batch.provider import BatchProvider, BatchState
from graders.model.batch.result_file import ResultFile
from graders.model.batch.service import BatchService
from graders.model.client import TransportFault
from graders.model.grader import ModelGrader
from graders.progress import Progress
from rubrics import GraderError, InputError, Mistake

PROVIDERS: dict[str, Callable[[], BatchProvider]] = {"openai": OpenAIBatches, "anthropic": AnthropicBatches}
"""The batch endpoints by their dialects."""

_TOO_MANY = "token_limit_exceeded"

FAILED_IN_A_ROW = 3
"""Batches of a grader that must fail, and none end well, before it is given up."""

SILENT_IN_A_ROW = 20
"""Looks that must tell nothing before a grader's batches are waited for no longer: some forty minutes."""


@dataclass(slots=True)
class Desk:
    """A grader and where its batches go."""

    grader: ModelGrader
    service: BatchService
    failed: int = 0
    """Batches that failed in a row."""
    silent: int = 0
    """Looks in a row that told nothing."""
    most_out: int | None = None
    """Most batches that the provider takes from us at a time, where it has said that more are too many."""


@dataclass(slots=True)
class OutBatch:
    """A batch that is out, as it was seen last."""

    batch: SentBatch
    desk: Desk
    state: BatchState | None = None


@dataclass(slots=True)
class Dispatch:
    """The batches of a run that are out. Whatever happens to one is in the journal before anything else is done."""

    journal: BatchJournal
    progress: Progress
    tell: Callable[[str], None] = lambda _: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    desks: dict[str, Desk] = field(default_factory=dict)
    """By the graders' names."""
    out: list[OutBatch] = field(default_factory=list)
    owes: bool = False
    """Whether calls that were on their way came back unasked."""

    def open_desk(self, grader: ModelGrader) -> None:
        """Take a grader on; InputError where its calls cannot go in batches."""
        if grader.controls:
            message = (
                "controls are asked before an answer's other criteria, which no batch can do; grade without --batch"
            )
            raise InputError(Mistake(f"grader {grader.name}", message, "controls"))
        client = grader.endpoint.client
        provider = PROVIDERS[client.dialect.name]()
        service = BatchService(client, provider, max_faults=grader.max_faults, sleep=self.sleep)
        self.desks[grader.name] = Desk(grader, service)

    async def take_up(self) -> None:
        """Look after what an earlier command left out."""
        batches = [batch for batch in self.journal.open_batches() if batch.grader in self.desks]
        self.out = [OutBatch(batch, self.desks[batch.grader]) for batch in batches]
        for out in list(self.out):
            if out.batch.provider_id is None:
                await self._settle(out)

    def has(self, ids: CallId) -> bool:
        """Whether a call is out."""
        numbers = [number_of(custom_id) for custom_id in (ids.whole, ids.alone) if custom_id is not None]
        return any(number in out.batch.calls for out in self.out for number in numbers if number is not None)

    def is_full(self, desk: Desk) -> bool:
        """Whether the provider takes no more of a grader's batches now."""
        return desk.most_out is not None and sum(out.desk is desk for out in self.out) >= desk.most_out

    async def aclose(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(desk.service.aclose() for desk in self.desks.values()), return_exceptions=True)

    def outlook(self, pause: float) -> str:
        """`2 batches out (60,000 calls): 31,200 done, in_progress; next look in 8 s`."""
        states = [out.state for out in self.out if out.state is not None]
        calls = sum(len(out.batch.calls) for out in self.out)
        told = ", ".join(sorted({state.told for state in states})) or "submitted"
        done = sum(state.done for state in states)
        what = "1 batch" if len(self.out) == 1 else f"{len(self.out)} batches"
        return f"{what} out ({calls:,} calls): {done:,} done, {told}; next look in {pause:.0f} s"

    async def send(self, desk: Desk, tries: int, outgoing: Outgoing) -> None:
        """Submit a batch, whose calls had so many unusable replies before; nothing where its grader was given up."""
        name = desk.grader.name
        if not len(outgoing) or name in self.progress.given_up or self.is_full(desk):
            return
        outgoing.finish()
        try:
            uploaded = await desk.service.upload(outgoing)
        except GraderError as error:
            self._give_up(name, error)
            return
        created = self.now().isoformat(timespec="milliseconds")
        batch = SentBatch(secrets.token_hex(8), name, tries, outgoing.calls, outgoing.estimate, created)
        self.journal.intend(batch)
        out = OutBatch(batch, desk)
        try:
            out.state = await desk.service.create(outgoing, uploaded, batch.token)
        except TransportFault as fault:
            self.tell(f"{name}: {fault}; looking whether the batch is there")
            self.out.append(out)
            await self.sleep(desk.service.client.pause(0, fault.asked_to_wait))
            await self._settle(out)
        except GraderError as error:
            self.journal.end(batch.token, "refused")
            self._give_up(name, error)
        else:
            self._adopt(out, out.state.id)
            self.out.append(out)
            self.tell(f"{name}: a batch of {len(outgoing):,} calls submitted as {out.state.id}")

    async def _settle(self, out: OutBatch) -> None:
        """Find out whether a batch came into being: it was about to, and nobody heard what became of it."""
        batch = out.batch
        since = datetime.fromisoformat(batch.created_at).timestamp()
        try:
            found = await out.desk.service.find(batch.token, since=since, size=len(batch.calls))
        except GraderError as error:
            self.out.remove(out)
            self._give_up(
                batch.grader,
                f"{error}; whether the batch of {batch.created_at} came into being cannot be told, so it stays open: "
                "the same command looks again, another --run asks afresh",
            )
            return
        known = self.journal.known(found)
        new = [provider_id for provider_id in found if provider_id not in known]
        if new:
            self._adopt(out, new[0])
            self.tell(f"{batch.grader}: found the batch of {len(batch.calls):,} calls as {new[0]}")
        else:
            self.journal.end(batch.token, "unsent")
            self.out.remove(out)
            self._note_failure(out.desk, "a batch was submitted and did not come into being")

    def _adopt(self, out: OutBatch, provider_id: str) -> None:
        self.journal.submitted(out.batch.token, provider_id)
        out.batch = out.batch.named(provider_id)

    async def look(self) -> list[OutBatch]:
        """Look at every batch that is out; those that have ended and have results."""
        ended = []
        silent: list[Desk] = []
        for out in list(self.out):
            desk, provider_id = out.desk, out.batch.provider_id
            if provider_id is None or desk in silent:
                continue
            try:
                out.state = await desk.service.look(provider_id)
            except TransportFault as fault:
                silent.append(desk)
                desk.silent += 1
                if desk.silent >= SILENT_IN_A_ROW:
                    self._lose_sight(desk, str(fault))
                continue
            except GraderError as error:
                silent.append(desk)
                self._lose_sight(desk, f"{error}: is the key another project's, or batch {provider_id} deleted?")
                continue
            desk.silent = 0
            if out.state.phase == "failed":
                self._failed(out, out.state)
            elif out.state.phase == "ended":
                ended.append(out)
        return ended

    def _failed(self, out: OutBatch, state: BatchState) -> None:
        self.journal.end(out.batch.token, "failed")
        self.out.remove(out)
        others = sum(other.desk is out.desk for other in self.out)
        why = f"batch {state.id} failed: {state.message or 'no reason told'}"
        if others and _TOO_MANY in state.message:
            out.desk.most_out = others
            self.owes = True
            self.tell(f"{out.batch.grader}: {why}; it goes again when another has ended")
        else:
            self._note_failure(out.desk, why)

    def _lose_sight(self, desk: Desk, why: str) -> None:
        """Wait no longer for a grader's batches; the journal keeps them open, and the same command looks again."""
        self.out = [out for out in self.out if out.desk is not desk]
        self._give_up(desk.grader.name, f"its batches do not tell how far they are: {why}")

    def _note_failure(self, desk: Desk, why: str) -> None:
        desk.failed += 1
        self.owes = True
        self.progress.last_failure = why
        self.tell(f"{desk.grader.name}: {why}")
        if desk.failed >= FAILED_IN_A_ROW:
            self._give_up(desk.grader.name, why)

    def _give_up(self, name: str, why: object) -> None:
        self.progress.given_up.setdefault(name, str(why))
        self.progress.last_failure = str(why)
        self.tell(f"{name} is asked no more: {why}")

    async def fetch(self, out: OutBatch, results: ResultFile) -> bool:
        """Bring a batch's results here; False where they could not be had or are somebody else's."""
        assert out.state is not None
        ours: list[bool] = []

        def keep(line: bytes) -> None:
            number = results.add(line)
            if number is not None:
                ours.append(number in out.batch.calls)

        try:
            await out.desk.service.results(out.state, keep)
        except GraderError as error:
            self.out.remove(out)
            self._give_up(out.batch.grader, f"the results of batch {out.state.id} cannot be fetched: {error}")
            return False
        if ours and not any(ours) and not out.desk.service.provider.labels:
            await self._disown(out)
            return False
        return True

    def done(self, out: OutBatch) -> None:
        """All that came of a batch is filed."""
        self.journal.end(out.batch.token, "done")
        out.desk.failed = 0
        self.out.remove(out)

    async def _disown(self, out: OutBatch) -> None:
        """A batch that was taken for ours has none of our calls: look for ours again."""
        self.out.remove(out)
        again = OutBatch(out.batch.anew(secrets.token_hex(8)), out.desk)
        self.journal.intend(again.batch)
        self.journal.end(out.batch.token, "foreign")
        self.out.append(again)
        await self._settle(again)
