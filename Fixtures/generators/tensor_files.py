"""Writes Fixtures/tensor-files: small files by the reference implementations, and expected.json.

Versions: Python 3.11.7, numpy 2.4.6, torch 2.15.0, safetensors 0.8.0, gguf 0.19.0.
Run: python3 Fixtures/generators/tensor_files.py
Tests read the files and never run this script.
"""

import io
import json
import math
import os
import pathlib
import struct
import sys
import warnings
import zipfile
from collections import OrderedDict

import gguf
import numpy as np
import safetensors
import safetensors.torch
import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent / "tensor-files"
SAFETENSORS_NAMES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8",
    torch.bool: "BOOL", torch.complex64: "C64",
}
expected = {}


def record(file, format, tensors, metadata=None):
    """tensors: name -> (type, shape, flat values as floats or None where reading is refused)."""
    expected[file] = {
        "format": format,
        "tensors": [
            {"name": n, "type": t, "shape": list(s), "values": v} for n, (t, s, v) in tensors.items()
        ],
        "metadata": metadata or {},
    }


def of_numpy(a):
    names = {"f8": "F64", "f4": "F32", "f2": "F16"}
    code = a.dtype.str[1:]
    return (names[code], a.shape, a.astype(np.float64).ravel(order="C").tolist())


def of_torch(t):
    name = SAFETENSORS_NAMES[t.dtype]
    values = t.detach().to(torch.float64).contiguous().flatten().tolist() if t.is_floating_point() else None
    return (name, tuple(t.shape), values)


def sample(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def npy():
    edge = np.array([0.0, -0.0, 1.0, -2.5, 6.1e-5, 5.96e-8, 65504.0, 1 / 3])
    for code in ("f2", "f4", "f8"):
        for order in "<>":
            for layout in "CF":
                a = sample(5, 7, seed=1).astype(order + code)
                a[0] = edge[:7]
                a = np.array(a, order=layout)
                file = f"{'little' if order == '<' else 'big'}-{code}-{layout.lower()}.npy"
                np.save(ROOT / file, a)
                record(file, "npy", {"array": of_numpy(a)})
    for version in ((1, 0), (2, 0), (3, 0)):
        a = sample(2, 3, seed=2).astype("<f4")
        file = f"version-{version[0]}.npy"
        with open(ROOT / file, "wb") as f:
            np.lib.format.write_array(f, a, version=version)
        record(file, "npy", {"array": of_numpy(a)})
    for name, a in {
        "stacked": sample(2, 4, 3, seed=3).astype("<f4"),
        "stacked-f": np.asfortranarray(sample(2, 4, 3, seed=3).astype("<f8")),
        "large-f": np.asfortranarray(sample(300, 5, seed=4).astype("<f2")),
        "scalar": np.array(2.5, dtype="<f8"),
        "vector": sample(6, seed=5).astype("<f4"),
        "empty": np.zeros((0, 3), dtype="<f4"),
    }.items():
        np.save(ROOT / f"{name}.npy", a)
        record(f"{name}.npy", "npy", {"array": of_numpy(a)})
    refused = {
        "int64": (np.arange(4), "I64"), "uint8": (np.arange(4, dtype="u1"), "U8"),
        "bool": (np.array([True, False]), "BOOL"), "complex": (np.ones(2, dtype="c8"), "C64"),
        "text": (np.array(["a", "bc"]), "<U2"), "structured": (np.zeros(2, dtype=[("x", "<f4"), ("y", "<i4")]), "structured"),
        "object": (np.array([{"a": 1}, None], dtype=object), "object"), "date": (np.array(["2020-01-01"], dtype="M8[D]"), "<M8[D]"),
    }
    for name, (a, type) in refused.items():
        np.save(ROOT / f"refused-{name}.npy", a, allow_pickle=True)
        record(f"refused-{name}.npy", "npy", {"array": (type, a.shape, None)})


def npz():
    arrays = {"image": sample(4, 3, seed=6).astype("<f4"), "text": sample(4, 3, seed=7).astype("<f2"),
              "f": np.asfortranarray(sample(3, 2, seed=8)), "ids": np.arange(4)}
    tensors = {k: of_numpy(v) if v.dtype.kind == "f" else ("I64", v.shape, None) for k, v in arrays.items()}
    np.savez(ROOT / "stored.npz", **arrays)
    record("stored.npz", "npz", tensors)
    np.savez_compressed(ROOT / "deflated.npz", **arrays)
    record("deflated.npz", "npz", tensors)
    # Names are only names, and a member that is no array is listed.
    with zipfile.ZipFile(ROOT / "names.npz", "w") as z:
        buffer = io.BytesIO()
        np.save(buffer, arrays["image"])
        z.writestr("../outside.npy", buffer.getvalue())
        z.writestr("note.txt", b"hello")
    record("names.npz", "npz", {"../outside": of_numpy(arrays["image"]), "note.txt": ("U8", (5,), None)})
    # Written to a pipe: sizes stand behind the data.
    class Pipe(io.RawIOBase):
        def __init__(self): self.parts = []
        def writable(self): return True
        def write(self, b): self.parts.append(bytes(b)); return len(b)
        def seekable(self): return False
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a.npy", buffer.getvalue())
    (ROOT / "descriptor.npz").write_bytes(b"".join(pipe.parts))
    record("descriptor.npz", "npz", {"a": of_numpy(arrays["image"])})
    # All zip64 records although nothing is large.
    limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, 10
    count, zipfile.ZIP_FILECOUNT_LIMIT = zipfile.ZIP_FILECOUNT_LIMIT, 0
    with zipfile.ZipFile(ROOT / "zip64.npz", "w", allowZip64=True) as z:
        z.writestr("a.npy", buffer.getvalue())
    zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = limit, count
    record("zip64.npz", "npz", {"a": of_numpy(arrays["image"])})


def torch_tensors():
    generator = torch.Generator().manual_seed(0)
    base = torch.randn(4, 6, generator=generator)
    return base, OrderedDict([
        ("double", base.double()), ("float", base.clone()), ("half", base.half()), ("bfloat16", base.bfloat16()),
        ("long", torch.arange(3)), ("int", torch.arange(3, dtype=torch.int32)), ("byte", torch.arange(3, dtype=torch.uint8)),
        ("bool", torch.tensor([True, False])), ("scalar", torch.tensor(1.5)), ("none", torch.zeros(0, 4)),
    ])


def safetensors_files():
    base, tensors = torch_tensors()
    safetensors.torch.save_file(dict(tensors), ROOT / "types.safetensors", metadata={"format": "pt", "note": "ä\n"})
    record("types.safetensors", "safetensors", {k: of_torch(v) for k, v in tensors.items()}, {"format": "pt", "note": "ä\n"})
    folder = ROOT / "sharded"
    folder.mkdir(exist_ok=True)
    parts = {"model-00001-of-00002.safetensors": {"a.weight": base, "a.bias": base[0].clone()},
             "model-00002-of-00002.safetensors": {"b.weight": base.half() * 2}}
    for name, part in parts.items():
        safetensors.torch.save_file(part, folder / name, metadata={"format": "pt"})
    index = {"metadata": {"total_size": 312}, "weight_map": {k: n for n, p in parts.items() for k in p}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))
    record("sharded", "sharded safetensors", {k: of_torch(v) for p in parts.values() for k, v in p.items()},
           {"total_size": 312, "format": "pt"})
    folder = ROOT / "sharded-torch"
    folder.mkdir(exist_ok=True)
    torch.save({"a": base}, folder / "pytorch_model-1.bin")
    torch.save({"b": base.half()}, folder / "pytorch_model-2.bin")
    index = {"metadata": {}, "weight_map": {"a": "pytorch_model-1.bin", "b": "pytorch_model-2.bin"}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    record("sharded-torch", "sharded PyTorch", {"a": of_torch(base), "b": of_torch(base.half())})


class Evil:
    """Unpickling this would create a file; refusing it must not."""

    def __reduce__(self):
        return (os.system, ("touch embedding-gap-canary",))


def torch_files():
    base, tensors = torch_tensors()
    linear = torch.nn.Linear(3, 2)
    with torch.no_grad():
        for p in linear.parameters():
            p.copy_(torch.arange(p.numel()).reshape(p.shape) / 8)
    views = {"whole": base, "transposed": base.t(), "sliced": base[1:3, ::2], "row": base[2], "expanded": base[:, :1].expand(4, 3)}
    nested = {"model": {"layers": [{"w": base[0].clone()}, {"w": base[1].clone()}], "pair": (base[2].clone(), 3)},
              "epoch": 7, "lr": 0.5, "name": "run", "none": None, "flag": True, "big": 1 << 40, 5: torch.ones(2)}
    nested_tensors = {"model.layers.0.w": of_torch(base[0]), "model.layers.1.w": of_torch(base[1]),
                      "model.pair.0": of_torch(base[2]), "5": of_torch(torch.ones(2))}
    nested_metadata = {"model.pair.1": 3, "epoch": 7, "lr": 0.5, "name": "run", "none": None, "flag": True, "big": 1 << 40}
    cases = {
        "types": (tensors, {k: of_torch(v) for k, v in tensors.items()}, {}),
        "state-dict": (linear.state_dict(), {k: of_torch(v) for k, v in linear.state_dict().items()}, {}),
        "parameter": ({"p": linear.weight}, {"p": of_torch(linear.weight)}, {}),
        "views": (views, {k: of_torch(v) for k, v in views.items()}, {}),
        "nested": (nested, nested_tensors, nested_metadata),
        "bare": (base, {"array": of_torch(base)}, {}),
        "size": ({"s": base.shape, "d": torch.float32, "v": torch.device("cpu"), "t": base[0].clone()}, {"t": of_torch(base[0])},
                 {"s.0": 4, "s.1": 6, "d": "the name type F32", "v": "a device"}),
    }
    for name, (value, listed, metadata) in cases.items():
        torch.save(value, ROOT / f"{name}.pt")
        record(f"{name}.pt", "PyTorch zip", listed, metadata)
        torch.save(value, ROOT / f"{name}-legacy.pt", _use_new_zipfile_serialization=False)
        record(f"{name}-legacy.pt", "PyTorch legacy pickle", listed, metadata)
    for protocol in (3, 4, 5):
        torch.save(nested, ROOT / f"protocol-{protocol}.pt", pickle_protocol=protocol)
        record(f"protocol-{protocol}.pt", "PyTorch zip", nested_tensors, nested_metadata)
        torch.save(nested, ROOT / f"protocol-{protocol}-legacy.pt", pickle_protocol=protocol, _use_new_zipfile_serialization=False)
        record(f"protocol-{protocol}-legacy.pt", "PyTorch legacy pickle", nested_tensors, nested_metadata)
    numpy_scalar = {"best": np.float64(0.25), "t": base[0].clone()}
    torch.save(numpy_scalar, ROOT / "numpy-scalar.pt")
    record("numpy-scalar.pt", "PyTorch zip", {"t": of_torch(base[0])}, {"best": "a numpy scalar"})
    torch.save({"u": torch.arange(3).to(torch.uint16), "t": base[0].clone()}, ROOT / "uint16.pt")
    record("uint16.pt", "PyTorch zip", {"u": ("U16", (3,), None), "t": of_torch(base[0])})
    # The same archive, rewritten with its members deflated.
    with zipfile.ZipFile(ROOT / "views.pt") as source, zipfile.ZipFile(ROOT / "views-deflated.pt", "w", zipfile.ZIP_DEFLATED) as z:
        for name in source.namelist():
            z.writestr(name, source.read(name))
    record("views-deflated.pt", "PyTorch zip", cases["views"][1])
    # Refused: what they hold must not run.
    torch.save({"t": base, "evil": Evil()}, ROOT / "evil.pt")
    torch.save({"t": base, "evil": Evil()}, ROOT / "evil-legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(linear, ROOT / "module.pt")


def gguf_files():
    writer = gguf.GGUFWriter(ROOT / "mixed.gguf", "clip")
    writer.add_uint32("count", 7)
    writer.add_int8("i8", -3)
    writer.add_uint64("u64", (1 << 64) - 1)
    writer.add_float64("f64", 0.1)
    writer.add_float32("f32", 0.5)
    writer.add_bool("yes", True)
    writer.add_string("text", "zeile\n2")
    writer.add_array("tokens", ["a", "b", "ü"])
    writer.add_array("numbers", [1, 2, 3])
    a = sample(3, 2, 4, seed=9)
    listed = {}
    for name, array, type in (
        ("mm.0.weight", a.astype(np.float32), "F32"), ("mm.2.weight", a.astype(np.float16), "F16"),
        ("double", a, "F64"), ("bytes", np.arange(5, dtype=np.int8), "I8"),
    ):
        writer.add_tensor(name, array)
        listed[name] = (type, array.shape, array.astype(np.float64).ravel().tolist() if type[0] == "F" else None)
    half = torch.tensor(a, dtype=torch.float32).bfloat16()
    writer.add_tensor("brain", half.view(torch.uint8).numpy().reshape(3, 2, 8), raw_dtype=gguf.GGMLQuantizationType.BF16)
    listed["brain"] = of_torch(half)
    wide = sample(2, 64, seed=10).astype(np.float32)
    writer.add_tensor("quantised", gguf.quants.quantize(wide, gguf.GGMLQuantizationType.Q8_0), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    listed["quantised"] = ("Q8_0", (2, 64), None)
    writer.add_tensor("k", np.zeros((1, 144), dtype=np.uint8), raw_dtype=gguf.GGMLQuantizationType.Q4_K)
    listed["k"] = ("Q4_K", (1, 256), None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    metadata = {"general.architecture": "clip", "count": 7, "i8": -3, "f64": 0.1, "f32": 0.5, "yes": True,
                "text": "zeile\n2", "tokens": ["a", "b", "ü"], "numbers": [1, 2, 3]}
    record("mixed.gguf", "GGUF", listed, metadata)
    small = gguf.GGUFWriter(ROOT / "aligned.gguf", "clip")
    small.add_custom_alignment(64)
    small.add_tensor("x", a.astype(np.float32))
    small.add_tensor("y", a.astype(np.float16))
    small.write_header_to_file()
    small.write_kv_data_to_file()
    small.write_tensors_to_file()
    small.close()
    record("aligned.gguf", "GGUF", {"x": of_numpy(a.astype("<f4")), "y": of_numpy(a.astype("<f2"))}, {"general.alignment": 64})
    data = bytearray((ROOT / "aligned.gguf").read_bytes())
    data[4:8] = struct.pack("<I", 2)
    (ROOT / "version-2.gguf").write_bytes(data)
    record("version-2.gguf", "GGUF", {"x": of_numpy(a.astype("<f4")), "y": of_numpy(a.astype("<f2"))}, {"general.alignment": 64})
    big = gguf.GGUFWriter(ROOT / "big-endian.gguf", "clip", endianess=gguf.GGUFEndian.BIG)
    big.add_tensor("x", a.astype(np.float32))
    big.write_header_to_file()
    big.write_kv_data_to_file()
    big.write_tensors_to_file()
    big.close()


def main():
    warnings.simplefilter("ignore")
    ROOT.mkdir(exist_ok=True)
    npy()
    npz()
    safetensors_files()
    torch_files()
    gguf_files()
    (ROOT / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n")
    print(len(expected), "files;", sys.version.split()[0], np.__version__, torch.__version__, safetensors.__version__)
    assert all(math.isfinite(v) for e in expected.values() for t in e["tensors"] for v in t["values"] or [])


main()
