"""Writes Fixtures/tokenizers: small tokenizers of every kind that is read, and the reference's answers.

Versions: Python 3.11.7, tokenizers 0.23.3.
Run: python3 Fixtures/generators/tokenizers.py
Each directory holds tokenizer.json, tokenizer_config.json where the kind has one, and cases.json. Texts are shared:
texts.json. Tests read the files and never run this script.
"""

import base64
import json
import pathlib
import random
import struct
import sys

sys.path.pop(0)  # This file's own name would hide the library's.

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers,  # noqa: E402
                        pre_tokenizers, processors, trainers)

ROOT = pathlib.Path(__file__).resolve().parent.parent / "tokenizers"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
          r"\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
CL100K = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|"
          r"\s*[\r\n]|\s+(?!\S)|\s")
CLIP = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
META = "\u2581"

CORPUS = """
A photo of a cat sitting on the red sofa, next to the window. The small dog isn't sleeping; it's looking at the cat.
Two people are riding bicycles along the beach while the sun sets behind the mountains. They've been there since 2019.
What is in this image? Describe the picture in one word: a train. We'll see, I'd say, you're right, I'm sure he'll come.
The quick brown fox jumps over the lazy dog. THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG. 0123456789 1234 56 78 90 100
Ein schöner grüner Baum steht über der Straße. L'été à la plage, ça va très bien, déjà vu. El niño está en el jardín.
Красная площадь в Москве. Собака и кошка. Η γάτα κάθεται. これは猫の写真です。东京的天空很蓝。 นี่คือแมว هذه صورة قطة
def embed(x: int) -> float:\n    return x * 2.5  # comment\n\nfor i in range(10):\n\tprint(i, "ok", sep="")\n
the image shows the man and the woman in the street with the car and the bus, the cat and the dog in the house
""".strip().split("\n")

TEXTS = [
    "", " ", "  ", "   a", "a   ", "a  b   c", "\t", "\n", "\r\n", "\n\n\n", " \n ", "\r", "a\tb\n c\r\n\r\nd", "\x0b\x0c",
    "A photo of a cat.", "the cat and the dog", " the cat", "The Cat", "THE CAT'S HAT", "it's I'm you're we'll they've he'd",
    "IT'S I'M YOU'RE WE'LL THEY'VE HE'D", "it\u2019s", "'\u017f '\u212a", "isn't 's 'S ''s", "don't\n'll", "12345678901234567890",
    "3.14159, 1,000,000 and 2^10", "\u0661\u0662\u0663 \u0967\u0968\u0969 \u2460\u2461 \u2162 \u00bd \u00b2", "caf\u00e9 cafe\u0301", "\u00c5ngstr\u00f6m A\u030angstro\u0308m \u212b",
    "a\u0323\u0302 a\u0302\u0323 \u1ead", "\uac00\ub098\ub2e4 \u1100\u1161\u1102\u1161\u11a8", "\ufb01ne \uff21\uff22\uff23 \uff11\uff12 \u2122 \u33a1",
    "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 family", "\U0001f44d\U0001f3fd\U0001f44d\U0001f3ff", "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", "\u2764\ufe0f \u263a",
    "これは猫の写真です。", "东京的天空很蓝", "ภาษาไทยไม่มีช่องว่าง", "مرحبا بالعالم", "שלום עולם", "हिन्दी में पाठ", "Привет, мир!", "Ελληνικά ΣΑΣ",
    "a\u00a0b\u2003c\u3000d\u202fe\u1680f\u2028g\u2029h\u0085i", "\u200bzero\u200bwidth\u200d\u200c\ufeff", "\u00ad\u2060\u180e", "a\x00b\x01\x1f\x7f\x80\x9f",
    "\ue000\uf8ff\U000f0000", "\u0378\u0379\U000e0080", "\U0010ffff\ufffe", "I\u0307 \u0130stanbul \u0131", "stra\u00dfe STRASSE \u1e9e",
    "<s>", "</s>", "<|endoftext|>", "a<|endoftext|>b", "a <image> b", "<image>\nWhat?", "  <image>  ", "<image><image>", "<ima<image>ge>",
    "word<mask>word", "x  <mask>  y", "tokentok token, token_ atoken token", "Tok TOK tok\u00e9", "<unk> <unk>x", "<0x41><0x0A>", "\u2581a\u2581\u2581b", "\u2581", "\u0120a\u010a",
    "<|im_start|>user\nHello<|im_end|>\n", "<|startoftext|>hi<|endoftext|>", "##ing", "</w>", "a b</w>",
    "def f(x):\n    return {'a': [1, 2], \"b\": x**2}  # ok\n", "\t\t\tif (a&&b||!c) { a<<=1; }\r\n", "https://example.org/a_b?c=d&e=%20f#g",
    "snake_case camelCase PascalCase HTTPServer XMLHttpRequest2", "...!!!???---___", "\"quoted\" \u201ccurly\u201d \u2018x\u2019 \u00abg\u00bb \u2014 \u2013 \u2026", "$5 \u20ac6 \u00a37 5% 6\u2030", "a+b=c \u2260 \u2264 \u221e \u222b",
    "(a)[b]{c}<d>", "\\n \\t \\\\", "a/b\\c|d~e`f^g", "\n  \n   x", "x   \n   y", "x \t \n", "   \n", "\u3000\u3000x", "end ", "end\n", "end \n\n ",
    "antidisestablishmentarianism" * 4, "ab" * 150, "\u00e9" * 60, "\u732b" * 50, " " * 70 + "x", "1" * 65, "the " * 30, "a\u0301" * 20, "e" + "\u0301\u0323" * 8,
    "\u0e01\u0e33 \u0ebd\u0eb3 \u0915\u094d\u0937", "\ud55c\uad6d\uc5b4 \ud14d\uc2a4\ud2b8", "\U00020000\U0002f800 \u8c48\uf900", "\U0001d400\U0001d7d8", "\u01c5 \u02b0 \u2160 \u0345",
]


def write(name, tokenizer, config=None, shrink=None):
    directory = ROOT / name
    directory.mkdir(parents=True, exist_ok=True)
    content = json.loads(tokenizer.to_str())
    content["truncation"] = content["padding"] = None
    if shrink:
        shrink(content)
    path = directory / "tokenizer.json"
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")))
    if config is not None:
        (directory / "tokenizer_config.json").write_text(json.dumps(config, ensure_ascii=False))
    reference = Tokenizer.from_file(str(path))
    framed = reference.encode("the", add_special_tokens=True).ids
    plain = reference.encode("the", add_special_tokens=False).ids
    start = next(i for i in range(len(framed)) if framed[i:i + len(plain)] == plain)
    prefix, suffix = framed[:start], framed[start + len(plain):]
    cases = []
    for text in TEXTS:
        plain = reference.encode(text, add_special_tokens=False).ids
        assert reference.encode(text, add_special_tokens=True).ids == prefix + plain + suffix
        cases.append([plain, reference.decode(plain, skip_special_tokens=False)])
    answers = {"prefix": prefix, "suffix": suffix, "cases": cases}
    (directory / "cases.json").write_text(json.dumps(answers, ensure_ascii=False, separators=(",", ":")))
    size = sum(f.stat().st_size for f in directory.iterdir())
    print(f"{name}: {len(content['model']['vocab'])} tokens, {path.stat().st_size} bytes, {size} in all")


def byte_level(pre, size=700, normalizer=None, special=("<|endoftext|>",), added=(), **model):
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = pre
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(special), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        **({"end_of_word_suffix": model["end_of_word_suffix"]} if "end_of_word_suffix" in model else {}))
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens([a for a in added if a.special])
    tokenizer.add_tokens([a for a in added if not a.special])
    return tokenizer


def regex_split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), behavior, invert=invert),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def merges_as_text(content):
    """Writes merges as files older than tokenizers 0.20 have them."""
    content["model"]["merges"] = [" ".join(pair) for pair in content["model"]["merges"]]


IMAGE = AddedToken("<image>", special=True, normalized=False)
MASK = AddedToken("<mask>", lstrip=True, rstrip=True, special=True, normalized=False)
WORD = AddedToken("token", single_word=True, normalized=False)
TOK = AddedToken("tok", normalized=True)


def template(single, tokenizer, *names):
    return processors.TemplateProcessing(
        single=single, pair=None, special_tokens=[(n, tokenizer.token_to_id(n)) for n in names])


def sentencepiece(pre=None, normalizer=None, decoder=None, size=420, words=lambda text: text, **model):
    """A BPE with byte fallback: trained on text in which "▁" stands for the space."""
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.pre_tokenizer = pre_tokenizers.Split(META, "merged_with_next")
    trained.train_from_iterator(
        [META + words(line).replace(" ", META) for line in CORPUS[:5]],
        trainers.BpeTrainer(vocab_size=size - 259, show_progress=False, limit_alphabet=70,
                            special_tokens=["<unk>", "<s>", "</s>"]))
    learned = json.loads(trained.to_str())["model"]
    names = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    names += [t for t in sorted(learned["vocab"], key=learned["vocab"].get) if t not in names]
    tokenizer = Tokenizer(models.BPE(
        vocab={t: i for i, t in enumerate(names)}, merges=[tuple(m) for m in learned["merges"]],
        unk_token="<unk>", fuse_unk=True, byte_fallback=True, **model))
    if pre:
        tokenizer.pre_tokenizer = pre
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoder or decoders.Sequence([
        decoders.Replace(META, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in names[:3]])
    tokenizer.add_special_tokens([IMAGE])
    tokenizer.post_processor = template("<s> $A", tokenizer, "<s>")
    return tokenizer


class Trie:
    """Builds the double array of darts-clone, as far as a character map needs it."""

    def __init__(self, entries):
        self.units = [0]
        self.used = {0}
        self.starts = set()
        root = {}
        for key, value in entries.items():
            node = root
            for byte in key:
                node = node.setdefault(byte, {})
            node[0] = value
        self.place(root, 0)
        while len(self.units) % 256:
            self.units.append(0)

    def room(self, labels):
        base = 1
        while base in self.starts or any((base ^ label) in self.used for label in labels):
            base += 1
        self.starts.add(base)
        return base

    def place(self, node, position):
        labels = sorted(node)
        base = self.room(labels)
        for label in labels:
            self.used.add(base ^ label)
            while len(self.units) <= base ^ label:
                self.units.append(0)
        offset = position ^ base
        assert offset < 1 << 21
        self.units[position] |= offset << 10 | (1 << 8 if 0 in node else 0)
        for label in labels:
            if label == 0:
                self.units[base] = 1 << 31 | node[0]
            else:
                self.units[base ^ label] |= label
                self.place(node[label], base ^ label)


def character_map():
    """A small map in the manner of SentencePiece's nmt_nfkc."""
    pairs = {"\t": " ", "\n": " ", "\r": " ", "\u00a0": " ", "\u3000": " ", "\u2003": " ", "\u200b": " ", "\ufeff": "",
             "\u00ad": "", "\u0001": "", "\u2026": "...", "\u2122": "TM", "\ufb01": "fi", "\u00bd": "1\u20442",
             "e\u0301": "\u00e9", "a\u0301": "\u00e1", "A\u030a": "\u00c5", "\u212b": "\u00c5", "\uff21": "A", "\uff11": "1",
             "\u33a1": "m2", "\u0e33": "\u0e4d\u0e32", "\u2460": "1", "\u1ead": "a"}
    texts, starts = b"", {}
    for key, value in pairs.items():
        starts[key.encode()] = len(texts)
        texts += value.encode() + b"\0"
    units = Trie(starts).units
    return struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + texts


def unigram(pre, normalizer, byte_fallback=False, decoder=None, unknown="<unk>"):
    trained = Tokenizer(models.Unigram())
    trained.normalizer = normalizers.Replace(" ", META)
    trained.pre_tokenizer = pre_tokenizers.Split(META, "merged_with_next")
    trained.train_from_iterator([" " + line for line in CORPUS[:6]], trainers.UnigramTrainer(
        vocab_size=260, show_progress=False, unk_token=unknown, special_tokens=["<s>", "</s>", "<unk>"]))
    vocab = [(t, round(s, 6)) for t, s in json.loads(trained.to_str())["model"]["vocab"]]
    if byte_fallback:
        vocab += [(f"<0x{b:02X}>", -30.0) for b in range(256)]
    tokenizer = Tokenizer(models.Unigram(vocab, unk_id=2, byte_fallback=byte_fallback))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoder or decoders.Metaspace()
    tokenizer.add_special_tokens(["<s>", "</s>", "<unk>", IMAGE, MASK])
    tokenizer.post_processor = template("$A </s>", tokenizer, "</s>")
    return tokenizer


def main():
    random.seed(0)
    metaspace = lambda scheme: pre_tokenizers.Metaspace(prepend_scheme=scheme)  # noqa: E731
    ROOT.mkdir(exist_ok=True)
    (ROOT / "texts.json").write_text(json.dumps(TEXTS, separators=(",", ":")))

    gpt2 = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False), added=[IMAGE, MASK, WORD, TOK])
    gpt2.post_processor = processors.ByteLevel(trim_offsets=False)
    write("gpt2", gpt2, {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}, merges_as_text)

    llama3 = byte_level(regex_split(LLAMA3), special=["<|begin_of_text|>", "<|endoftext|>"],
                        added=[IMAGE, MASK], ignore_merges=True)
    llama3.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False), template("<|begin_of_text|> $A", llama3, "<|begin_of_text|>")])
    write("llama3", llama3, {"eos_token": {"content": "<|endoftext|>", "special": True}})

    qwen2 = byte_level(regex_split(QWEN2), normalizer=normalizers.NFC(),
                       special=["<|endoftext|>", "<|im_start|>", "<|im_end|>"], added=[IMAGE, TOK])
    write("qwen2", qwen2, {"bos_token": None, "eos_token": "<|im_end|>"})

    smol = byte_level(pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]),
        special=["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    write("smollm2", smol, {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"})

    opt = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False), special=["<s>", "<pad>", "</s>", "<unk>"])
    opt.post_processor = template("</s> $A", opt, "</s>")
    write("opt", opt, {"bos_token": {"content": "</s>"}, "eos_token": {"content": "</s>"}})

    roberta = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True), special=["<s>", "<pad>", "</s>", "<unk>"],
                         added=[MASK, AddedToken("tok", single_word=True, normalized=True)])
    roberta.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    write("roberta", roberta)

    clip = byte_level(
        pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(CLIP), "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]),
        normalizer=normalizers.Sequence([
            normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]),
        special=["<|startoftext|>", "<|endoftext|>"], unk_token="<|endoftext|>", end_of_word_suffix="</w>",
        continuing_subword_prefix="", fuse_unk=False)
    clip.post_processor = processors.RobertaProcessing(
        ("<|endoftext|>", 1), ("<|startoftext|>", 0), trim_offsets=False, add_prefix_space=False)
    write("clip", clip, {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>"}, merges_as_text)

    write("o200k", byte_level(regex_split(O200K)))
    write("cl100k", byte_level(regex_split(CL100K)))
    write("starcoder", byte_level(pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.Punctuation("contiguous"),
        pre_tokenizers.Split(" ", "merged_with_previous"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]),
        normalizer=normalizers.NFKC()))

    write("llama2", sentencepiece(
        normalizer=normalizers.Sequence([normalizers.Prepend(META), normalizers.Replace(" ", META)])),
        {"bos_token": {"content": "<s>"}, "eos_token": {"content": "</s>"}})
    for scheme in ("first", "always", "never"):
        pre = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
        write(f"metaspace-{scheme}", sentencepiece(pre=pre), {"bos_token": "<s>", "eos_token": "</s>"},
              merges_as_text if scheme == "first" else None)
    gemma = sentencepiece(
        pre=pre_tokenizers.Split(" ", "merged_with_previous"), normalizer=normalizers.Replace(" ", META),
        decoder=decoders.Sequence([decoders.Replace(META, " "), decoders.ByteFallback(), decoders.Fuse()]))
    gemma.add_tokens([AddedToken(t, normalized=False) for t in ("\n", "\n\n", META * 2, META * 3)])
    write("gemma", gemma, {"bos_token": "<s>", "eos_token": "</s>"})
    # What a normalizer takes from the start leaves nothing that counts as first.
    write("start-removed", sentencepiece(pre=metaspace("first"), normalizer=normalizers.Sequence([
        normalizers.Precompiled(character_map()), normalizers.Nmt(), normalizers.StripAccents(), normalizers.Strip(),
        normalizers.Replace("it", "")]), decoder=decoders.Metaspace(prepend_scheme="first")))
    gaps = sentencepiece(pre=metaspace("always"), normalizer=normalizers.Sequence([
        normalizers.NFKD(), normalizers.StripAccents(), normalizers.Strip(), normalizers.Nmt()]),
        decoder=decoders.Metaspace(prepend_scheme="always"))

    def without_some_bytes(content):
        """Bytes from 0x80 on have no token, so that unknown characters remain, and are not fused."""
        content["model"]["fuse_unk"] = False
        content["model"]["vocab"] = {
            t if not (t.startswith("<0x") and t[3] in "89ABCDEF") else t.lower(): i
            for t, i in content["model"]["vocab"].items()}

    write("byte-gaps", gaps, None, without_some_bytes)

    spm = unigram(metaspace("always"), normalizers.Sequence([
        normalizers.Precompiled(character_map()), normalizers.Replace(Regex(" {2,}"), " ")]))
    write("unigram", spm, {"eos_token": "</s>"})
    write("unigram-bytes", unigram(
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace("first")]),
        normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase()]), byte_fallback=True,
        decoder=decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first")])))
    words = Tokenizer(models.BPE(unk_token="<unk>", continuing_subword_prefix="##"))
    words.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation()])
    words.train_from_iterator(CORPUS[:5], trainers.BpeTrainer(
        vocab_size=260, show_progress=False, special_tokens=["<unk>", "<s>"], continuing_subword_prefix="##"))
    words.post_processor = processors.BertProcessing(("<unk>", 0), ("<s>", 1))
    words.decoder = decoders.BPEDecoder("##")
    write("prefix", words)

    whole = Tokenizer(models.WordLevel(unk_token="<unk>"))
    whole.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    whole.train_from_iterator(CORPUS[:3] + ["the cat and dog a b c d"], trainers.WordLevelTrainer(
        show_progress=False, special_tokens=["<unk>", "<s>", "</s>"]))
    whole.post_processor = template("<s> $A", whole, "<s>")
    write("word-level", whole, {"bos_token": "<s>", "eos_token": "</s>"})


if __name__ == "__main__":
    main()
