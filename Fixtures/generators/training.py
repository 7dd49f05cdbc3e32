"""Writes Fixtures/training: gradients and losses that PyTorch computes on the tiny models of Fixtures/checkpoints.

Versions: Python 3.11, torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, safetensors 0.8.0.
Run: python3 Fixtures/generators/training.py
Tests read the files and never run this script. Fixtures/training/README.md lists every file and key.
"""

import json

import torch
import transformers
from torch.nn import functional

import checkpoint_models as models
from checkpoint_files import ROOT, load, save_tensors
from checkpoint_vlms import pixels_of, stored_tokenizer

TARGET = ROOT.parent / "training"
DECODERS = [
    "llama", "llama-bias", "llama-linear", "llama-llama3", "llama-tied", "mistral", "mistral-window", "qwen2", "qwen3",
    "phi3", "gemma", "gpt2", "gpt2-bare", "opt", "opt-projected",
]
FEATURES, HIDDEN, VISUAL = 10, 14, 4
STEPS, RATE = 5, 1e-3


def random(name, *shape, scale=1.0):
    return torch.randn(*shape, generator=models.seeded(name)) * scale


def decoder_of(name):
    return load(transformers.AutoModelForCausalLM, ROOT / name)


def projector_gradients(name):
    """Cross-entropy of trailing tokens plus a random functional of one hidden state, down to the projector."""
    model = decoder_of(name)
    embed = model.get_input_embeddings()
    width = embed.weight.shape[1]
    ids = torch.randint(3, model.config.vocab_size, (3, 9), generator=models.seeded(name + " training"))
    lengths = (9, 2, 5)
    parameters = {
        "linear_1.weight": random(name + " w1", HIDDEN, FEATURES, scale=0.3),
        "linear_1.bias": random(name + " b1", HIDDEN, scale=0.1),
        "linear_2.weight": random(name + " w2", width, HIDDEN, scale=0.3),
        "linear_2.bias": random(name + " b2", width, scale=0.1),
    }
    for value in parameters.values():
        value.requires_grad_(True)
    features = random(name + " features", len(lengths) * VISUAL, FEATURES)
    hidden = functional.linear(features, parameters["linear_1.weight"], parameters["linear_1.bias"])
    tokens = functional.linear(
        functional.gelu(hidden), parameters["linear_2.weight"], parameters["linear_2.bias"])
    tokens.retain_grad()
    layer = 1
    cotangent = random(name + " cotangent", len(lengths), model.config.hidden_size, scale=0.05)
    total, functional_value, count = 0, 0, 0
    for index, length in enumerate(lengths):
        own, visual = ids[index, :length], tokens[index * VISUAL:(index + 1) * VISUAL]
        inputs = torch.cat([embed(own[:1]), visual, embed(own[1:])])
        output = model(inputs_embeds=inputs[None], output_hidden_states=True, use_cache=False)
        logits = output.logits[0, VISUAL:-1]
        total = total + functional.cross_entropy(logits, own[1:], reduction="sum")
        count += length - 1
        functional_value = functional_value + (
            output.hidden_states[layer][0, 1:1 + VISUAL].mean(0) * cotangent[index]).sum()
    loss = total / count
    (loss + functional_value).backward()
    result = {"ids": ids, "lengths": torch.tensor(lengths), "features": features, "cotangent": cotangent,
              "loss": loss.reshape(1), "tokens.gradient": tokens.grad}
    for key, value in parameters.items():
        result[key], result[key + ".gradient"] = value, value.grad
    return {f"{name}.{key}": value for key, value in result.items()}


class Ladder:
    """A tiny LLaVA checkpoint, trained from its own projector; every step on all of its pairs."""

    def __init__(self, name, bos):
        self.folder = ROOT / name
        self.model = load(transformers.LlavaForConditionalGeneration, self.folder)
        self.model.requires_grad_(False)
        self.tokenizer = stored_tokenizer(self.folder)
        lines = (self.folder / "pairs.jsonl").read_text("utf-8").splitlines()
        self.captions = [json.loads(line)["caption"] for line in lines]
        self.start = torch.tensor([self.tokenizer.token_to_id(bos)])
        self.language = self.model.model.language_model
        self.embed = self.language.get_input_embeddings()
        with torch.no_grad():
            vision = self.model.model.vision_tower(
                pixels_of(self.folder, "clip" if "clip" in name else "siglip"), output_hidden_states=True)
            kept = vision.hidden_states[self.model.config.vision_feature_layer]
            self.features = kept[:, 1:] if self.model.config.vision_feature_select_strategy == "default" else kept

    def ids(self, text):
        return torch.tensor(self.tokenizer.encode(text, add_special_tokens=False).ids, dtype=torch.long)

    def states(self, rows):
        """hidden_states of one sequence of embedding rows."""
        output = self.language(inputs_embeds=rows[None], output_hidden_states=True, use_cache=False)
        return [state[0] for state in output.hidden_states]

    @torch.no_grad()
    def text_vectors(self, readout, prompt):
        vectors = []
        for caption in self.captions:
            own = self.ids(caption)
            if readout == "input":
                vectors.append(self.embed(own).mean(0))
            elif readout == "last":
                full = self.ids(f"{caption} {prompt}" if prompt else caption)
                vectors.append(self.states(self.embed(torch.cat([self.start, full])))[-1][-1])
            else:
                layer = int(readout.split(":")[1])
                vectors.append(self.states(self.embed(torch.cat([self.start, own])))[layer][1:].mean(0))
        return torch.stack(vectors)

    def image_vector(self, readout, visual, states, prompt):
        if readout == "input":
            return visual.mean(0)
        if readout == "last":
            rows = torch.cat([self.embed(self.start), visual, self.embed(self.ids(prompt))])
            return self.states(rows)[-1][-1]
        return states[int(readout.split(":")[1])][1:1 + len(visual)].mean(0)

    def losses(self, projector, scale, bias, run, texts):
        total, count, vectors = 0, 0, []
        for index, caption in enumerate(self.captions):
            prompt, own = self.ids(run.get("prompt", "")), self.ids(caption + "\n")
            visual = projector(self.features[index])
            rows = torch.cat([self.embed(self.start), visual, self.embed(prompt), self.embed(own)])
            states = self.states(rows)
            logits = self.model.lm_head(states[-1][-len(own) - 1:-1])
            total = total + functional.cross_entropy(logits, own, reduction="sum")
            count += len(own)
            if run["objective"] != "ntp":
                vectors.append(self.image_vector(run["readout"], visual, states, run.get("image_prompt", "")))
        ntp = total / count
        if run["objective"] == "ntp":
            return ntp, None
        x, y = functional.normalize(torch.stack(vectors)), functional.normalize(texts)
        logits = scale.exp() * x @ y.T
        if run.get("loss", "infonce") == "siglip":
            signs = 2 * torch.eye(len(x)) - 1
            return ntp, -functional.logsigmoid(signs * (logits + bias)).sum() / len(x)
        target = torch.arange(len(x))
        return ntp, (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2

    def run(self, run):
        if run.get("readout") == "layer:L":
            run = {**run, "readout": f"layer:{self.language.config.num_hidden_layers}"}
        projector = load(type(self.model), self.folder).model.multi_modal_projector
        projector.requires_grad_(True)
        temperature = run.get("temperature", 0.07)
        scale = torch.tensor(1 / temperature).log().requires_grad_(True)
        bias = torch.tensor(-10.0).requires_grad_(True)
        groups = [{"params": projector.parameters(), "weight_decay": run.get("weight_decay", 0.0)}]
        if run["objective"] != "ntp":
            extra = [scale, bias] if run.get("loss") == "siglip" else [scale]
            groups.append({"params": extra, "weight_decay": 0.0})
        optimizer = torch.optim.AdamW(groups, lr=run.get("lr", RATE), betas=(0.9, 0.999), eps=1e-8)
        parameters = [value for group in groups for value in group["params"]]
        texts = None if run["objective"] == "ntp" else self.text_vectors(run["readout"], run.get("text_prompt", ""))
        schedule = None
        if "cosine" in run:
            schedule = transformers.get_cosine_schedule_with_warmup(optimizer, run["cosine"], STEPS)
        log = {"ntp_loss": [], "contrastive_loss": [], "temperature": [], "grad_norm": [], "lr": []}
        for _ in range(STEPS):
            optimizer.zero_grad()
            ntp, contrastive = self.losses(projector, scale, bias, run, texts)
            weights = run.get("weights", [1.0, 1.0])
            loss = weights[0] * ntp if run["objective"] != "contrastive" else 0
            if contrastive is not None:
                loss = loss + weights[1] * contrastive
                log["contrastive_loss"].append(contrastive.item())
                log["temperature"].append((-scale).exp().item())
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(parameters, run.get("clip", 1e9))
            log["ntp_loss"].append(ntp.item())
            log["grad_norm"].append(norm.item())
            log["lr"].append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if schedule:
                schedule.step()
            with torch.no_grad():
                scale.clamp_(0, torch.tensor(100.0).log().item())
        final = {key: value.detach().flatten()[:8].tolist() for key, value in projector.named_parameters()}
        return {"run": run, **{key: value for key, value in log.items() if value}, "parameters": final}


RUNS = [
    {"name": "ntp", "objective": "ntp"},
    {"name": "joint-input", "objective": "joint", "readout": "input"},
    {"name": "joint-layer-2", "objective": "joint", "readout": "layer:2"},
    {"name": "joint-layer-0", "objective": "joint", "readout": "layer:0", "weights": [0.5, 2.0]},
    {"name": "joint-last-layer", "objective": "joint", "readout": "layer:L", "temperature": 0.02, "lr": 1e-2},
    {"name": "joint-last", "objective": "joint", "readout": "last", "image_prompt": "in one word:",
     "text_prompt": "in one word:"},
    {"name": "joint-last-empty", "objective": "joint", "readout": "last", "prompt": "a photo of"},
    {"name": "contrastive", "objective": "contrastive", "readout": "layer:1"},
    {"name": "siglip", "objective": "joint", "readout": "input", "loss": "siglip", "temperature": 0.1},
    {"name": "clip-decay-cosine", "objective": "joint", "readout": "layer:2", "clip": 0.5, "weight_decay": 0.1,
     "cosine": 1, "lr": 5e-3},
]


def main():
    TARGET.mkdir(exist_ok=True)
    tensors = {}
    for name in DECODERS:
        tensors |= projector_gradients(name)
    save_tensors(TARGET / "gradients.safetensors", tensors)
    results = {}
    for name, bos in (("llava-clip-llama", "<s>"), ("llava-siglip-qwen2", "<|begin|>")):
        ladder = Ladder(name, bos)
        results[name] = [ladder.run(run) for run in RUNS]
    (TARGET / "ladder.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
