"""Laws of what is measured: a meter counts work and no waiting, and `timing.json` keeps what others noted."""

from __future__ import annotations

import json
import time
from pathlib import Path

import torch

from genbench.runtime.cost import Meter, note, processor, recorded, surroundings
from genbench.storage.files import LEDGER


def test_waiting_is_on_the_clock_and_not_of_the_processor() -> None:
    meter = Meter()
    time.sleep(0.2)
    meter.stop()
    assert meter.seconds >= 0.2 and meter.cpu_seconds < 0.1


def test_a_stopped_meter_stands() -> None:
    meter = Meter()
    meter.stop()
    before = meter.seconds, meter.cpu_seconds
    sum(range(2_000_000))
    assert (meter.seconds, meter.cpu_seconds) == before
    assert Meter().cpu_seconds < 0.1


def test_a_record_stands_beside_others_or_alone(tmp_path: Path) -> None:
    note(tmp_path, "train", {"seconds": 1.0})
    note(tmp_path, "sample", {"seconds": 2.0})
    note(tmp_path, "sample", {"seconds": 3.0})
    path = tmp_path / "timing.json"
    assert recorded(path) == {"train": {"seconds": 1.0}, "sample": {"seconds": 3.0}}
    note(tmp_path, "train", {"seconds": 4.0}, alone=True)  # another training: its samples are not drawn yet
    assert json.loads(path.read_text()) == {"train": {"seconds": 4.0}}


def test_a_damaged_record_costs_nothing_and_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "timing.json"
    assert recorded(path) == {}
    for content in (b"{", b"[1]", b"\xff"):
        path.write_bytes(content)
        LEDGER.clear()
        assert recorded(path) == {}
        assert not LEDGER.read  # no stage counts it among its inputs


def test_the_machine_has_a_name(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(
        "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: Some CPU @ 2 GHz\n"
    )
    assert processor(tmp_path / "cpuinfo") == "Some CPU @ 2 GHz"
    assert processor(tmp_path / "nothing")
    found = surroundings(torch.device("cpu"))
    assert found["device"] == "cpu" and found["machine"] and 10 < found["peak_memory_mib"] < 1e6
