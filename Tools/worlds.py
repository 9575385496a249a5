"""Imported by Tools/concurrency: processes of the real kura beside each other in one home, and what they end with."""
import collections
import os
import signal
import subprocess
import threading
import time

from trials import INTERRUPTED, WARNINGS

# Longer than kura waits for a lock, and than any command here takes.
SECONDS_MAX = 150
SIGNALS = (signal.SIGKILL, signal.SIGTERM)

Ended = collections.namedtuple("Ended", "status out err began ended")


class World:
    """A home in which several threads run one command each. A failure ends it."""

    def __init__(self, program, folder, seed, seconds):
        self.program, self.folder, self.seed = program, folder, seed
        self.home = folder / "home"
        self.ends = time.monotonic() + seconds
        self.lock = threading.Lock()
        self.done = collections.Counter()
        self.warnings = collections.Counter()
        self.failures = []
        # To find the cause of a failure: the folder is kept then.
        self.log = open(folder / "commands", "w")

    def fail(self, message):
        with self.lock:
            self.failures.append(message)

    def goes_on(self):
        return time.monotonic() < self.ends and not self.failures

    def start(self, workers):
        """Runs every worker in a thread of its own, until all of them are done."""
        threads = [threading.Thread(target=self.work, args=(worker,)) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def work(self, worker):
        try:
            worker()
        except Exception as error:  # An error of this tool must not look like a run without losses.
            self.fail(f"{worker}: {error!r}")
            raise

    def kill_time(self, chance):
        return chance.uniform(0.01, 0.3) if chance.random() < 0.15 else None

    def kill(self, chance):
        after = self.kill_time(chance)
        return after and (after, chance.choice(SIGNALS))

    def run(self, kind, *arguments, accepted, kill=None, environment=None):
        """Runs a command.

        accepted is what it may end with, or a function of the end that says so. kill is after how many seconds it
        gets a signal, and which.
        """
        began = time.monotonic()
        process = subprocess.Popen(
            [str(self.program), "--home", str(self.home), *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **(environment or {})})
        sent = None
        try:
            out, err = process.communicate(timeout=kill[0] if kill else SECONDS_MAX)
        except subprocess.TimeoutExpired:
            sent = kill[1] if kill else signal.SIGKILL
            process.send_signal(sent)
            if not kill:
                self.fail(f"{arguments} does not end")
            try:
                out, err = process.communicate(timeout=SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                self.fail(f"{arguments} does not end after {sent.name}")
        end = Ended(process.returncode, out, err.decode(), began, time.monotonic())
        # SIGTERM may come when only the last line of a journal is to be written: that is told.
        is_killed = sent and end.status == -sent or sent == signal.SIGTERM and (
            end.status == INTERRUPTED or end.status == WARNINGS and "interrupted" in end.err)
        with self.lock:
            self.done[f"{kind}: {end.status}"] += 1
            self.log.write(f"{began:.3f} {end.ended:.3f} {end.status} {kind}: {' '.join(map(str, arguments))} "
                           f"{environment or ''}\n    {end.err[:2000]}\n")
            if end.status == WARNINGS:
                self.warnings[end.err[-300:]] += 1
        if not is_killed and not (accepted(end) if callable(accepted) else end.status in accepted):
            text = out.decode(errors="replace") if "restore" not in kind else ""
            self.fail(f"{' '.join(map(str, arguments))} {environment or ''} ended with {end.status}: "
                      f"{end.err[-1500:]}{text[:600]}")
        return end

    def told(self):
        """What was done, for people."""
        lines = [f"{count:5} {name}" for name, count in sorted(self.done.items())]
        lines += [f"{count:5} {warning.strip()}" for warning, count in self.warnings.most_common(5)]
        return "\n".join(lines)
