"""Makes the frozen models of Fixtures/miniature: a tiny CLIP vision model and a tiny Llama-style language model.

Versions: Python 3.11, torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, safetensors 0.8.0, pillow 13.0.0.
Run: python3 Fixtures/generators/miniature.py PART --embgap .build/release/embgap --scratch DIR
PART is vision, language, vision-small or language-gpt2. Each takes some minutes to half an hour on one core.

Both learn from scenes that `embgap scenes` draws with seed 77; experiments use other seeds. The vision model learns to
match captions against a text tower that is thrown away, and to name every object from its patches. The language model
sees text alone: captions, captions followed by questions and answers, paraphrases, summaries.
"""

import argparse
import json
import math
import pathlib
import random
import re
import subprocess

import numpy as np
import torch
import transformers
from PIL import Image
from tokenizers import Tokenizer, models as tokenizer_models, pre_tokenizers
from torch import nn
from torch.nn import functional

TARGET = pathlib.Path(__file__).resolve().parent.parent / "miniature"
SEED = 77
SIZES, COLORS = ("small", "large"), ("red", "green", "blue", "yellow", "purple", "cyan", "white")
SHAPES = ("circle", "square", "triangle", "cross", "ring")
PHRASE = re.compile(r"a (small|large) (\w+) (\w+)")
OPPOSITE = {"to the left of": "to the right of", "to the right of": "to the left of", "above": "below", "below": "above"}
OPENINGS = ("", "there is ", "this picture shows ")
WORDS = (
    "<unk> <bos> <eos> <image> a small large red green blue yellow purple cyan white circle square triangle cross ring "
    "to the left right of above below then there is this picture shows what color size shape object objects how many "
    "are where from ? in other one word words : two three"
).split()


def scenes(arguments, count, pictures):
    folder = pathlib.Path(arguments.scratch) / f"scenes-{count}-{'pictures' if pictures else 'words'}"
    if not (folder / "pairs.jsonl").exists():
        command = [arguments.embgap, "scenes", "--count", str(count), "--seed", str(SEED), "--out", str(folder)]
        subprocess.run(command + ([] if pictures else ["--no-images"]), check=True)
    pairs = [json.loads(line) for line in (folder / "pairs.jsonl").read_text().splitlines()]
    questions = [json.loads(line) for line in (folder / "questions.jsonl").read_text().splitlines()]
    return folder, pairs, questions


def make_tokenizer(folder):
    tokenizer = Tokenizer(tokenizer_models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(["<unk>", "<bos>", "<eos>", "<image>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>", "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    return tokenizer


def rate(step, steps, peak, warmup=100):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * max(0.02, 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))))


# Language ------------------------------------------------------------------------------------------------------------


def paraphrase(caption, chance):
    """The same scene put another way: another opening, and a relation seen from the other side."""
    phrases = [" ".join(found) for found in PHRASE.findall(caption)]
    body = caption
    for opening in OPENINGS[1:]:
        body = body.removeprefix(opening)
    if len(phrases) == 2 and chance.random() < 0.5:
        relation = next(key for key in OPPOSITE if f" {key} " in body)
        body = f"a {phrases[1]} {OPPOSITE[relation]} a {phrases[0]}"
    return chance.choice(OPENINGS) + body


class Text:
    """Sequences of words with which of them are to be learnt."""

    def __init__(self, pairs, questions, chance):
        self.chance = chance
        by_image = {}
        for question in questions:
            by_image.setdefault(question["image"], []).append((question["question"], question["answer"]))
        self.items = [(pair["caption"], by_image[pair["image"]]) for pair in pairs]

    def sample(self, share_questions):
        caption, questions = self.chance.choice(self.items)
        words, learnt = ["<bos>"] + caption.split(), None
        draw = self.chance.random()
        learnt = [1.0 if draw >= share_questions else 0.1] * len(words)
        def add(text, weight):
            words.extend(text.split())
            learnt.extend([weight] * len(text.split()))
        if draw < share_questions:
            for question, answer in self.chance.sample(questions, min(len(questions), 4)):
                add(question, 0.0)
                add(answer, 1.0)
        elif draw < share_questions + 0.6 * (1 - share_questions):
            add("in other words :", 0.1)
            add(paraphrase(caption, self.chance), 1.0)
        elif draw < share_questions + 0.8 * (1 - share_questions):
            add("in one word :", 0.1)
            add(self.chance.choice(self.chance.choice(PHRASE.findall(caption))), 1.0)
        add("<eos>", 1.0)
        return [WORDS.index(word) for word in words], learnt

    def drill(self):
        """A list of words said twice: looking up what followed a word is the skill that binds a colour to its shape."""
        words = self.chance.sample(WORDS[4:], self.chance.randint(6, 24))
        return [1] + [WORDS.index(word) for word in words + words], [0.0] * (len(words) + 2) + [1.0] * (len(words) - 1)

    def batch(self, count, share_questions, share_drills=0.0):
        rows = [
            self.drill() if self.chance.random() < share_drills else self.sample(share_questions) for _ in range(count)]
        longest = max(len(ids) for ids, _ in rows)
        ids = torch.zeros(count, longest, dtype=torch.long)
        weights = torch.zeros(count, longest)
        for i, (row, learnt) in enumerate(rows):
            ids[i, :len(row)] = torch.tensor(row)
            weights[i, :len(row)] = torch.tensor(learnt)
        return ids, weights


@torch.no_grad()
def answers_right(model, text, count=400):
    right, asked = {}, {}
    for caption, questions in text.items[:count]:
        for question, answer in questions:
            kind = question.split()[1] if question.startswith("what") else question.split()[0]
            kind += f" of {len(PHRASE.findall(caption))}"
            ids = torch.tensor([[WORDS.index(word) for word in ["<bos>"] + caption.split() + question.split()]])
            asked[kind] = asked.get(kind, 0) + 1
            right[kind] = right.get(kind, 0) + int(WORDS[model(ids).logits[0, -1].argmax()] == answer)
    return {kind: round(right[kind] / asked[kind], 3) for kind in sorted(asked)}


def llama():
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=len(WORDS), hidden_size=128, intermediate_size=256, num_hidden_layers=5, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, rms_norm_eps=1e-5, tie_word_embeddings=True,
        bos_token_id=1, eos_token_id=2, pad_token_id=None, initializer_range=0.08))


def gpt2():
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=len(WORDS), n_embd=64, n_layer=3, n_head=4, n_positions=128, bos_token_id=1, eos_token_id=2,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, initializer_range=0.08))


def train_language(arguments, model, folder, steps, peak):
    torch.manual_seed(SEED)
    folder.mkdir(parents=True, exist_ok=True)
    _, pairs, questions = scenes(arguments, 100_000, pictures=False)
    chance = random.Random(SEED)
    text = Text(pairs[2000:], questions, chance)
    held = Text(pairs[:2000], questions, chance)
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.98), weight_decay=0.01)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps, peak)
        # Binding first: looking up and questions at the beginning, then everything.
        early = step < 0.4 * steps
        ids, weights = text.batch(64, 0.9 if early else 0.5, 0.5 if early else 0.0)
        logits = model(ids).logits
        loss = functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
        loss = (loss * weights[:, 1:].flatten()).sum() / weights[:, 1:].sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 250 == 249 or step == steps - 1:
            model.eval()
            print(step + 1, round(loss.item(), 4), answers_right(model, held), flush=True)
            model.train()
            save_language(model, folder)


def save_language(model, folder):
    make_tokenizer(folder)
    model.save_pretrained(folder, state_dict={
        key: value.half() for key, value in model.state_dict().items() if key != "lm_head.weight"})
    (folder / "generation_config.json").unlink(missing_ok=True)


# Vision --------------------------------------------------------------------------------------------------------------

MEAN, DEVIATION = 0.45, 0.25


def vision_config(width):
    return transformers.CLIPVisionConfig(
        hidden_size=width, intermediate_size=4 * width, num_hidden_layers=4, num_attention_heads=4, image_size=32,
        patch_size=8, projection_dim=64, hidden_act="quick_gelu", layer_norm_eps=1e-5)


class Tower(nn.Module):
    """The text side of the contrastive loss, thrown away afterwards."""

    def __init__(self, width=96):
        super().__init__()
        self.embed = nn.Embedding(len(WORDS), width)
        self.place = nn.Parameter(torch.randn(40, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.out = nn.Linear(width, 64)

    def forward(self, ids, mask):
        hidden = self.blocks(self.embed(ids) + self.place[:ids.shape[1]], src_key_padding_mask=~mask)
        return self.out((hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True))


def tags(caption):
    row = np.zeros(len(SIZES) * len(COLORS) * len(SHAPES), dtype=np.float32)
    for size, color, shape in PHRASE.findall(caption):
        row[(SIZES.index(size) * len(COLORS) + COLORS.index(color)) * len(SHAPES) + SHAPES.index(shape)] = 1
    return row


def train_vision(arguments, width, folder, steps, peak):
    torch.manual_seed(SEED)
    folder.mkdir(parents=True, exist_ok=True)
    source, pairs, _ = scenes(arguments, 60_000, pictures=True)
    pictures = np.stack([np.asarray(Image.open(source / pair["image"])) for pair in pairs])
    wanted = torch.from_numpy(np.stack([tags(pair["caption"]) for pair in pairs]))
    words = [[WORDS.index(word) for word in pair["caption"].split()] for pair in pairs]
    model, tower = transformers.CLIPVisionModel(vision_config(width)), Tower()
    pooled, named = nn.Linear(width, 64), nn.Linear(width, wanted.shape[1])
    nn.init.constant_(named.bias, -6.0)
    scale = nn.Parameter(torch.tensor(1 / 0.07).log())
    parts = nn.ModuleList([model, tower, pooled, named])
    optimizer = torch.optim.AdamW([*parts.parameters(), scale], lr=peak, betas=(0.9, 0.98), weight_decay=0.02)
    order = np.random.default_rng(SEED)
    held = np.arange(2000)

    def forward(index):
        pixels = torch.from_numpy(pictures[index]).permute(0, 3, 1, 2).float() / 255
        states = model(pixel_values=(pixels - MEAN) / DEVIATION, output_hidden_states=True).hidden_states[-1]
        # An object is named by any patch: the largest of the patches' scores, smoothly.
        return states, torch.logsumexp(named(functional.layer_norm(states[:, 1:], (width,))), 1)

    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps, peak)
        index = order.integers(2000, len(pairs), 256)
        states, scores = forward(index)
        longest = max(len(words[i]) for i in index)
        ids = torch.tensor([words[i] + [0] * (longest - len(words[i])) for i in index])
        mask = torch.tensor([[k < len(words[i]) for k in range(longest)] for i in index])
        image = functional.normalize(pooled(functional.layer_norm(states, (width,)).mean(1)))
        logits = scale.clamp(0, 4.6).exp() * image @ functional.normalize(tower(ids, mask)).T
        target = torch.arange(len(index))
        contrast = (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2
        naming = functional.binary_cross_entropy_with_logits(scores, wanted[index], reduction="sum") / len(index)
        loss = contrast + naming
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parts.parameters(), 1.0)
        optimizer.step()
        if step % 250 == 249 or step == steps - 1:
            with torch.no_grad():
                exact = ((forward(held)[1] > 0).float() == wanted[held]).all(1).float().mean().item()
            print(step + 1, f"contrast {contrast.item():.3f} naming {naming.item():.3f} tag sets right {exact:.3f}", flush=True)
            save_vision(model, folder)


def save_vision(model, folder):
    model.save_pretrained(folder, state_dict={
        key: value.half() for key, value in model.state_dict().items() if "position_ids" not in key})
    settings = {
        "image_processor_type": "CLIPImageProcessor", "do_resize": False, "do_center_crop": False, "do_rescale": True,
        "rescale_factor": 1 / 255, "do_normalize": True, "do_convert_rgb": True, "image_mean": [MEAN] * 3,
        "image_std": [DEVIATION] * 3,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(settings, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["vision", "language", "vision-small", "language-gpt2"])
    parser.add_argument("--embgap", required=True)
    parser.add_argument("--scratch", required=True)
    parser.add_argument("--steps", type=int)
    arguments = parser.parse_args()
    if arguments.part == "language":
        train_language(arguments, llama(), TARGET / "llama", arguments.steps or 5000, 2e-3)
    elif arguments.part == "language-gpt2":
        train_language(arguments, gpt2(), TARGET / "gpt2", arguments.steps or 4000, 2e-3)
    elif arguments.part == "vision":
        train_vision(arguments, 96, TARGET / "clip", arguments.steps or 4500, 1e-3)
    else:
        train_vision(arguments, 48, TARGET / "clip-small", arguments.steps or 4000, 1e-3)


if __name__ == "__main__":
    main()
