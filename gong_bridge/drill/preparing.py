"""Prepares a drill: people, and copies of what the sources hold, or samples where there is nothing to copy."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from gong_bridge.config.schema import Config
from gong_bridge.drill.choosing import Chosen, choose
from gong_bridge.drill.copies import Bank, Copy
from gong_bridge.drill.made import Sample, samples_for
from gong_bridge.drill.people import agents_of, as_gong_tells, users_of, with_more, write_agents
from gong_bridge.drill.rehearsal import Stand, only_looking
from gong_bridge.drill.stage import Company, Stage
from gong_bridge.errors import ConfigError
from gong_bridge.model import GongUser
from gong_bridge.outcomes import outcome_of
from gong_bridge.sandbox.options import SandboxOptions
from gong_bridge.sandbox.server import Sandbox
from gong_bridge.sandbox.store_server import ACCESS_KEY, SECRET_KEY
from gong_bridge.service import Bridge

_SAMPLES_TRIED = 12
_OF_AWS = ("AWS_", "BOTO_")
"""How the variables begin in which boto3 finds keys and addresses."""
Users = dict[str | None, list[GongUser]]


def prepare(
    config: Config, folder: Path, *, wanted: int, stop: threading.Event, tell: Callable[[str], None]
) -> Company:
    """Copies of up to `wanted` calls' recordings of each source. Afterwards nothing real is needed, nor reachable.

    `tell` is told what is under way. Raises ConfigError when there is nothing to play with.
    """
    bank = Bank(folder / "copies")
    agents = agents_of(config.agents)
    users = users_of(config, agents)
    with _looking(config, folder / "looking", users) as bridge:
        chosen = [choose(bridge, source.name, bank, wanted, tell) for source in config.sources]
    forget_the_world()
    empty = [one for one in chosen if not one.recordings]
    samples = {one.source: _samples(config, one, bank, wanted) for one in empty}
    made_users = [user for some in samples.values() for sample in some for user in sample.users]
    for name in users if made_users else ():
        users[name] = with_more(made_users, users[name])
    made_agents = [agent for some in samples.values() for sample in some for agent in sample.agents]
    agents_path = write_agents(folder / "agents.csv", made_agents, agents) if made_agents else None
    company = Company(
        config=config, users={name: as_gong_tells(some) for name, some in users.items()}, chosen=chosen,
        stop=stop, agents=agents_path,
    )  # fmt: skip
    if any(samples.values()):
        tell("looking at samples")
        _keep_those_that_fit(company, samples, folder / "samples", wanted)
    if not company.recordings:
        raise ConfigError(_nothing_to_play_with(chosen))
    return company


@contextmanager
def _looking(config: Config, folder: Path, users: Users) -> Iterator[Bridge]:
    """A bridge that can look at the user's own recordings; its Gong and its ledger are stand-ins."""
    folder.mkdir(parents=True)
    gongs = {name: Sandbox(SandboxOptions(users=as_gong_tells(some), page_size=100)) for name, some in users.items()}
    try:
        stand = Stand(folder=folder, gong={name: gong.start() for name, gong in gongs.items()})
        bridge = Bridge(only_looking(config, stand), transport=httpx.HTTPTransport())
        try:
            yield bridge
        finally:
            bridge.close()
    finally:
        for gong in gongs.values():
            gong.stop()


def forget_the_world() -> None:
    """From now on this process knows no keys but the stand-in's, and no proxy: it could not reach a real bucket."""
    for name in [name for name in os.environ if name.startswith(_OF_AWS) or name.upper().endswith("_PROXY")]:
        del os.environ[name]
    os.environ.update(
        AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY, AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, NO_PROXY="*",
    )  # fmt: skip


def _samples(config: Config, chosen: Chosen, bank: Bank, wanted: int) -> list[Sample]:
    source = next(one for one in config.sources if one.name == chosen.source)
    return samples_for(config, source, bank, most=max(_SAMPLES_TRIED, 3 * wanted))


def _keep_those_that_fit(company: Company, samples: dict[str, list[Sample]], folder: Path, wanted: int) -> None:
    """Really look at each sample under the user's configuration, and keep those that would be sent."""
    with Stage(company, folder) as stage:
        for chosen in company.chosen:
            for sample in samples.get(chosen.source, ()):
                for copy in reversed(sample.copies):
                    stage.put(copy)
            for sample in samples.get(chosen.source, ()):
                if len(chosen.recordings) < wanted and _would_be_sent(stage, sample.copies[0]):
                    chosen.copies += sample.copies
                    chosen.made = True


def _would_be_sent(stage: Stage, copy: Copy) -> bool:
    recording = stage.bridge.routes[copy.source].source.stat(copy.key)
    return outcome_of(stage.bridge, recording).verdict == "sent"


def _nothing_to_play_with(chosen: list[Chosen]) -> str:
    said = []
    for one in chosen:
        reasons = ", ".join(f"{count} {reason}" for reason, count in one.left_out.most_common())
        said.append(f"source {one.source}: {reasons or 'no recordings'}, and no golden case of its mapping fits")
    cure = (
        "put a recording there that would be sent (gong-bridge explain FILE), or make a golden case of one "
        "(gong-bridge mapping test --record FILE)"
    )
    return f"there is nothing to play with. {'; '.join(said)}. Cure: {cure}"
