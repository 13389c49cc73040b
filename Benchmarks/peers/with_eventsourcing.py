"""A Python library for event sourcing, in its own usual way: one aggregate a customer, events in SQLite, an application.

usage: with_eventsourcing.py EVENTS.ndjson       (loading is storing each event; the file `EVENTS.ndjson.sqlite` is made anew)
"""
import csv
import heapq
import json
import os
import sys
from datetime import datetime
from importlib.metadata import version
from uuid import NAMESPACE_URL, uuid5

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event

from serving import serve

LAPSE, WINDOW = 180 * 86_400_000_000, 365 * 86_400_000_000
database = sys.argv[1] + ".sqlite"
if os.path.exists(database):
    os.remove(database)
environment = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": database}
names, result, latest = {}, [], []


class Customer(Aggregate):
    @event("Entered")
    def __init__(self, name):
        self.name, self.interactions = name, []

    @staticmethod
    def create_id(name):
        return uuid5(NAMESPACE_URL, name)

    @event("Interacted")
    def interact(self, instant, type):
        self.interactions.append((instant, len(self.interactions), type))

    def rows(self, as_of):
        """Rows of rules/six-transitions.yaml; late events stand where they happened."""
        events, due, stage = sorted(self.interactions), [], "unknown"
        ads = visits = advocacies = 0
        purchases = []
        rows = [(self.name, events[0][0], None, stage, "event")]

        def settle(now, cause):
            nonlocal stage
            recent = sum(1 for instant in purchases if instant > now - WINDOW)
            if purchases and now - purchases[-1] >= LAPSE: then = "lapsed"
            elif purchases and recent >= 3 and advocacies: then = "loyalty"
            elif purchases: then = "retention" if recent >= 2 else "conversion"
            elif visits: then = "acquisition"
            else: then = "reach" if ads else "unknown"
            if then != stage:
                rows.append((self.name, now, stage, then, cause))
                stage = then

        def pass_until(now):
            while due and due[0] <= now:
                instant = heapq.heappop(due)
                if not due or due[0] != instant:
                    settle(instant, "timer")

        for instant, _, type in events:
            pass_until(instant)
            ads += type == "ad_view"
            visits += type in ("comparison_visit", "site_visit")
            advocacies += type in ("review", "referral")
            if type in ("purchase", "order_paid"):
                purchases.append(instant)
                heapq.heappush(due, instant + LAPSE)
                heapq.heappush(due, instant + WINDOW)
            settle(instant, "event")
        pass_until(as_of)
        return rows


def load(path):
    application = Application(env=environment)
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = json.loads(line)
            instant, name = round(datetime.fromisoformat(line["time"]).timestamp() * 1_000_000), line["subject"]
            try:
                customer = application.repository.get(Customer.create_id(name))
            except AggregateNotFoundError:
                customer = Customer(name)
            customer.interact(instant=instant, type=line["type"])
            application.save(customer)
            names[name] = customer.id
            latest[:] = [max(instant, *latest)] if latest else [instant]
    application.close()
    return f"eventsourcing {version('eventsourcing')}"


def query(_):
    application = Application(env=environment)
    result.clear()
    for identifier in names.values():
        result.extend(application.repository.get(identifier).rows(latest[0]))
    application.close()
    return {"rows": len(result)}


def write(path):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["customer", "instant", "before", "stage", "cause"])
        writer.writerows(result)


serve(load, {"query": query, "write": write})
