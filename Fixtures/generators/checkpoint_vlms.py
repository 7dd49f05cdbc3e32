"""Writes the whole vision-language models of Fixtures/checkpoints. Imported by checkpoints.py.

Versions: Python 3.11, torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, pillow 13.0.0.
"""

import json
import shutil

import numpy as np
import torch
import transformers
from PIL import Image, ImageDraw
from tokenizers import Tokenizer

import checkpoint_models as models
import checkpoint_readouts
from checkpoint_files import (
    ROOT, WithLegacyConfig, fresh, load, read_json, save_model, save_tensors, stored_tensors, write_json,
    write_legacy_config,
)
from checkpoint_tokenizers import TOKENIZERS

PAIRS = [
    ((32, 32), "a red circle"),
    ((48, 32), "a large blue square to the left of a small green ring"),
    ((33, 40), "un café crème on the table"),
    ((37, 48), "two cats 🐈 asleep"),
    ((45, 34), "there is a yellow triangle above a purple cross and a white ring, near the edge of the picture"),
    ((41, 41), "night."),
]
PARTS = {
    "llava-clip-llama": ("llama", "clip", torch.float16, "<s>", 340),
    "llava-siglip-qwen2": ("qwen2", "siglip", torch.bfloat16, "<|begin|>", 312),
    "paligemma": ("gemma", "siglip", torch.bfloat16, "<bos>", 340),
}
PROCESSORS = {"clip": transformers.CLIPImageProcessorPil, "siglip": transformers.SiglipImageProcessorPil}
COPIED = ("tokenizer.json", "tokenizer_config.json", "preprocessor_config.json")


def picture(index, size):
    """A slanted gradient with two shapes and some noise; the last one is grey."""
    random = np.random.default_rng(index)
    across, down = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    ground = np.stack([across * random.uniform(60, 200) + down * random.uniform(10, 50) for _ in range(3)], 2)
    image = Image.fromarray((ground + random.uniform(0, 6, ground.shape)).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for shape in (draw.ellipse, draw.rectangle):
        left, top = random.integers(0, size[0] // 2), random.integers(0, size[1] // 2)
        colour = tuple(int(value) for value in random.integers(0, 256, 3))
        shape((int(left), int(top), int(left + random.integers(6, 18)), int(top + random.integers(6, 18))), fill=colour)
    return image.convert("L") if index == len(PAIRS) - 1 else image


def write_pairs(folder):
    (folder / "images").mkdir()
    lines = []
    for index, (size, caption) in enumerate(PAIRS):
        picture(index, size).save(folder / "images" / f"{index}.png", optimize=True)
        lines.append(json.dumps({"image": f"images/{index}.png", "caption": caption}, ensure_ascii=False))
    (folder / "pairs.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def pictures(folder):
    names = [json.loads(line)["image"] for line in (folder / "pairs.jsonl").read_text("utf-8").splitlines()]
    return [Image.open(folder / name) for name in names]


def pixels_of(folder, kind, processor=None, **options):
    settings = read_json(folder / "preprocessor_config.json")
    settings.pop("image_processor_type")
    processor = (processor or PROCESSORS[kind])(**settings)
    return torch.cat([
        torch.as_tensor(np.asarray(processor(image, **options)["pixel_values"]), dtype=torch.float32)
        for image in pictures(folder)])


def write_preprocessor(folder, kind, size, preprocessors):
    settings = dict(preprocessors[kind])
    if kind == "siglip":
        settings["size"] = {"height": size, "width": size}
    write_json(folder / "preprocessor_config.json", settings)


def write_tokenizer(folder, kind):
    build, settings = TOKENIZERS[kind]
    tokenizer = build()
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    write_json(folder / "tokenizer_config.json", settings)


def stored_tokenizer(folder):
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def assert_close(first, second, tolerance=1e-5):
    assert first.keys() == second.keys()
    for key, value in first.items():
        torch.testing.assert_close(value, second[key], rtol=tolerance, atol=tolerance)


@torch.no_grad()
def assert_whole_model_agrees(readouts, tensors, image_token):
    """The model's own forward pass, image tokens replaced inside it, gives the same states."""
    visual = tensors["visual_tokens"]
    prompt = checkpoint_readouts.token_ids(readouts.tokenizer, checkpoint_readouts.PROMPT)
    ids = torch.cat([readouts.start, torch.full((visual.shape[1],), image_token), prompt])
    output = readouts.model(
        input_ids=ids[None], pixel_values=tensors["pixels"][:1], output_hidden_states=True, use_cache=False)
    torch.testing.assert_close(output.hidden_states[-1][0, -1], tensors["last.image"][0], rtol=1e-4, atol=1e-4)
    states = readouts.states(visual[0], prompt)
    torch.testing.assert_close(torch.stack(output.hidden_states)[:, 0], states, rtol=1e-4, atol=1e-4)


def scalars(readouts, tensors, captions):
    visual = tensors["visual_tokens"]
    ids = lambda text: checkpoint_readouts.token_ids(readouts.tokenizer, text).tolist()
    return {
        "bos_id": readouts.start.tolist(), "prompt": checkpoint_readouts.PROMPT,
        "prompt_ids": ids(checkpoint_readouts.PROMPT), "caption_ids": [ids(caption) for caption in captions],
        "prompted_caption_ids": [ids(f"{caption} {checkpoint_readouts.PROMPT}") for caption in captions],
        "mir": checkpoint_readouts.mir(readouts, visual, captions),
        "vocabulary_lens": checkpoint_readouts.vocabulary_lens(readouts, visual, captions),
    }


def write_vlm(name, preprocessors):
    folder = fresh(name)
    language, vision, dtype, bos, rows = PARTS[name]
    write_pairs(folder)
    write_tokenizer(folder, language)
    tokenizer = stored_tokenizer(folder)
    image_token = tokenizer.token_to_id("<image>")
    model = models.vlm(name, rows, image_token)
    write_preprocessor(folder, vision, model.config.vision_config.image_size, preprocessors)
    save_model(model.to(dtype), folder)
    write_legacy_config(folder)
    model = load(type(model), folder)
    captions = [caption for _, caption in PAIRS]
    readouts = checkpoint_readouts.Readouts(model, tokenizer, tokenizer.token_to_id(bos))
    pixels = pixels_of(folder, vision)
    tensors = checkpoint_readouts.readout_tensors(readouts, pixels, captions)
    with WithLegacyConfig(folder) as copy:
        legacy = checkpoint_readouts.Readouts(load(type(model), copy), tokenizer, tokenizer.token_to_id(bos))
        assert_close(tensors, checkpoint_readouts.readout_tensors(legacy, pixels, captions))
    assert_whole_model_agrees(readouts, tensors, image_token)
    write_json(folder / "expected.json", scalars(readouts, tensors, captions))
    save_tensors(folder / "expected.safetensors", tensors | extra_tensors(name, folder))
    EXTRAS.get(name, lambda *_: None)(folder, readouts, pixels, captions)


def extra_tensors(name, folder):
    """LLaVA pads to a square with the mean colour where its configuration says so; the wide and the tall pair."""
    if name != "llava-clip-llama":
        return {}
    return {"pixels.pad": pixels_of(folder, "clip", transformers.LlavaImageProcessorPil, do_pad=True)[1:3]}


def readouts_only(tensors):
    return {key: value for key, value in tensors.items() if key.startswith(("layer.", "last"))}


def write_without_bos(folder, readouts, pixels, captions):
    """The same model where the tokenizer has no first token, as published Qwen 2 tokenizers have none."""
    settings = read_json(folder / "tokenizer_config.json") | {"bos_token": None}
    write_json(folder / "tokenizer_config.no-bos.json", settings)
    bare = checkpoint_readouts.Readouts(readouts.model, readouts.tokenizer, None)
    tensors = checkpoint_readouts.readout_tensors(bare, pixels, captions)
    save_tensors(folder / "expected.no-bos.safetensors", readouts_only(tensors))


def write_bidirectional(folder, readouts, pixels, captions):
    """PaliGemma was trained to read its prefix in both directions: the same readouts without any mask."""
    assert_causal(readouts, readouts.visual(pixels[0])[1])
    open_mask = checkpoint_readouts.Readouts(
        readouts.model, readouts.tokenizer, readouts.start.item(), bidirectional=True)
    tensors = checkpoint_readouts.readout_tensors(open_mask, pixels, captions)
    save_tensors(folder / "expected.bidirectional.safetensors", readouts_only(tensors))


@torch.no_grad()
def assert_causal(readouts, visual):
    torch.testing.assert_close(
        readouts.states(visual)[:, :-1], readouts.states(visual[:-1]), rtol=1e-5, atol=1e-5)


EXTRAS = {"llava-siglip-qwen2": write_without_bos, "paligemma": write_bidirectional}


def key_before_4_52(key):
    return key.replace("vision_tower.", "vision_tower.vision_model.")


def key_since_4_52(key):
    if key == "language_model.lm_head.weight":
        return "lm_head.weight"
    key = key.replace("language_model.model.", "language_model.")
    return "model." + key_before_4_52(key)


def write_rekeyed(version, rename):
    """The weights of llava-clip-llama under the names that another version wrote, with a version 4 config."""
    source, folder = ROOT / "llava-clip-llama", fresh(f"llava-clip-llama-{version}")
    save_tensors(
        folder / "model.safetensors", {rename(key): value for key, value in stored_tensors(source).items()})
    settings = read_json(source / "config.4.json") | {"transformers_version": f"{version}.0"}
    write_json(folder / "config.json", settings)
    for file in COPIED:
        shutil.copy(source / file, folder / file)
    first, second = (load(transformers.LlavaForConditionalGeneration, part) for part in (source, folder))
    assert_close(first.state_dict(), second.state_dict(), 0)


def writers(preprocessors):
    parts = {name: lambda name=name: write_vlm(name, preprocessors) for name in PARTS}
    parts["llava-clip-llama-4.40"] = lambda: write_rekeyed("4.40", key_before_4_52)
    parts["llava-clip-llama-4.52"] = lambda: write_rekeyed("4.52", key_since_4_52)
    return parts
