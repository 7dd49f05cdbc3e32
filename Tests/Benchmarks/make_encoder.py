"""Writes what image features are timed on: a random CLIP ViT-B/32 and drawn images.

Usage: python Tests/Benchmarks/make_encoder.py DIR [--images 288]

DIR gets vision/ (config, F32 weights, preprocessor), projector.safetensors (one linear layer to the width of the small
llama among the fixtures), images of 300 x 256 pixels as PNG, few.jsonl (the first 32) and many.jsonl (all).
"""

import argparse
import json
import pathlib
import struct
import zlib

import numpy as np

WIDTH, LAYERS, HEADS, INNER, SIDE, PATCH, LLM_WIDTH, FEW = 768, 12, 12, 3072, 224, 32, 24, 32


def safetensors(path, tensors):
    header, offset = {}, 0
    for name, values in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for values in tensors.values():
            file.write(values.tobytes())


def png(path, pixels):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows.tobytes(), 1)) + chunk(b"IEND", b""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--images", type=int, default=288)
    options = parser.parse_args()
    random = np.random.default_rng(0)

    def matrix(*shape):
        return random.standard_normal(shape, dtype=np.float32) * np.float32(0.02)

    def vector(size, value):
        return np.full(size, value, np.float32)

    def norm(name):
        return {name + ".weight": vector(WIDTH, 1), name + ".bias": vector(WIDTH, 0)}

    positions = (SIDE // PATCH) ** 2 + 1
    top = "vision_model."
    tensors = {
        top + "embeddings.class_embedding": matrix(WIDTH),
        top + "embeddings.patch_embedding.weight": matrix(WIDTH, 3, PATCH, PATCH),
        top + "embeddings.position_embedding.weight": matrix(positions, WIDTH),
        **norm(top + "pre_layrnorm"), **norm(top + "post_layernorm"),
    }
    for layer in range(LAYERS):
        own = f"{top}encoder.layers.{layer}."
        tensors |= norm(own + "layer_norm1") | norm(own + "layer_norm2")
        shapes = {"mlp.fc1": (INNER, WIDTH), "mlp.fc2": (WIDTH, INNER)}
        shapes |= {f"self_attn.{name}_proj": (WIDTH, WIDTH) for name in ["q", "k", "v", "out"]}
        for name, shape in shapes.items():
            tensors[f"{own}{name}.weight"] = matrix(*shape)
            tensors[f"{own}{name}.bias"] = vector(shape[0], 0)
    vision = options.directory / "vision"
    vision.mkdir(parents=True, exist_ok=True)
    safetensors(vision / "model.safetensors", tensors)
    (vision / "config.json").write_text(json.dumps({
        "architectures": ["CLIPVisionModel"], "model_type": "clip_vision_model", "hidden_act": "quick_gelu",
        "hidden_size": WIDTH, "image_size": SIDE, "intermediate_size": INNER, "layer_norm_eps": 1e-5,
        "num_attention_heads": HEADS, "num_channels": 3, "num_hidden_layers": LAYERS, "patch_size": PATCH,
        "projection_dim": 512}))
    (vision / "preprocessor_config.json").write_text(json.dumps({
        "image_processor_type": "CLIPImageProcessor", "do_resize": True, "size": {"shortest_edge": SIDE},
        "resample": 3, "do_center_crop": True, "crop_size": {"height": SIDE, "width": SIDE}, "do_rescale": True,
        "rescale_factor": 1 / 255, "do_normalize": True, "do_convert_rgb": True,
        "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]}))
    safetensors(options.directory / "projector.safetensors", {
        "mm_projector.weight": matrix(LLM_WIDTH, WIDTH), "mm_projector.bias": vector(LLM_WIDTH, 0)})
    across = np.linspace(0, 255, 300)[None, :, None] + np.zeros((256, 1, 3))
    for i in range(options.images):
        shade = across + random.uniform(-80, 80, (1, 1, 3)) + random.uniform(-9, 9, (256, 300, 3))
        png(options.directory / f"{i}.png", shade.clip(0, 255).astype(np.uint8))
    for name, count in [("few", FEW), ("many", options.images)]:
        with open(options.directory / f"{name}.jsonl", "w") as file:
            for i in range(count):
                file.write(json.dumps({"image": f"{i}.png", "caption": "a shade"}) + "\n")


if __name__ == "__main__":
    main()
