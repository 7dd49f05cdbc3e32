"""Makes the three small tokenizers of Fixtures/checkpoints. Imported by checkpoint_vlms.py.

Versions: Python 3.11, tokenizers 0.23.3.

`llama`: SentencePiece-style BPE with byte fallback and a space put in front, as Llama 2 has it. `qwen2`: byte-level BPE
behind a regular expression and NFC. `gemma`: SentencePiece-style BPE with byte fallback and no space in front.
Emoji and most accents are left out of the training text, so that they fall to bytes.
"""

import json

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = [
    "a red circle and a small green ring", "a large blue square to the left of a yellow triangle",
    "there is a purple cross above a white ring in one word: ring", "two cats asleep on the table",
    "the edge of the picture, near the square in one word: square", "night. in one word: night",
    "this picture shows a cafe on the left", "a man and a dog in other words: a dog and a man",
]
SPACE = "\u2581"
QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def merges_of(size, splitter):
    """Vocabulary in order of id, and merges, learnt from the corpus."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = splitter
    trained.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=size, show_progress=False))
    vocabulary = sorted(trained.get_vocab(), key=trained.get_vocab().get)
    return vocabulary, [tuple(merge) for merge in json.loads(trained.to_str())["model"]["merges"]]


def sentencepiece_bpe(specials, unknown):
    pieces, merges = merges_of(76, pre_tokenizers.Metaspace())
    vocabulary = {piece: index for index, piece in enumerate(specials + BYTES + pieces)}
    model = models.BPE(vocabulary, merges, unk_token=unknown, fuse_unk=True, byte_fallback=True)
    tokenizer = Tokenizer(model)
    tokenizer.add_special_tokens([AddedToken(piece, normalized=False, special=True) for piece in specials])
    return tokenizer


def with_bos(tokenizer, bos):
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1", special_tokens=[(bos, tokenizer.token_to_id(bos))])
    return tokenizer


def add_image_token(tokenizer):
    tokenizer.add_special_tokens([AddedToken("<image>", normalized=False, special=True)])
    return tokenizer


def llama():
    tokenizer = sentencepiece_bpe(["<unk>", "<s>", "</s>"], "<unk>")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    return add_image_token(with_bos(tokenizer, "<s>"))


def gemma():
    tokenizer = sentencepiece_bpe(["<pad>", "<eos>", "<bos>", "<unk>"], "<unk>")
    tokenizer.normalizer = normalizers.Replace(" ", SPACE)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()])
    return add_image_token(with_bos(tokenizer, "<bos>"))


def qwen2():
    split = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN_PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    pieces, merges = merges_of(76, split)
    alphabet = sorted(set(pre_tokenizers.ByteLevel.alphabet()) - set(pieces))
    vocabulary = {piece: index for index, piece in enumerate(alphabet + pieces)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    for piece in ("<|endoftext|>", "<|begin|>"):
        tokenizer.add_special_tokens([AddedToken(piece, normalized=False, special=True)])
    return add_image_token(tokenizer)


def added(content):
    return {
        "__type": "AddedToken", "content": content, "lstrip": False, "normalized": False, "rstrip": False,
        "single_word": False,
    }


TOKENIZERS = {
    "llama": (llama, {
        "add_bos_token": True, "add_eos_token": False, "bos_token": added("<s>"), "eos_token": added("</s>"),
        "unk_token": added("<unk>"), "tokenizer_class": "LlamaTokenizer"}),
    "qwen2": (qwen2, {
        "add_prefix_space": False, "bos_token": "<|begin|>", "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>", "tokenizer_class": "Qwen2Tokenizer"}),
    "gemma": (gemma, {"tokenizer_class": "GemmaTokenizer"}),
}
