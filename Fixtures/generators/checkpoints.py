"""Writes Fixtures/checkpoints: tiny random checkpoints as transformers writes them, and what transformers computes.

Versions: Python 3.11, torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, safetensors 0.8.0, pillow 13.0.0,
gguf 0.19.0.
Run: python3 Fixtures/generators/checkpoints.py [NAME ...]     (no name: all of them)
Tests read the files and never run this script. Fixtures/checkpoints/README.md lists every file and key.

checkpoint_models.py builds the models, checkpoint_files.py writes directories, checkpoint_vlms.py and
checkpoint_readouts.py make whole vision-language models and their readouts, checkpoint_projectors.py projectors alone.
"""

import sys

import torch
import transformers

import checkpoint_models as models
import checkpoint_projectors
import checkpoint_vlms
from checkpoint_files import (
    ROOT, WithLegacyConfig, fresh, load, save_model, save_tensors, stored_tensors, write_json, write_legacy_config,
)

LENGTHS = (1, 5, 11)
PREFIXED = ("clip-quick-gelu", "siglip")
TYPES = {"mistral": torch.bfloat16, "qwen2": torch.float16}
SHARDS = {"llama-llama3": "30KB", "gpt2": "40KB"}
PREPROCESSORS = {
    "clip": {
        "image_processor_type": "CLIPImageProcessor", "do_resize": True, "size": {"shortest_edge": 28},
        "resample": 3, "do_center_crop": True, "crop_size": {"height": 28, "width": 28}, "do_rescale": True,
        "rescale_factor": 1 / 255, "do_normalize": True, "do_convert_rgb": True,
        "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
    },
    "siglip": {
        "image_processor_type": "SiglipImageProcessor", "do_resize": True, "size": {"height": 32, "width": 32},
        "resample": 3, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
    },
    "dinov2": {
        "image_processor_type": "BitImageProcessor", "do_resize": True, "size": {"shortest_edge": 32},
        "resample": 3, "do_center_crop": True, "crop_size": {"height": 28, "width": 28}, "do_rescale": True,
        "rescale_factor": 1 / 255, "do_normalize": True, "do_convert_rgb": True,
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
    },
}


def sequences(name, vocabulary):
    generator = models.seeded(name + " ids")
    return [torch.randint(3, vocabulary, (length,), generator=generator) for length in LENGTHS]


@torch.no_grad()
def decoder_outputs(model, ids):
    """Hidden states of one unpadded sequence and its logits.

    Where the embedding is narrower than the blocks the last state does not stack: it is kept apart.
    """
    output = model(input_ids=ids[None], output_hidden_states=True, use_cache=False)
    states = [state[0] for state in output.hidden_states]
    if states[-1].shape != states[0].shape:
        return {"hidden": torch.stack(states[:-1]), "last": states[-1], "logits": output.logits[0]}
    return {"hidden": torch.stack(states), "logits": output.logits[0]}


def expected_of_decoder(model, name):
    tensors = {}
    for index, ids in enumerate(sequences(name, model.config.vocab_size)):
        tensors[f"ids.{index}"] = ids
        for key, value in decoder_outputs(model, ids).items():
            tensors[f"{key}.{index}"] = value
    return tensors


def assert_same(first, second):
    assert first.keys() == second.keys()
    for key, value in first.items():
        torch.testing.assert_close(value, second[key], rtol=0, atol=1e-6)


def add_rotary_buffers(folder, model):
    """Llama 2 checkpoints carry the inverse frequencies of every layer."""
    tensors = stored_tensors(folder)
    for layer in range(model.config.num_hidden_layers):
        key = f"model.layers.{layer}.self_attn.rotary_emb.inv_freq"
        tensors[key] = model.model.rotary_emb.inv_freq
    save_tensors(folder / "model.safetensors", tensors)


def write_decoder(name):
    folder = fresh(name)
    model = models.decoder(name).to(TYPES.get(name, torch.float32))
    save_model(model, folder, SHARDS.get(name, "5GB"))
    if name == "llama":
        add_rotary_buffers(folder, models.decoder(name))
    write_legacy_config(folder)
    stored = load(transformers.AutoModelForCausalLM, folder)
    tensors = expected_of_decoder(stored, name)
    with WithLegacyConfig(folder) as copy:
        assert_same(tensors, expected_of_decoder(load(transformers.AutoModelForCausalLM, copy), name))
    save_tensors(folder / "expected.safetensors", tensors)


def write_bare_gpt2():
    """The same weights under the names of the published gpt2 checkpoint, mask buffers included."""
    source, folder = ROOT / "gpt2", fresh("gpt2-bare")
    tensors = {key.removeprefix("transformer."): value for key, value in stored_tensors(source).items()}
    config = transformers.AutoConfig.from_pretrained(source)
    mask = torch.tril(torch.ones(1, 1, config.n_positions, config.n_positions))
    tensors |= {f"h.{layer}.attn.bias": mask for layer in range(config.n_layer)}
    save_tensors(folder / "model.safetensors", tensors)
    for file in ("config.json", "config.4.json", "expected.safetensors"):
        (folder / file).write_bytes((source / file).read_bytes())
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    assert_same(expected_of_decoder(model, "gpt2"), expected_of_decoder(load(type(model), source), "gpt2"))


@torch.no_grad()
def vision_outputs(model, pixels):
    output = model(pixels, output_hidden_states=True)
    return {"pixels": pixels, "hidden": torch.stack(output.hidden_states), "last": output.last_hidden_state}


def add_vision_prefix(folder):
    """Names as every version before 5 wrote them, with CLIP's buffer of positions."""
    tensors = {f"vision_model.{key}": value for key, value in stored_tensors(folder).items()}
    positions = tensors["vision_model.embeddings.position_embedding.weight"].shape[0]
    tensors["vision_model.embeddings.position_ids"] = torch.arange(positions)[None]
    save_tensors(folder / "model.safetensors", tensors)


def write_vision_encoder(name):
    folder = fresh(name)
    model = models.vision_encoder(name)
    save_model(model, folder)
    if name in PREFIXED:
        add_vision_prefix(folder)
    write_json(folder / "preprocessor_config.json", PREPROCESSORS[name.split("-")[0]])
    size = model.config.image_size
    pixels = models.normal((2, 3, size, size), models.seeded(name + " pixels"))
    tensors = vision_outputs(load(type(model), folder), pixels)
    assert_same(tensors, vision_outputs(model, pixels))
    save_tensors(folder / "expected.safetensors", tensors)


def writers():
    """Directory name -> function that writes it, in the order in which they depend on one another."""
    parts = {name: lambda name=name: write_decoder(name) for name in models.DECODERS}
    parts["gpt2-bare"] = write_bare_gpt2
    parts |= {name: lambda name=name: write_vision_encoder(name) for name in models.VISION}
    parts |= checkpoint_vlms.writers(PREPROCESSORS)
    return parts | checkpoint_projectors.writers()


def main():
    every = writers()
    for name in sys.argv[1:] or every:
        every[name]()
        size = sum(file.stat().st_size for file in (ROOT / name).rglob("*") if file.is_file())
        print(f"{name}: {size} bytes")


if __name__ == "__main__":
    main()
