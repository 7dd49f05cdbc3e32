"""Writes a checkpoint of random bf16 weights in a real model's shape, for measuring speed and memory; never committed.

    python random_checkpoint.py SHAPE DIRECTORY [--images N]

SHAPE is one of the keys of SHAPES. The directory gets config.json, model.safetensors (or shards of 1 GB), the tokenizer
and preprocessing of Fixtures/checkpoints/llava-clip-llama, N random images and pairs.jsonl. Needs numpy and pillow.
"""

import argparse
import json
import pathlib
import shutil

import numpy as np
from PIL import Image

TINY = pathlib.Path(__file__).parents[1] / "checkpoints" / "llava-clip-llama"
SHARD = 1 << 30
CLIP_LARGE = dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096, patch_size=14)
CLIP_BASE = dict(hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072, patch_size=32)
SHAPES = {
    "llava-1b": (
        dict(hidden_size=2048, num_hidden_layers=22, num_attention_heads=32, num_key_value_heads=4,
             intermediate_size=5632, vocab_size=32000), CLIP_LARGE),
    "smollm2-135m": (
        dict(hidden_size=576, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3,
             intermediate_size=1536, vocab_size=49152), CLIP_BASE),
}


def decoder(text):
    c, inner, layers = text["hidden_size"], text["intermediate_size"], text["num_hidden_layers"]
    shared = c // text["num_attention_heads"] * text["num_key_value_heads"]
    yield "language_model.model.embed_tokens.weight", (text["vocab_size"], c)
    for k in range(layers):
        name = f"language_model.model.layers.{k}."
        for part, shape in {
            "input_layernorm": (c,), "post_attention_layernorm": (c,), "self_attn.q_proj": (c, c),
            "self_attn.k_proj": (shared, c), "self_attn.v_proj": (shared, c), "self_attn.o_proj": (c, c),
            "mlp.gate_proj": (inner, c), "mlp.up_proj": (inner, c), "mlp.down_proj": (c, inner),
        }.items():
            yield name + part + ".weight", shape
    yield "language_model.model.norm.weight", (c,)
    yield "language_model.lm_head.weight", (text["vocab_size"], c)


def encoder(vision):
    d, inner, patch = vision["hidden_size"], vision["intermediate_size"], vision["patch_size"]
    root = "vision_tower.vision_model."
    yield root + "embeddings.class_embedding", (d,)
    yield root + "embeddings.patch_embedding.weight", (d, 3, patch, patch)
    yield root + "embeddings.position_embedding.weight", ((224 // patch) ** 2 + 1, d)
    linear = {"self_attn.q_proj": (d, d), "self_attn.k_proj": (d, d), "self_attn.v_proj": (d, d),
              "self_attn.out_proj": (d, d), "mlp.fc1": (inner, d), "mlp.fc2": (d, inner)}
    for k in range(vision["num_hidden_layers"]):
        name = f"{root}encoder.layers.{k}."
        for part, shape in (linear | {"layer_norm1": (d,), "layer_norm2": (d,)}).items():
            yield name + part + ".weight", shape
            yield name + part + ".bias", shape[:1]
    for norm in ("pre_layrnorm", "post_layernorm"):
        yield f"{root}{norm}.weight", (d,)
        yield f"{root}{norm}.bias", (d,)


def projector(text, vision):
    c, d = text["hidden_size"], vision["hidden_size"]
    for name, shape in {"linear_1": (c, d), "linear_2": (c, c)}.items():
        yield f"multi_modal_projector.{name}.weight", shape
        yield f"multi_modal_projector.{name}.bias", (c,)


def numbers(name, shape, generator):
    """bf16 bits: norms near 1, biases near 0, matrices of unit gain."""
    scale = 0.02 if len(shape) == 1 else float(np.prod(shape[1:])) ** -0.5
    values = generator.standard_normal(shape, dtype=np.float32) * scale
    if "norm" in name and name.endswith("weight"):
        values += 1
    return (values.view(np.uint32) >> 16).astype(np.uint16)


def write_shard(path, tensors):
    header, offset = {}, 0
    for name, values in tensors:
        header[name] = {"dtype": "BF16", "shape": list(values.shape), "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, values in tensors:
            file.write(values.tobytes())


def write_weights(folder, shapes):
    generator = np.random.default_rng(0)
    shards, size = [[]], 0
    places = {}
    for name, shape in shapes:
        count = 2 * int(np.prod(shape))
        if size + count > SHARD and shards[-1]:
            write_shard(folder / f"model-{len(shards):05}.safetensors", shards[-1])
            shards[-1] = None
            shards.append([])
            size = 0
        shards[-1].append((name, numbers(name, shape, generator)))
        places[name] = f"model-{len(shards):05}.safetensors"
        size += count
    write_shard(folder / f"model-{len(shards):05}.safetensors", shards[-1])
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))


def write_images(folder, count):
    generator = np.random.default_rng(1)
    (folder / "images").mkdir(exist_ok=True)
    words = "a red circle to the left of blue square and two small green rings on grey ground".split()
    with open(folder / "pairs.jsonl", "w") as file:
        for i in range(count):
            small = generator.integers(0, 256, (16, 20, 3), dtype=np.uint8)
            Image.fromarray(small).resize((640, 480), Image.BICUBIC).save(folder / f"images/{i}.jpg", quality=85)
            caption = " ".join(generator.choice(words, 12))
            file.write(json.dumps({"image": f"images/{i}.jpg", "caption": caption}) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--images", type=int, default=32)
    arguments = parser.parse_args()
    text, vision = SHAPES[arguments.shape]
    folder = arguments.directory
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder, [*decoder(text), *encoder(vision), *projector(text, vision)])
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(TINY / name, folder)
    preparation = json.loads((TINY / "preprocessor_config.json").read_text())
    preparation |= {"size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}}
    (folder / "preprocessor_config.json").write_text(json.dumps(preparation, indent=1))
    config = {
        "model_type": "llava", "dtype": "bfloat16", "image_token_index": 335, "projector_hidden_act": "gelu",
        "vision_feature_layer": -2, "vision_feature_select_strategy": "default",
        "text_config": {"model_type": "llama", "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
                        "max_position_embeddings": 4096, "tie_word_embeddings": False, **text},
        "vision_config": {"model_type": "clip_vision_model", "image_size": 224, "hidden_act": "quick_gelu", **vision},
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    write_images(folder, arguments.images)


if __name__ == "__main__":
    main()
