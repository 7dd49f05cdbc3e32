"""Writes Fixtures/training/adapters.safetensors: gradients of LoRA adapters as PEFT has them, on tiny decoders.

Versions: Python 3.11, torch 2.15.0, transformers 5.23.0, peft 0.21.2, safetensors 0.8.0.
Run: python3 Fixtures/generators/adapters.py
Tests read the file and never run this script. Fixtures/training/README.md says what is in it.
"""

import peft
import torch
from torch.nn import functional

import checkpoint_models as models
from checkpoint_files import save_tensors
from training import TARGET, decoder_of, random

MODULES = {
    "llama": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    "qwen3": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    "phi3": ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"],
    "gpt2": ["c_attn", "c_proj", "c_fc"],
    "opt-projected": ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"],
}
RANK, ALPHA = 2, 3


def adapter_gradients(name):
    """Cross-entropy of all tokens but each sequence's first, down to A and B."""
    settings = peft.LoraConfig(
        r=RANK, lora_alpha=ALPHA, target_modules=MODULES[name], task_type="CAUSAL_LM", fan_in_fan_out=name == "gpt2")
    model = peft.get_peft_model(decoder_of(name), settings)
    values = {key: value for key, value in model.named_parameters() if value.requires_grad}
    with torch.no_grad():
        for key, value in values.items():
            value.copy_(random(f"{name} {key}", *value.shape, scale=0.1))
    ids = torch.randint(3, model.config.vocab_size, (3, 9), generator=models.seeded(name + " training"))
    lengths = (9, 2, 5)
    total = 0
    for index, length in enumerate(lengths):
        own = ids[index, :length]
        logits = model(input_ids=own[None], use_cache=False).logits[0, :-1]
        total = total + functional.cross_entropy(logits, own[1:], reduction="sum")
    loss = total / (sum(lengths) - len(lengths))
    loss.backward()
    saved = peft.get_peft_model_state_dict(model)
    assert len(saved) == len(values)
    result = {f"{name}.ids": ids, f"{name}.lengths": torch.tensor(lengths), f"{name}.loss": loss.reshape(1)}
    for key, value in values.items():
        own = key.replace(".default", "")
        assert torch.equal(saved[own], value)
        result[f"{name}.value.{own}"], result[f"{name}.gradient.{own}"] = value, value.grad
    return result


def main():
    tensors = {}
    for name in MODULES:
        tensors |= adapter_gradients(name)
    save_tensors(TARGET / "adapters.safetensors", tensors)


if __name__ == "__main__":
    main()
