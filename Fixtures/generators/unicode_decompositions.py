"""Writes Sources/GapModels/Tokenizers/UnicodeDecompositions.swift: the decompositions that the reference applies.

Versions: Python 3.11.7 (Unicode 14.0), tokenizers 0.23.3 (Unicode 12.0 in its normalizers).
Run: python3 Fixtures/generators/unicode_decompositions.py

The mappings are those of Unicode, without the characters that the reference does not know.
Grammar, all numbers hexadecimal: entries separated by white space, each
    step ["*" length] (":" | "!") target ["," target]...
`step` from the character of the entry before (of its last one, for a run); a run maps `length` neighbours to as many
neighbours; "!" marks a canonical decomposition that composition must not undo.
"""

import pathlib
import textwrap
import unicodedata

from tokenizers import normalizers

OUT = pathlib.Path(__file__).resolve().parents[2] / "Sources/GapModels/Tokenizers/UnicodeDecompositions.swift"
NFD, NFC, NFKD = normalizers.NFD(), normalizers.NFC(), normalizers.NFKD()
HANGUL = range(0xAC00, 0xAC00 + 11172)
characters = [c for c in range(0x80, 0x110000) if not 0xD800 <= c < 0xE000 and c not in HANGUL]


def step(character, tagged):
    """One step of decomposition by Unicode: canonical, or compatible where `tagged`."""
    parts = unicodedata.decomposition(chr(character)).split()
    if not parts or parts[0].startswith("<") != tagged:
        return None
    return [int(p, 16) for p in parts if not p.startswith("<")]


def canonical():
    for c in characters:
        target = step(c, False)
        if target and NFD.normalize_str(chr(c)) != chr(c):
            yield c, target, "!" if NFC.normalize_str(chr(c)) != chr(c) else ":"


def compatible():
    for c in characters:
        target = step(c, True)
        if target and NFKD.normalize_str(chr(c)) != chr(c):
            yield c, target, ":"


def text(entries):
    runs = []
    for character, target, mark in entries:
        last = runs[-1] if runs else None
        if (last and len(target) == 1 and len(last[2]) == 1 and last[3] == mark
                and character == last[0] + last[1] and target[0] == last[2][0] + last[1]):
            last[1] += 1
        else:
            runs.append([character, 1, target, mark])
    words, previous = [], 0
    for character, length, target, mark in runs:
        count = f"*{length:x}" if length > 1 else ""
        words.append(f"{character - previous:x}{count}{mark}{','.join(f'{t:x}' for t in target)}")
        previous = character + length - 1
    return textwrap.indent("\n".join(textwrap.wrap(" ".join(words), 108, break_on_hyphens=False)), "    ")


OUT.write_text(f'''// A table, longer than other files: written by Fixtures/generators/unicode_decompositions.py.

/// The decompositions of Unicode 12, in the grammar that `UnicodeForm` reads.
enum UnicodeDecompositions {{
  /// One step of canonical decomposition.
  static let canonical = """
{text(canonical())}
    """

  /// One step of compatible decomposition.
  static let compatible = """
{text(compatible())}
    """
}}
''')
