"""Proves that what a run leaves loads where it belongs: transformers, LLaVA's torch.load, PEFT; with the same losses.

Versions: Python 3.11, torch 2.15.0, transformers 5.23.0, peft 0.21.2, safetensors 0.8.0.
Run: python3 Fixtures/generators/check_exports.py --embgap .build/release/embgap --scratch DIR
Trains the tiny LLaVA of Fixtures/checkpoints through both stages, exports its projector in both formats, and computes
the held-out next-token loss after each stage in PyTorch. Ends with an error where a loss differs by more than 1e-4.
"""

import argparse
import json
import pathlib
import subprocess

import peft
import safetensors.torch
import torch
from torch.nn import functional

from checkpoint_files import ROOT
from training import Ladder

NAME, BOS = "llava-clip-llama", "<s>"


def run_and_export(arguments, folder):
    checkpoint = ROOT / NAME
    lines = [json.loads(line) for line in (checkpoint / "pairs.jsonl").read_text("utf-8").splitlines()]
    questions = [
        {"image": str(checkpoint / line["image"]), "question": "what is it?", "answer": line["caption"].split()[0]}
        for line in lines]
    (folder / "questions.jsonl").write_text("\n".join(json.dumps(question) for question in questions) + "\n", "utf-8")
    (folder / "RUN.yaml").write_text(f"""
checkpoint: {checkpoint}
pairs: {checkpoint}/pairs.jsonl
projector: {{kind: mlp2x_gelu}}
steps: 20
batch: 4
contrastive: {{readout: "layer:2"}}
instruct: {{questions: questions.jsonl, steps: 20}}
evaluation: {{pairs: {checkpoint}/pairs.jsonl, every: 20}}
""", "utf-8")
    run = folder / "run"
    subprocess.run([arguments.embgap, "train", "--config", folder / "RUN.yaml", "--out", run, "--quiet"],
                   check=True, stdout=subprocess.DEVNULL)
    for source, stage in ((run / "projector-aligned.safetensors", "aligned"), (run, "instructed")):
        for name, ending in (("llava", "bin"), ("hf", "safetensors")):
            subprocess.run([arguments.embgap, "export", "--checkpoint-or-run", source, "--format", name, "--out",
                            folder / f"{stage}.{ending}"], check=True, stdout=subprocess.DEVNULL)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
    return run, {line["stage"]: line["evaluation"]["ntp_loss"] for line in lines if "evaluation" in line and "stage" in line}


def loss_of(ladder):
    with torch.no_grad():
        projector = ladder.model.model.multi_modal_projector
        return ladder.losses(projector, None, None, {"objective": "ntp"}, None)[0].item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--embgap", required=True)
    parser.add_argument("--scratch", required=True)
    arguments = parser.parse_args()
    arguments.embgap = str(pathlib.Path(arguments.embgap).resolve())
    folder = pathlib.Path(arguments.scratch).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    run, expected = run_and_export(arguments, folder)
    ladder = Ladder(NAME, BOS)
    for stage in ("aligned", "instructed"):
        tensors = safetensors.torch.load_file(folder / f"{stage}.safetensors")
        missing = ladder.model.model.load_state_dict(tensors, strict=False)
        assert not missing.unexpected_keys, missing.unexpected_keys
        llava = torch.load(folder / f"{stage}.bin", weights_only=True)
        # As LLaVA's builder takes them: what follows "mm_projector.".
        module = torch.nn.Sequential(ladder.model.model.multi_modal_projector.linear_1, torch.nn.GELU(),
                                     ladder.model.model.multi_modal_projector.linear_2)
        own = {key.split("mm_projector.")[1]: value for key, value in llava.items()}
        for key, value in module.state_dict().items():
            assert torch.equal(own[key], value), key
        if stage == "instructed":
            ladder.model = peft.PeftModel.from_pretrained(ladder.model, run / "adapter").eval()
            inner = ladder.model.base_model.model
            ladder.model = inner
            ladder.language = inner.model.language_model
            ladder.embed = ladder.language.get_input_embeddings()
            layer = ladder.language.layers[0].self_attn.q_proj
            assert layer.lora_B["default"].weight.abs().max() > 0
        found = loss_of(ladder)
        print(f"{stage}: embgap {expected[stage]:.6f}, transformers {found:.6f}")
        assert abs(found - expected[stage]) < 1e-4


if __name__ == "__main__":
    main()
