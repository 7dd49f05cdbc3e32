"""Writes what one training step is timed on: a random decoder, image features and captions.

Usage: python Tests/Benchmarks/make_step.py DIR [--samples 64] [--visual 64] [--text 32]

The decoder has the shape of SmolLM2-135M (width 576, 30 layers, 9 heads, 3 key heads, 1536, 49152 tokens), its weights
are bf16. A sequence is BOS, visual tokens, and as many text tokens as make `visual + text` in all; the caption and its
end are predicted. DIR gets llm/, features.npy, pairs.jsonl and RUN.yaml for `embgap train`.
"""

import argparse
import json
import pathlib

import numpy as np

WIDTH, LAYERS, HEADS, KEY_HEADS, INNER, VOCABULARY, VISION = 576, 30, 9, 3, 1536, 49152, 768


def bf16(values):
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def safetensors(path, tensors):
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--visual", type=int, default=64)
    parser.add_argument("--text", type=int, default=32)
    options = parser.parse_args()
    random = np.random.default_rng(0)

    def matrix(rows, columns):
        return bf16(random.standard_normal((rows, columns), dtype=np.float32) * 0.02)

    tensors = [("model.embed_tokens.weight", matrix(VOCABULARY, WIDTH))]
    kept = KEY_HEADS * (WIDTH // HEADS)
    for layer in range(LAYERS):
        name = f"model.layers.{layer}."
        tensors += [
            (name + "self_attn.q_proj.weight", matrix(WIDTH, WIDTH)),
            (name + "self_attn.k_proj.weight", matrix(kept, WIDTH)),
            (name + "self_attn.v_proj.weight", matrix(kept, WIDTH)),
            (name + "self_attn.o_proj.weight", matrix(WIDTH, WIDTH)),
            (name + "mlp.gate_proj.weight", matrix(INNER, WIDTH)),
            (name + "mlp.up_proj.weight", matrix(INNER, WIDTH)),
            (name + "mlp.down_proj.weight", matrix(WIDTH, INNER)),
            (name + "input_layernorm.weight", bf16(np.ones(WIDTH))),
            (name + "post_attention_layernorm.weight", bf16(np.ones(WIDTH))),
        ]
    tensors.append(("model.norm.weight", bf16(np.ones(WIDTH))))
    llm = options.directory / "llm"
    llm.mkdir(parents=True, exist_ok=True)
    safetensors(llm / "model.safetensors", tensors)
    (llm / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": WIDTH, "intermediate_size": INNER,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KEY_HEADS,
        "hidden_act": "silu", "vocab_size": VOCABULARY, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5,
        "rope_theta": 100000.0, "tie_word_embeddings": True, "bos_token_id": 1, "eos_token_id": 2,
        "attention_bias": False, "mlp_bias": False, "torch_dtype": "bfloat16"}))
    special = ["<unk>", "<bos>", "<eos>"]
    vocabulary = {word: i for i, word in enumerate(special + [f"w{i}" for i in range(3, VOCABULARY)])}
    (llm / "tokenizer.json").write_text(json.dumps({
        "version": "1.0",
        "added_tokens": [
            {"id": i, "content": word, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": True} for i, word in enumerate(special)],
        "normalizer": None, "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"}}))
    (llm / "tokenizer_config.json").write_text(json.dumps({
        "bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>",
        "tokenizer_class": "PreTrainedTokenizerFast"}))
    features = random.standard_normal((options.samples, options.visual, VISION), dtype=np.float32)
    np.save(options.directory / "features.npy", features)
    # BOS is fed and the end is not: text - 1 words make visual + text tokens in all.
    words = random.integers(3, VOCABULARY, (options.samples, options.text - 1))
    with open(options.directory / "pairs.jsonl", "w") as file:
        for i, row in enumerate(words):
            file.write(json.dumps({"image": f"{i}.png", "caption": " ".join(f"w{w}" for w in row)}) + "\n")
    (options.directory / "RUN.yaml").write_text(
        "llm: llm\npairs: pairs.jsonl\nfeatures: features.npy\nprojector: {kind: mlp2x_gelu}\n"
        'template: {prompt: "", end: eos}\nschedule: {kind: constant}\nbatch: 8\nmicro_batch: 8\nsteps: 6\n')


if __name__ == "__main__":
    main()
