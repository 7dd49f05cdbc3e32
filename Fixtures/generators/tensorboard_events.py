"""Writes the event file that tensorboard itself makes of Fixtures/training/events/metrics.jsonl.

Usage, from the repository root:

    python Fixtures/generators/tensorboard_events.py

It writes Fixtures/training/events/tensorboard.bin. Written with Python 3.11.7, tensorboard 2.21.0.

Tags and times are those that the documentation of EventLog names; messages and framing are tensorboard's own.
"""

import json
from pathlib import Path

from tensorboard.compat.proto import event_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

FOLDER = Path("Fixtures/training/events")
STEP_KEYS = ["ntp_loss", "contrastive_loss", "temperature", "lr", "grad_norm"]


def leaves(value, tag):
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, f"{tag}/{key}")]
    return [(tag, value)] if isinstance(value, (int, float)) else []


def scalars(line):
    stage = line.get("stage")
    if "metrics" not in line:
        prefix = "instruct" if stage == "instruct" else "train"
        return [(f"{prefix}/{key}", line[key]) for key in STEP_KEYS if line.get(key) is not None]
    prefix = "instructed/" if stage == "instructed" else ""
    return leaves(line["metrics"], prefix + "metrics") + leaves(line["evaluation"], prefix + "evaluation")


def main():
    with open(FOLDER / "tensorboard.bin", "wb") as file:
        writer = RecordWriter(file)
        writer.write(event_pb2.Event(file_version="brain.Event:2").SerializeToString())
        seconds = 0.0
        for text in (FOLDER / "metrics.jsonl").read_text().splitlines():
            line = json.loads(text)
            seconds += line["seconds"]
            event = event_pb2.Event(wall_time=seconds, step=line["step"])
            for tag, value in scalars(line):
                event.summary.value.add(tag=tag, simple_value=value)
            writer.write(event.SerializeToString())
        writer.flush()


main()
