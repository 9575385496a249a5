"""Imported by tworegions.py: what is noted of a vault in two regions while ten processes work on it.

Times are of the steady clock of the tool, and None is: not yet. Times of kura's clock are seconds since 1970.
"""
import calendar
import dataclasses
import time

DAY = 86400
# What the policy of the vault keeps.
KEPT = 30 * DAY
# How far the clock may be from what it should be before prunes doubt it.
DRIFT = 3 * DAY


@dataclasses.dataclass
class Point:
    """A recovery point that kura acknowledged, or that a killed backup made all the same."""
    id: str
    item: str
    sequence: int
    time: float  # what kura said it is
    digest: bytes
    began: float
    acknowledged: float
    both: float = None  # both regions are known to have it
    asked: float = None  # a command was told to drop it
    gone: float = None  # that it is dropped is acknowledged
    is_left: bool = False  # it burnt with its region, and a failover said so


@dataclasses.dataclass
class Backup:
    """A backup that did not acknowledge a point. It may have made one all the same."""
    item: str
    digest: bytes
    began: float


@dataclasses.dataclass
class Prune:
    """A prune that may still be at work, or that was killed: what it dropped by rules is not known."""
    clock: float
    is_confirmed: bool
    believed: set
    began: float
    ended: float = None
    is_known: bool = False

    def may_drop(self, point):
        is_believed = self.is_confirmed or any(abs(self.clock - ahead) <= DRIFT for ahead in self.believed)
        return is_believed and time.time() + self.clock - point.time > KEPT - DAY


class Stretch:
    """Of time, in which something is so that is not so else."""

    def overlaps(self, began, ended):
        return self.began <= ended and (self.ended is None or self.ended >= began)


@dataclasses.dataclass
class Absence(Stretch):
    """A region is away: surely from one time to another, and perhaps a little longer. It ends when what was written
    meanwhile, by commands that were at work as it went, is in every replica again."""
    began: float
    away: float = None
    returns: float = None
    ended: float = None


@dataclasses.dataclass
class Turmoil(Stretch):
    """Regions change their parts. A point made meanwhile may be in one of them alone until it is over."""
    began: float
    hides: bool
    ended: float = None


def seconds(text):
    """Seconds since 1970 of a time in JSON."""
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def clock_error(chance):
    """Seconds by which the clock of a command is ahead: most are right, some are wrong by days, few by years."""
    kind = chance.random()
    if kind < 0.6:
        return 0
    days = (chance.randint(1, 2) if kind < 0.75 else chance.randint(5, 25) if kind < 0.88
            else chance.randint(40, 2000))
    return days * DAY * chance.choice((1, -1))
