"""The service's processes in a soak: started, killed, started again, and their memory."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import psycopg

MIB = 1024 * 1024
MAIN = "from headwater.cli.app import main; main()"
SETTLED_S = 60.0  # of a worker's life, after which its memory is looked at
FLAT_MIB_PER_MIN = 3.0
ENOUGH = 90  # looks, each two seconds after the other


class Fleet:
    """Some `headwater run` commands, each with its worker processes."""

    def __init__(self, folder: Path, environment: Mapping[str, str], services: int, chance: random.Random) -> None:
        self._folder = folder
        self._environment = environment
        self._chance = chance
        self._number = 0
        self._services = [self._start() for _ in range(services)]
        self._memory: dict[int, list[tuple[float, float]]] = defaultdict(list)
        self.killed: Counter[str] = Counter()

    def _start(self) -> subprocess.Popen[bytes]:
        self._number += 1
        command = [sys.executable, "-c", MAIN, "run", "--processes", "2"]
        with (self._folder / f"service{self._number}.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own command
                command, env=dict(self._environment), stdout=log, stderr=log, start_new_session=True
            )

    def workers(self) -> list[psutil.Process]:
        """The worker processes, oldest first."""
        found = []
        for service in self._services:
            try:
                found += psutil.Process(service.pid).children()
            except psutil.NoSuchProcess:
                continue
        return sorted(found, key=lambda process: process.create_time())

    def look(self) -> None:
        """Note the memory of each worker with its detections' process; start again a service that has ended."""
        for process in self.workers():
            try:
                size = sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))
            except psutil.NoSuchProcess:
                continue
            self._memory[process.pid].append((time.monotonic(), size / MIB))
        for index, service in enumerate(self._services):
            if service.poll() is not None:
                self.killed[f"ended {service.returncode}"] += service.returncode != -signal.SIGKILL
                self._services[index] = self._start()

    def strike(self, state_url: str) -> None:
        """Kill a worker, but the oldest, whose memory is watched; each fifth time a whole service or all sessions."""
        count = sum(self.killed.values())
        if count % 5 == 4 and len(self._services) > 1:
            self.killed["services"] += 1
            self._services[-1].kill()
        elif count % 5 == 2:
            self.killed["sessions of the database"] += 1
            with psycopg.connect(state_url, autocommit=True) as connection:
                ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'headwater'"
                connection.execute(ours)
        elif len(self.workers()) > 1:
            self.killed["workers"] += 1
            self._chance.choice(self.workers()[1:]).kill()

    def stop(self) -> bool:
        """End all as ECS does; whether each ended by itself."""
        for service in self._services:
            service.send_signal(signal.SIGTERM)
        try:
            return all(service.wait(120) in (0, -signal.SIGTERM) for service in self._services)
        except subprocess.TimeoutExpired:
            return False
        finally:
            for service in self._services:
                service.kill()

    def summary(self) -> dict[str, Any]:
        """What was killed, and how memory went."""
        settled = {pid: _settled(seen) for pid, seen in self._memory.items()}
        slopes = {pid: _slope(seen) for pid, seen in settled.items() if len(seen) > 10}
        longest = max(slopes, key=lambda pid: len(settled[pid]), default=None)
        slope = slopes[longest] if longest is not None else 0.0
        return {
            "killed": dict(self.killed),
            "worker_mib_max": round(max((size for seen in self._memory.values() for _, size in seen), default=0)),
            "worker_mib_per_min": round(slope, 2),
            "memory_watched_min": round(len(settled[longest]) / 30, 1) if longest is not None else 0.0,
            "memory_flat": slope < FLAT_MIB_PER_MIN
            if longest and len(settled[longest]) >= ENOUGH
            else "too short to say",
        }


def _settled(seen: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The second half of a life, without its first minute."""
    late = [(at, size) for at, size in seen if at - seen[0][0] > SETTLED_S]
    return late[len(late) // 2 :] if len(late) > 60 else late


def _slope(seen: Sequence[tuple[float, float]]) -> float:
    """MiB a minute, by least squares."""
    middle = sum(at for at, _ in seen) / len(seen)
    mean = sum(size for _, size in seen) / len(seen)
    spread = sum((at - middle) ** 2 for at, _ in seen)
    return 60 * sum((at - middle) * (size - mean) for at, size in seen) / spread
