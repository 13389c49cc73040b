"""Reads NDJSON as an import would: what is taken, in which order, and what is skipped."""
import json
from decimal import Decimal

from expressions import parse_time


class Event:
    """One event as recorded; `position` counts the events taken."""

    def __init__(self, position, value):
        self.position, self.value = position, value
        self.id, self.source, self.type, self.subject = (value[key] for key in ("id", "source", "type", "subject"))
        self.time, self.data = parse_time(value["time"]), value.get("data") or {}

    @property
    def key(self):
        return (self.time, self.position)


def once(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member comes twice")
    return found


def refuse(text):
    raise ValueError(f"{text} is not JSON")


def acceptable(value):
    if not isinstance(value, dict):
        return False
    if any(not isinstance(value.get(key), str) or not value[key] for key in ("id", "source", "type", "subject", "time")):
        return False
    if any(len(value[key].encode()) > 255 for key in ("id", "source", "type", "subject")):
        return False
    if value.get("specversion", "1.0") != "1.0" or value["type"].startswith("clm-replay."):
        return False
    return isinstance(value.get("data", {}), dict) and parse_time(value["time"]) is not None


def read_events(path):
    """The events of a file in the order of their positions; duplicates, conflicts and bad lines take none."""
    events, known = [], {}
    with open(path, "rb") as file:
        for line in file.read().removeprefix(b"\xef\xbb\xbf").split(b"\n"):
            if not line.strip():
                continue
            try:
                value = json.loads(line.decode(), parse_float=Decimal, parse_constant=refuse, object_pairs_hook=once)
            except ValueError:
                continue
            if not acceptable(value) or (value["source"], value["id"]) in known:
                continue
            known[value["source"], value["id"]] = value
            events.append(Event(len(events), value))
    return events
