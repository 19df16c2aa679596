"""The same facts for Prometheus; labels are sources, states and reason codes, never people or file names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from gong_bridge import __version__
from gong_bridge.model import State
from gong_bridge.web.overview import AccountHealth, Group, Health
from gong_bridge.web.traffic import Traffic


def exposition(health: Health, waiting: Iterable[Group], traffic: Traffic, *, now: datetime) -> bytes:
    """The text that Prometheus scrapes (text/plain; version=0.0.4)."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(
        _Collected(
            [
                *_entries(health, waiting, now),
                *_sources(health),
                *_backfills(health),
                *_receipts(health),
                *_sending(health, traffic),
            ]
        )
    )
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Collected(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _entries(health: Health, waiting: Iterable[Group], now: datetime) -> Iterator[Metric]:
    entries = GaugeMetricFamily(
        "gong_bridge_entries", "Recordings in the ledger, by source and state.", labels=["source", "state"]
    )
    for source, by_state in health.counts.items():
        for state in State:
            entries.add_metric([source, state.value], by_state.get(state, 0))
    yield entries
    needing = GaugeMetricFamily(
        "gong_bridge_needs_person", "Recordings that wait for a person, by reason code.", labels=["state", "code"]
    )
    totals: dict[tuple[str, str], int] = {}
    for group in waiting:
        place = (group.state.value, group.code)
        totals[place] = totals.get(place, 0) + group.count
    for (state_name, code), count in sorted(totals.items()):
        needing.add_metric([state_name, code], count)
    yield needing
    oldest_seconds = 0.0 if health.oldest is None else (now - health.oldest.found_at).total_seconds()
    yield GaugeMetricFamily(
        "gong_bridge_oldest_waiting_seconds",
        "How long the oldest recording that is not done has been waiting; 0 when none waits.",
        value=oldest_seconds,
    )
    yield from _of_accounts(
        health,
        ("gong_bridge_paused", "1 while nothing can be delivered at all.", lambda one: int(one.pause is not None)),
    )
    by_hand = GaugeMetricFamily(
        "gong_bridge_paused_by_hand_seconds", "How long a person has kept a source paused.", labels=["source"]
    )
    for one in health.paused_by_hand:
        by_hand.add_metric([one.source or "all"], (now - one.since).total_seconds())
    yield by_hand
    yield GaugeMetricFamily(
        "gong_bridge_missing", "Bridges that are gone, and sources that no bridge serves.", value=len(health.missing)
    )
    yield GaugeMetricFamily(
        "gong_bridge_failing", "Parts of the bridge that fail again and again.", value=len(health.failing)
    )
    info = InfoMetricFamily("gong_bridge", "The running program.")
    info.add_metric([], {"version": __version__})
    yield info


def _sources(health: Health) -> Iterator[Metric]:
    healthy = GaugeMetricFamily(
        "gong_bridge_source_healthy", "1 when the source finds recordings, 0 when it cannot.", labels=["source"]
    )
    scanned = GaugeMetricFamily(
        "gong_bridge_source_last_scan_timestamp_seconds", "When the last whole pass ended.", labels=["source"]
    )
    for name in dict.fromkeys(one.source for one in health.sources):
        on_hosts = [one for one in health.sources if one.source == name]  # of several hosts the worst counts
        healthy.add_metric([name], int(all(one.healthy for one in on_hosts)))
        scans = [one.last_scan_at for one in on_hosts]
        if None not in scans:
            scanned.add_metric([name], min(at.timestamp() for at in scans if at is not None))
    yield healthy
    yield scanned


def _backfills(health: Health) -> Iterator[Metric]:
    """Of orders that are not over; a source with folders on several hosts may have one for each."""
    taken = GaugeMetricFamily(
        "gong_bridge_backfill_taken", "Old recordings that a backfill has written to the ledger.", labels=["source"]
    )
    to_come = GaugeMetricFamily(
        "gong_bridge_backfill_to_come",
        "Old recordings that a backfill has listed and not taken yet; absent until it has listed them.",
        labels=["source"],
    )
    for name in dict.fromkeys(one.lane.source for one in health.backfills):
        of_source = [one for one in health.backfills if one.lane.source == name]
        taken.add_metric([name], sum(one.taken for one in of_source))
        listed = [one.to_come for one in of_source if one.to_come is not None]
        if listed:
            to_come.add_metric([name], sum(listed))
    yield taken
    yield to_come


def _receipts(health: Health) -> Iterator[Metric]:
    missing = GaugeMetricFamily(
        "gong_bridge_missing_in_gong",
        "Delivered recordings of the last month that Gong does not have, as the daily receipts say.",
        labels=["source"],
    )
    doubled = GaugeMetricFamily(
        "gong_bridge_twice_in_gong",
        "Calls of the last month that Gong has beside the one of the same recording, as the daily receipts say.",
        labels=["source"],
    )
    for source in health.counts:
        mine = [one for one in health.lacking if one.source == source]
        missing.add_metric([source], sum(one.missing for one in mine))
        doubled.add_metric([source], sum(one.doubled for one in mine))
    yield missing
    yield doubled
    several = len(health.accounts) > 1
    labels = ["account"] if several else []
    made = GaugeMetricFamily(
        "gong_bridge_receipt_made_timestamp_seconds", "When the last nightly receipt was made.", labels=labels
    )
    late = GaugeMetricFamily(
        "gong_bridge_receipt_late", "1 while last night's receipt should be there and is not.", labels=labels
    )
    for night in health.nights:
        of = [night.account] if several else []
        late.add_metric(of, int(night.is_late))
        if night.finished_at is not None:
            made.add_metric(of, night.finished_at.timestamp())
    yield made
    yield late


def _sending(health: Health, traffic: Traffic) -> Iterator[Metric]:
    yield from _of_accounts(
        health,
        ("gong_bridge_allowance_used", "Gong API calls in the last 24 hours.", lambda one: one.allowance.used_24h),
        ("gong_bridge_allowance_limit", "Gong API calls allowed in 24 hours.", lambda one: one.allowance.calls_per_day),
        (
            "gong_bridge_allowance_rate",
            "Gong API calls a second that the bridge keeps to.",
            lambda one: one.allowance.rate,
        ),
        ("gong_bridge_allowance_refused", "429s of Gong in the last hour.", lambda one: one.allowance.refused_1h),
        (
            "gong_bridge_allowance_paused",
            "1 while Gong has asked to wait (429 or 503).",
            lambda one: int(one.allowance.paused_until is not None),
        ),
    )
    yield CounterMetricFamily(
        "gong_bridge_sent_bytes", "Bytes of media sent since the start, repeats included.", value=traffic.sent_bytes
    )
    yield GaugeMetricFamily(
        "gong_bridge_sent_bytes_per_second", "Over the last 30 seconds.", value=traffic.bytes_per_second()
    )
    yield GaugeMetricFamily("gong_bridge_uploads", "Recordings being sent now.", value=traffic.uploads)


def _of_accounts(health: Health, *wanted: tuple[str, str, Callable[[AccountHealth], float]]) -> Iterator[Metric]:
    """Of each: name, what it says, value. They bear the label `account` only where there are several."""
    several = len(health.accounts) > 1
    for name, about, value in wanted:
        metric = GaugeMetricFamily(name, about, labels=["account"] if several else [])
        for account in health.accounts:
            metric.add_metric([account.name] if several else [], value(account))
        yield metric
