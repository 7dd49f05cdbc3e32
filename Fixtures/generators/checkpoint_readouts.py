"""Readouts of a vision-language model, MIR and the vocabulary lens, one sample at a time and without padding.

Versions: Python 3.11, torch 2.15.0, transformers 5.23.0.

Written as the definitions read. Hidden states are transformers' own, means and metrics are taken in Float64.
Imported by checkpoint_vlms.py.
"""

import math
import re

import torch

PROMPT = "in one word:"


def token_ids(tokenizer, text):
    return torch.tensor(tokenizer.encode(text, add_special_tokens=False).ids, dtype=torch.long)


class Readouts:
    """One model, its tokenizer and the id of the sequence's first token (None: no token is put there)."""

    def __init__(self, model, tokenizer, bos, bidirectional=False):
        self.model, self.tokenizer, self.bidirectional = model, tokenizer, bidirectional
        self.start = torch.tensor([] if bos is None else [bos], dtype=torch.long)
        self.decoder = model.model.language_model

    def rows(self, ids):
        return self.model.get_input_embeddings()(ids)

    def states(self, *parts):
        """Hidden states [L+1, T, C] of the start token and the parts, ids or vectors, after it."""
        parts = [self.rows(part) if part.dtype == torch.long else part for part in (self.start, *parts)]
        rows = torch.cat(parts)[None]
        mask = torch.zeros(1, 1, rows.shape[1], rows.shape[1]) if self.bidirectional else None
        output = self.decoder(
            inputs_embeds=rows, attention_mask=mask, output_hidden_states=True, use_cache=False)
        return torch.stack([state[0] for state in output.hidden_states])

    def visual(self, pixels):
        """What enters the projector, and the projected tokens, of one image."""
        seen = {}
        hook = self.model.model.multi_modal_projector.register_forward_hook(
            lambda _, inputs, output: seen.update(features=inputs[0][0], tokens=output[0]))
        self.model.get_image_features(pixel_values=pixels[None])
        hook.remove()
        return seen["features"], seen["tokens"]

    def image_states(self, visual):
        return self.states(visual)[:, len(self.start):]

    def text_states(self, caption):
        return self.states(token_ids(self.tokenizer, caption))[:, len(self.start):]

    def text_states_after_image(self, visual, caption):
        return self.states(visual, token_ids(self.tokenizer, caption))[:, len(self.start) + len(visual):]

    def last_of_image(self, visual, prompt):
        return self.states(visual, token_ids(self.tokenizer, prompt))[-1, -1]

    def last_of_text(self, caption, prompt):
        text = f"{caption} {prompt}" if prompt else caption
        return self.states(token_ids(self.tokenizer, text))[-1, -1]

    def input_of_text(self, caption):
        return mean(self.rows(token_ids(self.tokenizer, caption)))


def mean(rows):
    return rows.double().mean(0).float()


def stacked(function, *columns):
    return torch.stack([function(*values) for values in zip(*columns)])


def layer_readouts(readouts, visual, captions):
    image = [readouts.image_states(tokens) for tokens in visual]
    text = [readouts.text_states(caption) for caption in captions]
    tensors = {}
    for layer in range(len(image[0])):
        tensors[f"layer.{layer}.image"] = stacked(lambda states: mean(states[layer]), image)
        tensors[f"layer.{layer}.text"] = stacked(lambda states: mean(states[layer]), text)
    for name, prompt in (("last", PROMPT), ("last_empty", "")):
        tensors[f"{name}.image"] = stacked(lambda tokens: readouts.last_of_image(tokens, prompt), visual)
        tensors[f"{name}.text"] = stacked(lambda caption: readouts.last_of_text(caption, prompt), captions)
    return tensors


@torch.no_grad()
def readout_tensors(readouts, pixels, captions):
    features, visual = (torch.stack(part) for part in zip(*(readouts.visual(image) for image in pixels)))
    return {
        "pixels": pixels, "features": features, "visual_tokens": visual,
        "input.image": stacked(mean, visual), "input.text": stacked(readouts.input_of_text, captions),
    } | layer_readouts(readouts, visual, captions)


def without_outliers(rows):
    """Rows whose norm is over 3 standard deviations (ddof 1) from the median norm become the median row.

    The median is torch's: of an even count, the lower of the middle two.
    """
    norms = rows.norm(dim=1)
    outliers = (norms - norms.median()).abs() > 3 * norms.std()
    return torch.where(outliers[:, None], rows.median(0).values, rows), int(outliers.sum())


def covariance(rows):
    centred = rows - rows.mean(0)
    return centred.T @ centred / (len(rows) - 1)


def exact_root_trace(a, b):
    """Trace of (Cov a · Cov b)^½: the nuclear norm of the centred rows' product."""
    a, b = ((rows - rows.mean(0)) / math.sqrt(len(rows) - 1) for rows in (a, b))
    return torch.linalg.svdvals(a @ b.T).sum()


def eigenvalue_root_trace(a, b):
    """The same by another path: square roots of the product's eigenvalues."""
    return torch.linalg.eigvals(covariance(a) @ covariance(b)).real.clamp(min=0).sqrt().sum()


def standing_root_trace(a, b):
    """The authors' fast mode: their iteration stays where it starts, so the product stands for its root."""
    return (covariance(a) @ covariance(b)).trace()


def iterated_root_trace(a, b):
    """That iteration as it is published, five coupled steps; an ill-conditioned product makes it drift."""
    product = covariance(a) @ covariance(b)
    first, second = product, torch.eye(len(product), dtype=product.dtype)
    for _ in range(5):
        first = (first + torch.linalg.solve(second, product)) / 2
        second = (second + torch.linalg.solve(first, product)) / 2
    return first.trace()


def cloud_distance(a, b, root_trace):
    gap = (a.mean(0) - b.mean(0)).square().sum()
    return (gap + covariance(a).trace() + covariance(b).trace() - 2 * root_trace(a, b)).item()


def total(distances):
    return math.log10(sum(distances)) if sum(distances) > 0 else None


def mode(pairs, root_trace):
    layers = [cloud_distance(image, text, root_trace) for image, text in pairs]
    return {"layers": layers, "mir": total(layers[1:]), "mir_with_layer_0": total(layers)}


def mir_of(image, text):
    """image, text: hidden states of all samples' tokens [L+1, tokens, C]."""
    pairs, outliers = [], {"image": [], "text": []}
    for image_rows, text_rows in zip(image.double(), text.double()):
        scale = 1 / text_rows.norm(dim=1).mean()
        image_rows, image_count = without_outliers(image_rows * scale)
        text_rows, text_count = without_outliers(text_rows * scale)
        outliers["image"].append(image_count)
        outliers["text"].append(text_count)
        pairs.append((image_rows, text_rows))
    for a, b in pairs:
        torch.testing.assert_close(eigenvalue_root_trace(a, b), exact_root_trace(a, b), rtol=1e-6, atol=1e-9)
        if torch.linalg.cond(covariance(a) @ covariance(b)) < 1e6:
            torch.testing.assert_close(iterated_root_trace(a, b), standing_root_trace(a, b), rtol=1e-6, atol=1e-9)
    return {
        "exact": mode(pairs, exact_root_trace), "reference_fast": mode(pairs, standing_root_trace),
        "outliers": outliers, "tokens": {"image": image.shape[1], "text": text.shape[1]},
    }


@torch.no_grad()
def mir(readouts, visual, captions):
    """Text tokens of sequences of their own (start, caption), and of the sequence start, image, caption."""
    image = torch.cat([readouts.image_states(tokens) for tokens in visual], 1)
    apart = torch.cat([readouts.text_states(caption) for caption in captions], 1)
    behind = [readouts.text_states_after_image(tokens, caption) for tokens, caption in zip(visual, captions)]
    return {"two_sequences": mir_of(image, apart), "one_sequence": mir_of(image, torch.cat(behind, 1))}


def words(text):
    return re.findall(r"\w+", text.lower())


def piece_text(tokenizer, index):
    return tokenizer.decode([index], skip_special_tokens=False).strip().lower()


def found_shares(tokenizer, top, captions):
    """Share of words, and of token ids, of the captions that are among their image's top-5 ids."""
    word_hits, token_hits = [], []
    for ids, caption in zip(top, captions):
        seen = set(ids.flatten().tolist())
        pieces = {piece_text(tokenizer, index) for index in seen}
        word_hits += [word in pieces for word in words(caption)]
        token_hits += [index in seen for index in token_ids(tokenizer, caption).tolist()]
    return {
        "caption_words_found": sum(word_hits) / len(word_hits), "words": len(word_hits),
        "caption_tokens_found": sum(token_hits) / len(token_hits), "caption_tokens": len(token_hits),
    }


@torch.no_grad()
def vocabulary_lens(readouts, visual, captions):
    table = torch.nn.functional.normalize(readouts.model.get_input_embeddings().weight.double(), dim=1)
    tokens = torch.nn.functional.normalize(visual.double(), dim=2)
    cosines, ids = (tokens @ table.T).topk(5, dim=2)
    counts = torch.bincount(ids[..., 0].flatten(), minlength=len(table)).double()
    shares = counts[counts > 0] / counts.sum()
    return {
        "mean_top1_cosine": cosines[..., 0].mean().item(),
        "top1_entropy": -(shares * shares.log()).sum().item(),
        "share_of_five_commonest": shares.sort(descending=True).values[:5].sum().item(),
        "top5_ids_of_first_image": ids[0].tolist(),
    } | found_shares(readouts.tokenizer, ids, captions)
