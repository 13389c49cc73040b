"""The made-up shop: a file of events, and a store that it was imported into."""
from dataclasses import dataclass
from pathlib import Path

from measure import run


@dataclass
class Shop:
    binary: str
    folder: Path
    count: int

    @property
    def file(self):
        return self.folder / f"events-{self.count}.ndjson"

    @property
    def store(self):
        return self.folder / f"store-{self.count}"

    def make(self):
        """Writes the file; the same events for the same count, on any machine."""
        run(self.binary, "generate", "--events", self.count, "--seed", 7, "-o", self.file, "-q")
        return self

    def load(self):
        """Imports the file, durably; what that took."""
        return run(self.binary, "import", self.store, self.file, "--format", "json")

    def replay(self, rules, *options, **measured):
        """A cold process to a synced and switched view. Parked customers would end it with 1: none is expected."""
        return run(self.binary, "replay", self.store, "--rebuild", "--rules", rules, "--format", "json", "-q", *options, **measured)

    @property
    def log_bytes(self):
        return (self.store / "log" / "g1" / "data.mdb").stat().st_size

    def view_bytes(self, view):
        """Bytes of the newest generation of a view."""
        return max(self.store.glob(f"views/{view}/*/data.mdb"), key=lambda path: path.stat().st_mtime).stat().st_size
