"""Builds the tiny random models behind Fixtures/checkpoints. Writes nothing; imported by checkpoints.py.

Versions: Python 3.11, torch 2.15.0, transformers 5.23.0.

`decoder(name)`, `vision_encoder(name)` and `vlm(name)` return a model in float32 with eager attention. Its weights
depend on the name alone. Every norm, bias, position and scale is random, and weights are large enough that attention
is far from uniform, so that one wrong operation shows in every later number.
"""

import math
import zlib

import torch
import transformers
from transformers import (
    CLIPVisionConfig, Dinov2Config, GemmaConfig, GPT2Config, LlamaConfig, LlavaConfig, MistralConfig, OPTConfig,
    PaliGemmaConfig, Phi3Config, Qwen2Config, Qwen3Config, SiglipVisionConfig,
)

torch.set_num_threads(1)

VOCABULARY = 64
ENDS = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": None}
BODY = {
    "vocab_size": VOCABULARY, "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2,
    "num_attention_heads": 4, "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "tie_word_embeddings": False,
} | ENDS
ATTENTION_INPUTS = ("q_proj", "k_proj", "qkv_proj", "c_attn", "query", "key")


def rope(theta, kind="default", **fields):
    return {"rope_type": kind, "rope_theta": theta, **fields}


LLAMA3 = rope(
    100.0, "llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)

DECODERS = {
    "llama": lambda: LlamaConfig(**BODY, num_key_value_heads=4, rope_parameters=rope(10000.0)),
    "llama-llama3": lambda: LlamaConfig(**BODY | {"hidden_size": 32}, num_key_value_heads=2, rope_parameters=LLAMA3),
    "llama-linear": lambda: LlamaConfig(
        **BODY, num_key_value_heads=4, rope_parameters=rope(10000.0, "linear", factor=2.5)),
    "llama-tied": lambda: LlamaConfig(
        **BODY | {"tie_word_embeddings": True, "num_attention_heads": 3, "num_hidden_layers": 3},
        num_key_value_heads=1, rope_parameters=rope(100000.0)),
    "llama-bias": lambda: LlamaConfig(
        **BODY, num_key_value_heads=2, attention_bias=True, mlp_bias=True, rope_parameters=rope(500.0)),
    "mistral": lambda: MistralConfig(
        **BODY, num_key_value_heads=2, head_dim=8, sliding_window=None, rope_parameters=rope(1000000.0)),
    "mistral-window": lambda: MistralConfig(
        **BODY, num_key_value_heads=2, sliding_window=4, rope_parameters=rope(10000.0)),
    "qwen2": lambda: Qwen2Config(**BODY, num_key_value_heads=2, rope_parameters=rope(1000000.0)),
    "qwen3": lambda: Qwen3Config(
        **BODY | {"tie_word_embeddings": True}, num_key_value_heads=2, head_dim=10, rope_parameters=rope(1000000.0)),
    "phi3": lambda: Phi3Config(**BODY, num_key_value_heads=2, sliding_window=6, rope_parameters=rope(10000.0)),
    "gemma": lambda: GemmaConfig(
        **BODY | {"tie_word_embeddings": True}, num_key_value_heads=1, head_dim=8,
        hidden_activation="gelu_pytorch_tanh", rope_parameters=rope(10000.0)),
    "gpt2": lambda: GPT2Config(
        vocab_size=VOCABULARY, n_embd=24, n_layer=2, n_head=4, n_positions=16, bos_token_id=0, eos_token_id=0),
    "opt": lambda: OPTConfig(**opt_body(), do_layer_norm_before=True),
    "opt-projected": lambda: OPTConfig(**opt_body(), do_layer_norm_before=False, word_embed_proj_dim=16),
}


def opt_body():
    return {
        "vocab_size": VOCABULARY, "hidden_size": 24, "ffn_dim": 40, "num_hidden_layers": 2, "num_attention_heads": 4,
        "max_position_embeddings": 16, "bos_token_id": 2, "eos_token_id": 2, "pad_token_id": 1,
    }


VISION = {
    "clip-quick-gelu": lambda: CLIPVisionConfig(
        **vision_body(), image_size=28, patch_size=7, projection_dim=16, hidden_act="quick_gelu"),
    "clip-gelu": lambda: CLIPVisionConfig(
        **vision_body() | {"num_hidden_layers": 2}, image_size=28, patch_size=14, projection_dim=16, hidden_act="gelu"),
    "siglip": lambda: SiglipVisionConfig(
        **vision_body() | {"num_hidden_layers": 2}, image_size=32, patch_size=8, hidden_act="gelu_pytorch_tanh"),
    "dinov2": lambda: Dinov2Config(**dino_body(), use_swiglu_ffn=False),
    "dinov2-swiglu": lambda: Dinov2Config(**dino_body(), use_swiglu_ffn=True),
}
VISION_CLASSES = {
    "clip_vision_model": transformers.CLIPVisionModel,
    "siglip_vision_model": transformers.SiglipVisionModel,
    "dinov2": transformers.Dinov2Model,
}


def vision_body():
    return {"hidden_size": 18, "intermediate_size": 40, "num_hidden_layers": 3, "num_attention_heads": 3}


def dino_body():
    return {
        "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4, "mlp_ratio": 2, "image_size": 28,
        "patch_size": 7, "layerscale_value": 1.0,
    }


def text_body(vocabulary, **fields):
    return BODY | {"vocab_size": vocabulary, "max_position_embeddings": 256} | fields


def llava_clip_config(vocabulary, image_token):
    text = LlamaConfig(
        **text_body(vocabulary, num_hidden_layers=3), num_key_value_heads=2, rope_parameters=rope(10000.0))
    return LlavaConfig(
        vision_config=VISION["clip-quick-gelu"](), text_config=text, image_token_index=image_token,
        image_seq_length=16, vision_feature_layer=-2, vision_feature_select_strategy="default",
        projector_hidden_act="gelu")


def llava_siglip_config(vocabulary, image_token):
    text = Qwen2Config(
        **text_body(vocabulary, tie_word_embeddings=True), num_key_value_heads=2, rope_parameters=rope(1000000.0))
    vision = SiglipVisionConfig(
        **vision_body() | {"num_hidden_layers": 2}, image_size=32, patch_size=8, hidden_act="gelu_pytorch_tanh",
        vision_use_head=False)
    return LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=image_token, image_seq_length=16,
        vision_feature_layer=-1, vision_feature_select_strategy="full", projector_hidden_act="gelu",
        tie_word_embeddings=True)


def paligemma_config(vocabulary, image_token):
    text = GemmaConfig(
        **text_body(vocabulary, tie_word_embeddings=True), num_key_value_heads=1, head_dim=8,
        hidden_activation="gelu_pytorch_tanh", rope_parameters=rope(10000.0))
    vision = SiglipVisionConfig(
        **vision_body() | {"num_hidden_layers": 2}, image_size=28, patch_size=7, hidden_act="gelu_pytorch_tanh",
        projection_dim=24, vision_use_head=False)
    return PaliGemmaConfig(
        vision_config=vision, text_config=text, image_token_index=image_token, projection_dim=24, hidden_size=24,
        vocab_size=vocabulary)


VLMS = {
    "llava-clip-llama": (llava_clip_config, transformers.LlavaForConditionalGeneration),
    "llava-siglip-qwen2": (llava_siglip_config, transformers.LlavaForConditionalGeneration),
    "paligemma": (paligemma_config, transformers.PaliGemmaForConditionalGeneration),
}


def seeded(name):
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


def normal(shape, generator, std=1.0, mean=0.0):
    return mean + std * torch.randn(shape, generator=generator)


def fan_in(module, parameter):
    """Conv1D and Gemma 3's projection keep their weight as [in, out], everything else as [out, in, ...]."""
    if type(module).__name__ in ("Conv1D", "Gemma3MultiModalProjector"):
        return parameter.shape[0]
    return math.prod(parameter.shape[1:])


def random_value(path, module, name, parameter, generator):
    """One parameter's values, by what it is: a norm, a bias, a table, a layer scale, or a matrix."""
    kind = type(module).__name__
    if "Norm" in kind and name == "weight":
        return normal(parameter.shape, generator, 0.3, 0.0 if kind.startswith("Gemma") else 1.0)
    if name in ("bias", "in_proj_bias"):
        return normal(parameter.shape, generator, 0.3)
    if name == "lambda1":
        return normal(parameter.shape, generator, 0.3, 0.8)
    if isinstance(module, torch.nn.Embedding):
        return normal(parameter.shape, generator, 0.5)
    if parameter.dim() >= 2 and (name.endswith("weight") and "mbedding" not in name):
        gain = 1.6 if any(part in path for part in ATTENTION_INPUTS) else 0.9
        return normal(parameter.shape, generator, gain / math.sqrt(fan_in(module, parameter)))
    return normal(parameter.shape, generator, 0.5)


@torch.no_grad()
def randomise(model, name):
    generator = seeded(name)
    for path, module in model.named_modules():
        for key, parameter in module.named_parameters(recurse=False):
            parameter.copy_(random_value(path, module, key, parameter, generator))
    model.tie_weights() if hasattr(model, "tie_weights") else None
    return model.eval()


def decoder(name):
    model = transformers.AutoModelForCausalLM.from_config(DECODERS[name](), attn_implementation="eager")
    return randomise(model.float(), name)


def vision_encoder(name):
    config = VISION[name]()
    config._attn_implementation = "eager"
    return randomise(VISION_CLASSES[config.model_type](config).float(), name)


@torch.no_grad()
def vlm(name, vocabulary, image_token):
    """Its embedding rows have lengths that differ widely, so that some tokens are outliers."""
    config, model = VLMS[name]
    config = config(vocabulary, image_token)
    config._attn_implementation = "eager"
    model = randomise(model(config).float(), name)
    table = model.get_input_embeddings().weight
    table.mul_(torch.exp(normal((len(table), 1), seeded(name + " rows"), 0.6)))
    return model
