"""Imported by Tools/concurrency: ten processes of the real kura at a time in a vault with a copy in a second region.

An oracle notes what kura acknowledged, and when: points made, dropped, and copied to the other region. From that
follows what each command must show that begins later. What is not known, because a command was killed or a region is away, may
be so or so until the world stands still for a moment: then every point is there, or there was a reason.
"""
import contextlib
import hashlib
import json
import random
import re
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import trials
from promises import DAY, DRIFT, KEPT, Absence, Backup, Point, Prune, Turmoil, clock_error, seconds
from trials import DAMAGED, DONE, FAILED, LOCKED, NOT_FOUND, WARNINGS
from worlds import World

EAST, WEST, VAULT = "japaneast", "japanwest", "gold"
DISK_BYTES = 1 << 20
# The brake lets so many points of an item go at once, or one in so many.
BRAKE_COUNT, BRAKE_SHARE = 5, 3
# Kura waits for a minute before it says that something is locked.
LOCK_SECONDS = 50
# What a backup beside a move leaves in the other region until it is copied.
ACROSS = r"known to this home, (is|are) in region .* only"
CLOCK_BEHIND = r"the clock is .* behind the newest recovery point of"
FAILED_OVER = r"is failed over; what the dropped points needed is taken away after"
STOPPED = r"nothing was dropped from vault|is the newest of item .*, which is never dropped"
# A failover and something else that needs the record of the vault: one of them gives way at once.
CHANGED = r"the record of vault .* changed since it was read"
NOTHING_COPIED = r"no recovery point of vault .* is in region"
LEFT_BEHIND = r"would leave .* behind"


class TwoRegions(World):
    name = "two-regions"
    loses = False

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.faults = trials.faults(self.folder)
        self.points, self.backups, self.prunes = {}, [], []
        self.turmoils = []
        self.absences = []
        self.believed = {0}  # how far ahead a clock may be to be the one that the scheduler saw last
        self.running = {}
        self.stands_still = False
        self.passages = threading.Condition()

    # Commands

    @contextlib.contextmanager
    def passage(self):
        """A command runs. While the world stands still none begins."""
        key = object()
        with self.passages:
            self.passages.wait_for(lambda: not self.stands_still)
            self.running[key] = time.monotonic()
        try:
            yield
        finally:
            with self.passages:
                del self.running[key]
                self.passages.notify_all()

    @contextlib.contextmanager
    def stillness(self):
        """No command runs, but those of the caller."""
        with self.passages:
            self.stands_still = True
            self.passages.wait_for(lambda: not self.running)
        try:
            yield
        finally:
            with self.passages:
                self.stands_still = False
                self.passages.notify_all()

    def drain(self):
        """Waits until every command that runs now is over."""
        now = time.monotonic()
        with self.passages:
            self.passages.wait_for(lambda: all(began > now for began in self.running.values()))

    def kura(self, kind, *arguments, clock=0, kill=None, statuses=(DONE,), warnings=(), errors=()):
        """Runs a command by a clock that is so many seconds ahead."""
        def fits(end):
            if self.was_hidden(end.began, end.ended):
                return end.status in (DONE, FAILED, WARNINGS, NOT_FOUND, LOCKED, DAMAGED)
            if end.status == LOCKED:
                return end.ended - end.began > LOCK_SECONDS or bool(re.search(CHANGED, end.err))
            if end.status == WARNINGS:
                told = re.findall(r"^kura: warning: (.*)", end.err, re.MULTILINE)
                across = (ACROSS,) if any(known.overlaps(end.began, end.ended) for known in self.turmoils) else ()
                return all(any(re.search(known, line) for known in (*warnings, *across)) for line in told)
            if end.status == FAILED:
                return any(re.search(known, end.err) for known in errors)
            return end.status in statuses
        environment = {"LD_PRELOAD": str(self.faults), "KURA_CLOCK": str(clock)}
        return self.run(kind, *arguments, accepted=fits, kill=kill, environment=environment)

    # What the oracle knows

    def was_hidden(self, began, ended):
        return any(away.overlaps(began, ended) for away in self.absences)

    def is_sure(self, point, began):
        """Whether nothing that could drop a point was at work since `began`. Call it when the command is over."""
        return point.asked is None and point.gone is None and not point.is_left and not any(
            prune.may_drop(point) for prune in self.prunes
            if not prune.is_known or prune.ended is None or prune.ended >= began)

    def is_required(self, point, began):
        """Whether the active region must show a point to a command that began then, and is over."""
        if point.acknowledged >= began or not self.is_sure(point, began):
            return False
        for turmoil in self.turmoils:
            if turmoil.ended is not None and turmoil.ended <= began:
                continue
            if point.acknowledged >= turmoil.began:
                return False
            if turmoil.hides and (point.both is None or point.both >= turmoil.began):
                return False
        return True

    def sample(self, chance):
        """A point that should be there; nothing where there is none."""
        with self.lock:
            known = [point for point in self.points.values() if point.asked is None and point.gone is None]
        return chance.choice(known) if known else None

    # Workers

    def back_up(self, item):
        chance = random.Random(f"{self.seed} {item}")
        disk = bytearray(chance.randbytes(DISK_BYTES))
        clock = chance.choice((0, 0, -40 * DAY))
        while self.goes_on():
            if chance.random() < 0.03:
                disk[:] = chance.randbytes(DISK_BYTES)
            at = chance.randrange(0, DISK_BYTES - 65536)
            disk[at:at + 65536] = chance.randbytes(65536)
            self.make(chance, item if chance.random() < 0.8 else "shared", item, bytes(disk), clock)
            clock = clock_error(chance)

    def make(self, chance, item, image, disk, clock):
        path = self.folder / f"{image}.img"
        path.write_bytes(disk)
        attempt = Backup(item, hashlib.sha256(disk).digest(), 0)
        with self.passage():
            attempt.began = time.monotonic()
            with self.lock:
                self.backups.append(attempt)
            end = self.kura("backup", "backup", path, "--item", item, "--vault", VAULT, "--json", clock=clock,
                            kill=self.kill(chance), warnings=(CLOCK_BEHIND,))
            if end.status not in (DONE, WARNINGS):
                return
            made = json.loads(end.out)
            with self.lock:
                self.backups.remove(attempt)
                self.points[made["id"]] = Point(
                    made["id"], item, made["sequence"], seconds(made["time"]), attempt.digest, attempt.began, end.ended)

    def drop(self):
        chance = random.Random(f"{self.seed} drop")
        while self.goes_on():
            with self.lock:
                newest = self.newest().values()
                old = [point.id for point in self.points.values()
                       if point.asked is None and point.gone is None and point not in newest]
            if len(old) < 5:
                time.sleep(0.1)
                continue
            self.prune("drop", chance, clock_error(chance), chance.sample(old, chance.randint(1, 3)))
            time.sleep(chance.uniform(0, 0.5))

    def newest(self):
        newest = {}
        for point in self.points.values():
            if point.item not in newest or newest[point.item].sequence < point.sequence:
                newest[point.item] = point
        return newest

    def prune(self, kind, chance, clock, dropped=(), token=None, is_killed=True):
        arguments = [word for id in dropped for word in ("--drop", id)] + (["--confirm", token] if token else [])
        with self.passage():
            with self.lock:
                prune = Prune(clock, bool(token), set(self.believed), time.monotonic())
                self.prunes.append(prune)
                for id in dropped:
                    self.points[id].asked = self.points[id].asked or prune.began
                if token:
                    self.believe(clock)
            end = self.kura(
                kind, "prune", "--vault", VAULT, *arguments, "--json", clock=clock,
                kill=self.kill(chance) if is_killed else None, warnings=(FAILED_OVER,), errors=(STOPPED,),
                # What a rule dropped meanwhile is not found.
                statuses=(DONE, NOT_FOUND) if dropped else (DONE,))
            with self.lock:
                prune.ended = time.monotonic()
                prune.is_known = end.status in (DONE, WARNINGS, NOT_FOUND)
                if end.status == FAILED and re.search(STOPPED, end.err):
                    prune.is_known = True
                    for id in dropped:
                        # Nothing else asks for these.
                        self.points[id].asked = None
                if end.status not in (DONE, WARNINGS):
                    return end
                report = json.loads(end.out)
                # Where no rule drops a point any more, nothing was stopped, and no clock is confirmed.
                if token and report["dropped"]:
                    self.believed = {clock}
                self.note_dropped(report, prune, end, set(dropped))
        return end

    def note_dropped(self, report, prune, end, asked):
        """Points that a prune says it dropped; checks that it was allowed to."""
        # What the other region was not told may be there again when it is back.
        is_everywhere = end.status == DONE or "cannot be reached" not in end.err
        dropped = {entry["id"] for entry in report["dropped"]}
        by_rule = {}
        for entry in report["dropped"]:
            point = self.points.get(entry["id"])
            if point:
                point.asked = point.asked or end.ended
                point.gone = end.ended if is_everywhere else point.gone
            if point and point.id not in asked:
                by_rule.setdefault(point.item, []).append(point)
        for item, points in by_rule.items():
            for point in points:
                if problem := self.wrongly_dropped(point, prune, dropped):
                    self.failures.append(f"{point} was dropped by {prune}: {problem}")
            there = sum(entry["item"] == item for entry in report["kept"] + report["dropped"])
            if not prune.is_confirmed and len(points) > BRAKE_COUNT and len(points) * BRAKE_SHARE > there:
                self.failures.append(f"{len(points)} of {there} points of {item} were dropped at once by {prune}")

    def wrongly_dropped(self, point, prune, dropped):
        if not prune.may_drop(point):
            return "it is too young, or the clock is wrong"
        now = time.time() + prune.clock
        others = [other for other in self.points.values()
                  if other.item == point.item and other.acknowledged < prune.began and other is not point]
        is_newest = all(other.sequence < point.sequence for other in others)
        if is_newest and not any(backup.item == point.item for backup in self.backups) and not any(
                other.item == point.item and other.sequence > point.sequence for other in self.points.values()):
            return "it is the newest of its item"
        # Points that a clock that was behind made are as young as the one before them, where a prune sees that.
        before = [other.time for other in others if other.sequence < point.sequence and other.time <= now
                  and (other.asked is None or other.id in dropped) and other.both and other.both < prune.began]
        if before and now - max(before) < KEPT - DAY:
            return "the point before it is young"
        return None

    def believe(self, clock):
        """A command begins that may make prunes believe this clock."""
        self.believed = self.believed | {clock}
        for prune in self.prunes:
            if prune.ended is None:
                prune.believed.add(clock)

    def keep(self):
        """Prunes by rules, confirms some of what the brake stops, and lets the scheduler look at the clock."""
        chance = random.Random(f"{self.seed} keep")
        while self.goes_on():
            clock, kind = clock_error(chance), chance.random()
            if kind < 0.5:
                self.prune("prune", chance, clock)
            elif kind < 0.8:
                self.review(chance, clock)
            else:
                self.tick(chance, clock)
            time.sleep(chance.uniform(0, 0.7))

    def review(self, chance, clock):
        with self.passage():
            end = self.kura("prune --dry-run", "prune", "--dry-run", "--vault", VAULT, "--json", clock=clock)
        plan = json.loads(end.out) if end.status == DONE else {"brake": []}
        if plan["brake"] and chance.random() < 0.3:
            self.prune("prune --confirm", chance, clock, token=plan["brake"][0]["token"])

    def tick(self, chance, clock):
        with self.passage():
            with self.lock:
                before = self.believed
                near = [abs(clock - ahead) <= DRIFT for ahead in before]
                if any(near):
                    self.believe(clock)
                prune = Prune(clock, False, set(self.believed), time.monotonic())
                self.prunes.append(prune)
            end = self.kura("scheduler tick", "scheduler", "tick", clock=clock, kill=self.kill(chance),
                            warnings=("nothing is pruned", FAILED_OVER), errors=(STOPPED,))
            with self.lock:
                prune.ended = time.monotonic()
                if end.status in (DONE, WARNINGS) and all(near):
                    self.believed = {clock}

    def replicate(self, kind="replicate", clock=0, kill=None):
        """Copies to the other region, and notes what is there then. Whether it was done."""
        end = self.kura(kind, "replicate", clock=clock, kill=kill)
        if end.status == DONE and not self.was_hidden(end.began, end.ended):
            with self.lock:
                for point in self.points.values():
                    if point.acknowledged < end.began and point.both is None:
                        point.both = end.ended
        return end.status == DONE

    def keep_copying(self):
        chance = random.Random(f"{self.seed} replicate")
        while self.goes_on():
            with self.passage():
                self.replicate(clock=clock_error(chance), kill=self.kill(chance))
            time.sleep(chance.uniform(0, 2))

    def restore(self):
        chance = random.Random(f"{self.seed} restore")
        while self.goes_on():
            if point := self.sample(chance):
                with self.passage():
                    self.restore_one(point, chance.choice((None, EAST, WEST)), clock_error(chance))
            else:
                time.sleep(0.1)

    def restore_one(self, point, region, clock=0, kind="restore"):
        began = time.monotonic()
        with self.lock:
            both = point.both
        end = self.kura(kind, "restore", point.id, "--vault", VAULT, "--output", "-", clock=clock,
                        *(("--region", region) if region else ()), statuses=(DONE, FAILED, NOT_FOUND, DAMAGED),
                        errors=("",))
        is_there = end.status in (DONE, WARNINGS)
        if is_there and hashlib.sha256(end.out).digest() != point.digest:
            self.fail(f"{point} restores other bytes from {region}, with {end.status}")
        with self.lock:
            must = self.is_required(point, began) and not self.was_hidden(began, end.ended) and (
                region is None or both is not None and both < began)
        # A restore warns of other points that are in one region alone, as they are during a turmoil: one of them may be
        # newer than the one that was asked for.
        if must and not is_there:
            self.fail(f"{point} does not restore from {region}: {end.status}, {end.err[-600:]}")

    def look(self):
        chance = random.Random(f"{self.seed} look")
        while self.goes_on():
            clock, kill = clock_error(chance), self.kill(chance)
            with self.passage():
                kind = chance.choice(("list", "list", "verify", "audit", "status", "drill"))
                if kind == "list":
                    self.list(clock, kill)
                elif kind == "verify":
                    level = chance.choice(("packs", "chunks"))
                    self.blind(self.kura(f"verify {level}", "verify", "--vault", VAULT, "--level", level, clock=clock,
                                         kill=kill))
                elif kind == "audit":
                    self.audit(clock, kill)
                elif kind == "status":
                    self.blind(self.kura("region status", "region", "status", clock=clock, kill=kill))
                else:
                    self.kura("drill", "drill", "--vault", VAULT, clock=clock, kill=kill, errors=(NOTHING_COPIED,))

    def blind(self, end):
        """A command that began and ended while a region was away must not say that all is well."""
        if end.status == DONE and any(
                absence.away is not None and absence.away < end.began
                and (absence.returns is None or absence.returns > end.ended) for absence in self.absences):
            self.fail(f"a command ended with 0 while a region was away: {end.out.decode()[:300]}")

    def audit(self, clock=0, kill=None):
        self.blind(self.kura("audit --verify", "audit", "--verify", clock=clock, kill=kill))

    def list(self, clock=0, kill=None):
        """Lists the points, and looks for those that must be there, and for those that must not."""
        end = self.kura("list", "list", "--vault", VAULT, "--json", clock=clock, kill=kill)
        self.blind(end)
        if end.status not in (DONE, WARNINGS):
            return None
        listed = {point["id"]: point for point in json.loads(end.out)["recovery_points"]}
        with self.lock:
            for point in self.points.values():
                if point.id in listed:
                    if point.gone is not None and point.gone < end.began and not self.was_hidden(
                            end.began, end.ended):
                        self.failures.append(f"{point} is back, though it was dropped")
                elif self.is_required(point, end.began):
                    self.failures.append(f"{point} is not listed; {self.turmoils[-1:]} {self.prunes[-3:]}")
        return listed

    # Regions that change their parts

    def move(self):
        chance = random.Random(f"{self.seed} move")
        time.sleep(2)
        while self.goes_on():
            kind = chance.choices((self.plan, self.take_away, self.burn), (4, 3, 2))[0]
            with self.turmoil(hides=kind != self.plan) as turmoil:
                kind(chance, turmoil)
            with self.stillness():
                self.settle(is_thorough=chance.random() < 0.3)
            time.sleep(chance.uniform(0, 2))

    @contextlib.contextmanager
    def turmoil(self, hides):
        turmoil = Turmoil(time.monotonic(), hides)
        with self.lock:
            self.turmoils.append(turmoil)
        yield turmoil
        # What began meanwhile ends in some region; this replication brings it to the other one.
        self.drain()
        if not self.replicate("replicate after a move") and not self.failures:
            self.fail("replicate after a move did not copy everything")
        with self.lock:
            turmoil.ended = time.monotonic()

    def plan(self, chance, turmoil):
        """A failover with both regions there leaves nothing behind; nor does the way back."""
        self.move_to("failover", EAST, chance)
        time.sleep(chance.uniform(0.5, 2.5))
        self.move_to("failback", EAST, chance)

    def move_to(self, verb, region, chance=None):
        """Fails over or back, again while points are made that were not copied, and after it was killed."""
        for _ in range(8):
            end = self.kura(verb, "region", verb, region, "--json", errors=(LEFT_BEHIND,),
                            warnings=("was not replicated",), clock=clock_error(chance) if chance else 0,
                            kill=self.kill(chance) if chance else None)
            if end.status == DONE or self.failures:
                return
            if end.status == FAILED:
                with self.lock:
                    for left in json.loads(end.out)["left_behind"]:
                        point = self.points.get(left.get("id"))
                        if point and point.acknowledged < end.began and self.is_sure(point, end.began):
                            self.failures.append(f"{verb} would leave {point} behind, though both regions are there")
        with self.stillness():  # Backups made new points during each of them.
            if self.kura(f"{verb} in stillness", "region", verb, region).status != DONE:
                self.fail(f"{verb} of {region} was not done, though nothing else was at work")

    def absence(self):
        absence = Absence(time.monotonic())
        with self.lock:
            self.absences.append(absence)
        return absence

    def take_away(self, chance, turmoil):
        """A region cannot be reached for a while, and comes back as it was."""
        region = chance.choice((EAST, EAST, WEST))
        path, away = self.home / "regions" / region, self.folder / "away"
        absence = self.absence()
        path.rename(away)
        absence.away = time.monotonic()
        time.sleep(chance.uniform(0, 1))
        if region == EAST:
            self.lose(chance)
        time.sleep(chance.uniform(0.5, 2.5))
        if path.exists():
            self.fail(f"{region} was made anew while it was away: {list(path.rglob('*'))[:5]}")
            return
        absence.returns = time.monotonic()
        away.rename(path)
        self.drain()
        self.replicate("replicate after a return")
        absence.ended = time.monotonic()
        if region == EAST:
            self.move_to("failback", EAST)

    def burn(self, chance, turmoil):
        """A region is lost for good, with what it alone had."""
        region = chance.choice((EAST, EAST, WEST))
        path = self.home / "regions" / region
        with self.stillness():
            absence = self.absence()
            shutil.rmtree(path)
            absence.away = time.monotonic()
        if region == EAST:
            end = self.lose(chance)
            with self.lock:
                self.leave(end)
        with self.lock:
            for point in self.points.values():
                point.both = None
        time.sleep(chance.uniform(0.5, 2))
        absence.returns = time.monotonic()
        self.kura("region add --recreate", "region", "add", region, "--recreate")
        self.drain()
        self.replicate("replicate after a fire")
        absence.ended = time.monotonic()
        if region == EAST:
            self.move_to("failback", EAST)

    def lose(self, chance):
        """Declares the active region lost."""
        arguments = ("region", "failover", EAST, "--json")
        end = self.kura("failover, region away", *arguments, kill=self.kill(chance))
        if end.status == DONE:
            return end
        end = self.kura("failover --accept-loss", *arguments, "--accept-loss")
        if end.status not in (DONE, WARNINGS):
            self.fail(f"failover --accept-loss ended with {end.status}: {end.err}")
        return end

    def leave(self, end):
        """What a failover from a region that burnt says is left behind is lost, and nothing else."""
        report = json.loads(end.out)
        if not report["moved"]:
            # It had moved before it was killed; what it would have said is not known.
            for point in self.points.values():
                point.asked = point.asked or (end.began if point.both is None else None)
            return
        for left in report["left_behind"]:
            point = self.points.get(left.get("id"))
            if "id" not in left:
                self.failures.append("the home does not know what the other region does not have")
            elif point and point.both is not None and self.is_sure(point, end.began):
                self.failures.append(f"a failover leaves {point} behind, though it was copied")
            elif point:
                point.is_left = True

    # While nothing else runs

    def settle(self, is_thorough=False):
        """Both regions are in step: each point is there or dropped, and what was killed has left nothing half."""
        if self.failures or not self.replicate("replicate in stillness"):
            return
        listed = self.list()
        if listed is None or self.failures:
            return
        for point in list(self.points.values()):
            if point.id in listed:
                point.asked, point.both = None, time.monotonic()
                if point.is_left:
                    self.fail(f"{point} is there, though a failover said that it was left behind")
            elif self.is_sure(point, point.acknowledged):
                self.fail(f"{point} is lost; {self.prunes[-3:]} {self.turmoils[-2:]}")
            elif point.gone is None:
                # A command that was killed dropped it, or it burnt. It must not come back.
                point.gone = time.monotonic()
        for id in listed.keys() - self.points.keys():
            self.adopt(listed[id])
        self.backups.clear()
        self.prunes.clear()
        self.audit()
        if is_thorough:
            self.kura("verify in stillness", "verify", "--vault", VAULT, "--level", "chunks")

    def adopt(self, listed):
        """A point that a killed backup made is whole, too."""
        now = time.monotonic()
        end = self.kura("restore of what was killed", "restore", listed["id"], "--vault", VAULT, "--output", "-")
        digest = hashlib.sha256(end.out).digest()
        if not any(backup.item == listed["item"] and backup.digest == digest for backup in self.backups):
            self.fail(f"{listed} has bytes that no backup read")
        self.points[listed["id"]] = Point(listed["id"], listed["item"], listed["sequence"], seconds(listed["time"]),
                                          digest, now, now, both=now)

    def live(self):
        for arguments in (("init",), ("region", "add", EAST), ("region", "add", WEST),
                          ("vault", "create", VAULT, "--region", EAST, "--redundancy", "ra-grs"),
                          ("scheduler", "tick")):
            self.kura(" ".join(arguments[:2]), *arguments)
        self.start([lambda: self.back_up("web"), lambda: self.back_up("mail"), lambda: self.back_up("db"),
                    lambda: self.back_up("files"), self.drop, self.keep, self.keep_copying, self.restore, self.look,
                    self.move])

    def check(self):
        self.settle()
        self.finish_pruning()
        self.settle(is_thorough=True)
        self.points = {id: point for id, point in self.points.items() if point.gone is None}
        if self.loses:
            self.remove_pack()
        with ThreadPoolExecutor(2) as pool:
            for _ in pool.map(lambda work: self.restore_one(*work, kind="restore at the end"),
                              [(point, region) for point in self.points.values() for region in (EAST, WEST)]):
                pass
        self.kura("verify at the end", "verify", "--level", "chunks")
        self.kura("region status", "region", "status")
        self.kura("catalog rebuild", "catalog", "rebuild")
        if self.list() is None and not self.failures:
            self.fail("the list after kura catalog rebuild")
        self.audit()

    def finish_pruning(self):
        """The last prune, by the right clock; what its brake stops is confirmed."""
        chance = random.Random(f"{self.seed} end")
        end = self.prune("prune at the end", chance, 0, is_killed=False)
        if end.status != FAILED:
            return
        end = self.kura("prune --dry-run", "prune", "--dry-run", "--vault", VAULT, "--json")
        brakes = json.loads(end.out)["brake"] if end.status == DONE else []
        if brakes:
            self.prune("prune --confirm", chance, 0, token=brakes[0]["token"], is_killed=False)

    def remove_pack(self):
        packs = sorted((self.home / f"regions/{EAST}/replica-0").glob("vaults/*/packs/*/*"))
        lost = max(packs, key=lambda pack: pack.stat().st_size).name
        for pack in self.home.glob(f"regions/*/replica-?/vaults/*/packs/*/{lost}"):
            pack.unlink()
