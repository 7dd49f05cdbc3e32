"""Writes and rewrites checkpoint directories. Imported by checkpoints.py.

Versions: Python 3.11, torch 2.15.0, transformers 5.23.0, safetensors 0.8.0.
"""

import json
import pathlib
import shutil
import tempfile

import torch
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent / "checkpoints"


def fresh(name):
    folder = ROOT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def save_tensors(path, tensors):
    save_file({key: value.detach().contiguous().clone() for key, value in tensors.items()}, str(path))


def save_model(model, folder, shard="5GB"):
    """What save_pretrained writes, without generation settings."""
    model.save_pretrained(folder, max_shard_size=shard)
    (folder / "generation_config.json").unlink(missing_ok=True)


def stored_tensors(folder):
    return {key: value for file in sorted(folder.glob("model*.safetensors")) for key, value in load_file(file).items()}


def legacy_rope(config):
    """rope_parameters of transformers 5 as rope_theta and rope_scaling of transformers 4."""
    parameters = dict(config.pop("rope_parameters", None) or {})
    if not parameters:
        return
    config["rope_theta"] = parameters.pop("rope_theta")
    if parameters.get("rope_type") == "linear":
        parameters["type"] = parameters.pop("rope_type")
    config["rope_scaling"] = None if parameters.get("rope_type") == "default" else parameters


def legacy_config(config):
    """A config.json of transformers 5 as version 4 wrote it."""
    config = {key: legacy_config(value) if key.endswith("_config") else value for key, value in config.items()}
    if "dtype" in config:
        config["torch_dtype"] = config.pop("dtype")
    legacy_rope(config)
    config.pop("layer_types", None)
    if config.get("model_type") == "qwen2":
        config |= {"use_sliding_window": False, "sliding_window": 4, "max_window_layers": 1}
    if config.get("model_type") == "gemma":
        config["hidden_act"] = "gelu"
    if "transformers_version" in config:
        config["transformers_version"] = "4.45.0"
    return config


def write_legacy_config(folder):
    write_json(folder / "config.4.json", legacy_config(read_json(folder / "config.json")))


class WithLegacyConfig:
    """A temporary copy of a directory in which config.4.json is the configuration."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        self.scratch = tempfile.TemporaryDirectory()
        copy = pathlib.Path(self.scratch.name) / self.folder.name
        shutil.copytree(self.folder, copy)
        shutil.copy(copy / "config.4.json", copy / "config.json")
        return copy

    def __exit__(self, *_):
        self.scratch.cleanup()


def load(model_class, folder):
    """The stored model in float32, whatever type it was stored in."""
    model, report = model_class.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    left = {key: value for key, value in report.items() if value}
    assert not left, (folder.name, left)
    return model.eval()
