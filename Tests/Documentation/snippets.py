"""Runs the Python of the page DumpingEmbeddings, and measures what it wrote, with tiny models in place of downloads.

Usage, from the repository root:

    python Tests/Documentation/snippets.py .build/release/embgap

Needs torch, transformers, open_clip_torch, safetensors and pillow. The text of each block is run as it is printed, but
for open_clip's weights, which are left random: nothing is downloaded. What a dump holds is then held against vectors
that are worked out one pair at a time, where nothing is padded.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

PAGE = Path("Sources/EmbeddingGap/EmbeddingGap.docc/DumpingEmbeddings.md")
CAPTIONS = ["a red circle", "a large blue square to the left of a small green ring", "two rings", "a dog", "a cat on a mat", "tea"]
LINES = 10


def blocks(text):
    """Each Python block with the shell block that follows it."""
    return re.findall(r"```python\n(.*?)```.*?```sh\n(.*?)```", text, flags=re.S)


def write_pairs():
    rng = np.random.default_rng(0)
    os.mkdir("images")
    with open("pairs.jsonl", "w") as file:
        for i, caption in enumerate(CAPTIONS):
            Image.fromarray(rng.integers(0, 256, (40, 32, 3), dtype=np.uint8)).save(f"images/{i}.png")
            file.write(json.dumps({"image": f"images/{i}.png", "caption": caption}) + "\n")


class TinyModel(torch.nn.Module):
    """What the first block expects of a model: a projector and an embedding, called with a batch."""

    def __init__(self):
        super().__init__()
        self.projector = torch.nn.Linear(6, 8)
        self.embed_tokens = torch.nn.Embedding(20, 8)

    def forward(self, features, input_ids, attention_mask):
        return self.projector(features), self.embed_tokens(input_ids)


def batches(rng):
    """Two batches of three; captions of different lengths, filled up with token 0."""
    for _ in range(2):
        lengths = rng.permutation([2, 4, 7])
        ids = np.array([[*rng.integers(1, 20, n), *[0] * (7 - n)] for n in lengths])
        yield {
            "features": torch.tensor(rng.normal(size=(3, 5, 6)), dtype=torch.float32),
            "input_ids": torch.tensor(ids),
            "attention_mask": torch.tensor((ids > 0).astype(np.int64)),
        }


def hooks():
    torch.manual_seed(0)
    model, loader = TinyModel(), list(batches(np.random.default_rng(1)))
    image, text = [], []
    for batch in loader:
        image += [model.projector(features).mean(0) for features in batch["features"]]
        text += [model.embed_tokens(ids[ids > 0]).mean(0) for ids in batch["input_ids"]]
    return {"model": model, "loader": loader}, lambda: (torch.stack(image), torch.stack(text))


def arrays():
    rng = np.random.default_rng(2)
    image, text = rng.normal(size=(2, 6, 8)).astype(np.float32)
    return {"image": image, "text": text}, lambda: (torch.tensor(image), torch.tensor(text))


def transformers_clip():
    """A directory where `from_pretrained` looks for the name, before it would ask a server."""
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizer

    name = "openai/clip-vit-base-patch32"
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *[letter + "</w>" for letter in letters]]
    tokenizer = CLIPTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[], model_max_length=77)
    side = {"height": 32, "width": 32}
    processor = CLIPProcessor(CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=side), tokenizer)
    sizes = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2)
    config = CLIPConfig(
        text_config=dict(**sizes, vocab_size=len(words), bos_token_id=0, eos_token_id=1, pad_token_id=1),
        vision_config=dict(**sizes, image_size=32, patch_size=8),
        projection_dim=12,
    )
    torch.manual_seed(0)
    model = CLIPModel(config).eval()
    model.save_pretrained(name)
    processor.save_pretrained(name)

    def alone():
        image, text = [], []
        for i, caption in enumerate(CAPTIONS):
            inputs = processor(text=caption, images=Image.open(f"images/{i}.png"), return_tensors="pt")
            with torch.no_grad():
                output = model(**inputs)
            image.append(output.image_embeds[0])
            text.append(output.text_embeds[0])
        return torch.stack(image), torch.stack(text)

    return {}, alone


def open_clip():
    return {}, None


def run(block, command, kind, binary):
    lines = [line for line in block.splitlines() if line.strip()]
    assert len(lines) <= LINES, f"{kind.__name__}: {len(lines)} lines, expected at most {LINES}"
    names, expected = kind()
    if kind is open_clip:
        block, replaced = re.subn(r'pretrained="\w+"', "pretrained=None", block)
        assert replaced == 1, "open_clip: no pretrained weights are named"
    exec(compile(block, kind.__name__, "exec"), names)
    words = command.split()
    assert words[0] == "embgap", command
    report = json.loads(subprocess.run([binary, *words[1:], "--json"], check=True, capture_output=True).stdout)
    assert report["pairs"] == len(CAPTIONS), report["pairs"]
    if expected:
        image, text = expected()
        if words[2].endswith(".npy"):
            found = dict(zip(("image", "text"), torch.tensor(np.load(words[2]))))
        else:
            found = load_file(words[2])
        for side, vectors in (("image", image), ("text", text)):
            difference = (found[side] - vectors).abs().max().item()
            assert difference < 1e-5, f"{kind.__name__}: {side} differs by {difference} from unpadded vectors"
    print(f"{kind.__name__}: {len(lines)} lines, {report['pairs']} pairs in {report['dimension']} dimensions")


def main():
    binary = str(Path(sys.argv[1]).resolve())
    found = blocks(PAGE.read_text())
    kinds = [arrays, hooks, open_clip, transformers_clip]
    assert len(found) == len(kinds), f"{len(found)} blocks, expected {len(kinds)}"
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_pairs()
        for (block, command), kind in zip(found, kinds):
            run(block, command, kind, binary)


if __name__ == "__main__":
    main()
