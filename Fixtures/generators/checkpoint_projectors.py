"""Writes Fixtures/checkpoints/projectors: each projector family alone, under the names its checkpoints use.

Versions: Python 3.11, torch 2.15.0, transformers 5.23.0, safetensors 0.8.0, gguf 0.19.0.
Imported by checkpoints.py.

`tokens` come from transformers' own module where it has one, else from the formula written here. Feature grids are
row-major, 4 x 4 (6 x 6 for SmolVLM, 8 x 8 for nanoVLM), except Qwen's, whose rows are in the order that its encoder
gives: the four of one 2 x 2 block follow one another.
"""

from types import SimpleNamespace as Fields

import gguf
import torch
from torch import nn
from transformers.models.gemma3.modeling_gemma3 import Gemma3MultiModalProjector
from transformers.models.idefics3.modeling_idefics3 import Idefics3Connector
from transformers.models.internvl.modeling_internvl import InternVLModel, InternVLMultiModalProjector
from transformers.models.llava.modeling_llava import LlavaMultiModalProjector
from transformers.models.mistral3.modeling_mistral3 import Mistral3MultiModalProjector
from transformers.models.paligemma.modeling_paligemma import PaliGemmaMultiModalProjector
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLPatchMerger
from transformers.models.qwen2_vl.modeling_qwen2_vl import PatchMerger
from transformers.models.smolvlm.modeling_smolvlm import SmolVLMConnector

from checkpoint_files import fresh, save_tensors, write_json
from checkpoint_models import normal, randomise, seeded

VISION, TEXT = 12, 20
IMAGE_SIZE, PATCH = 28, 7


def features_of(name, tokens=16, width=VISION):
    return normal((2, tokens, width), seeded(name + " features"))


def mlp(depth, vision=VISION, text=TEXT):
    """mlpNx_gelu: a linear layer, then depth - 1 times an exact GELU and a linear layer."""
    modules = [nn.Linear(vision, text)]
    for _ in range(1, depth):
        modules += [nn.GELU(), nn.Linear(text, text)]
    return nn.Sequential(*modules)


def fused_mlp():
    hidden = 4 * VISION
    return nn.Sequential(
        nn.Linear(VISION, hidden), nn.GELU(), nn.Linear(hidden, TEXT), nn.GELU(), nn.Linear(TEXT, TEXT))


def hugging_face_config(**fields):
    """The fields that transformers' projector modules read."""
    vision = Fields(
        hidden_size=VISION, image_size=IMAGE_SIZE, patch_size=PATCH, layer_norm_eps=1e-6, projection_dim=TEXT)
    return Fields(
        vision_config=vision, text_config=Fields(hidden_size=TEXT, rms_norm_eps=1e-5), vision_feature_layer=-2,
        projector_hidden_act="gelu", multimodal_projector_bias=True, **fields)


def prefixed(prefix, module):
    return {prefix + key: value for key, value in module.state_dict().items()}


def write_config(folder, **fields):
    write_json(folder / "config.json", fields)


@torch.no_grad()
def write_expected(folder, module, features, forward=None):
    tokens = (forward or module)(features)
    tokens = tokens.reshape(len(features), -1, tokens.shape[-1])
    save_tensors(folder / "expected.safetensors", {"features": features, "tokens": tokens})


def started(name, module):
    return fresh(f"projectors/{name}"), randomise(module, name)


def hidden_sizes():
    return {"vision_config": {"hidden_size": VISION}, "text_config": {"hidden_size": TEXT}}


def llava_1(name):
    folder, module = started(name, mlp(1)[0])
    torch.save(prefixed("model.mm_projector.", module), folder / "mm_projector.bin")
    write_config(folder, model_type="llava", hidden_size=TEXT, mm_hidden_size=VISION, use_mm_proj=True,
                 mm_vision_select_layer=-2)
    write_expected(folder, module, features_of(name))


def llava_1_5(name):
    folder, module = started(name, mlp(2))
    torch.save(prefixed("model.mm_projector.", module), folder / "mm_projector.bin")
    write_config(
        folder, model_type="llava_llama", hidden_size=TEXT, mm_hidden_size=VISION, mm_projector_type="mlp2x_gelu",
        mm_vision_select_feature="patch", mm_vision_select_layer=-2, image_aspect_ratio="pad")
    write_expected(folder, module, features_of(name))


def llava_hf(name):
    folder, module = started(name, LlavaMultiModalProjector(hugging_face_config()))
    save_tensors(folder / "model.safetensors", prefixed("model.multi_modal_projector.", module))
    write_config(folder, model_type="llava", projector_hidden_act="gelu", multimodal_projector_bias=True,
                 vision_feature_layer=-2, vision_feature_select_strategy="default", **hidden_sizes())
    write_expected(folder, module, features_of(name))


def internvl_forward(module):
    """transformers' own shuffle on the 4 x 4 grid, then its projector."""
    def forward(features):
        grid = features.reshape(len(features), 4, 4, -1)
        return module(InternVLModel.pixel_shuffle(None, grid, scale_factor=0.5).flatten(1, 2))
    return forward


def internvl_names(module, prefix):
    names = {"layer_norm": "0", "linear_1": "1", "linear_2": "3"}
    parts = {key: key.split(".") for key in module.state_dict()}
    return {f"{prefix}.{names[part]}.{kind}": module.state_dict()[key] for key, (part, kind) in parts.items()}


def internvl(name):
    folder, module = started(name, InternVLMultiModalProjector(hugging_face_config(downsample_ratio=0.5)))
    save_tensors(folder / "model.safetensors", internvl_names(module, "mlp1"))
    write_config(
        folder, model_type="internvl_chat", downsample_ratio=0.5, ps_version="v2", select_layer=-1,
        vision_config={"hidden_size": VISION}, llm_config={"hidden_size": TEXT})
    write_expected(folder, module, features_of(name), internvl_forward(module))


def internvl_hf(name):
    folder, module = started(name, InternVLMultiModalProjector(hugging_face_config(downsample_ratio=0.5)))
    save_tensors(folder / "model.safetensors", prefixed("model.multi_modal_projector.", module))
    write_config(folder, model_type="internvl", downsample_ratio=0.5, projector_hidden_act="gelu",
                 vision_feature_layer=-1, vision_feature_select_strategy="default", **hidden_sizes())
    write_expected(folder, module, features_of(name), internvl_forward(module))


def qwen2_vl(name):
    folder, module = started(name, PatchMerger(dim=TEXT, context_dim=VISION, spatial_merge_size=2))
    save_tensors(folder / "model.safetensors", prefixed("visual.merger.", module))
    write_config(folder, model_type="qwen2_vl", hidden_size=TEXT,
                 vision_config={"embed_dim": VISION, "hidden_size": TEXT, "spatial_merge_size": 2})
    write_expected(folder, module, features_of(name))


def qwen2_5_vl(name):
    folder, module = started(name, Qwen2_5_VLPatchMerger(dim=TEXT, context_dim=VISION, spatial_merge_size=2))
    save_tensors(folder / "model.safetensors", prefixed("visual.merger.", module))
    write_config(folder, model_type="qwen2_5_vl", hidden_size=TEXT,
                 vision_config={"hidden_size": VISION, "out_hidden_size": TEXT, "spatial_merge_size": 2})
    write_expected(folder, module, features_of(name))


def idefics3(name):
    folder, module = started(name, Idefics3Connector(hugging_face_config(scale_factor=2)))
    save_tensors(folder / "model.safetensors", prefixed("model.connector.", module))
    write_config(folder, model_type="idefics3", scale_factor=2, **hidden_sizes())
    write_expected(folder, module, features_of(name))


def smolvlm(name):
    folder, module = started(name, SmolVLMConnector(hugging_face_config(scale_factor=3)))
    save_tensors(folder / "model.safetensors", prefixed("model.connector.", module))
    write_config(folder, model_type="smolvlm", scale_factor=3, **hidden_sizes())
    write_expected(folder, module, features_of(name, 36))


def blocks(features, side):
    """Every side x side block of a square grid as one row: block row, block column, then channel."""
    count, tokens, width = features.shape
    rows = int(tokens ** 0.5) // side
    grid = features.reshape(count, rows, side, rows, side, width).permute(0, 1, 3, 2, 4, 5)
    return grid.reshape(count, rows * rows, side * side * width)


def nanovlm(name):
    width = 6
    folder, module = started(name, nn.Linear(16 * width, TEXT, bias=False))
    save_tensors(folder / "model.safetensors", {"MP.proj.weight": module.weight})
    write_config(folder, vit_hidden_dim=width, lm_hidden_dim=TEXT, mp_pixel_shuffle_factor=4, mp_image_token_length=4)
    write_expected(folder, module, features_of(name, 64, width), lambda rows: module(blocks(rows, 4)))


def gemma3(name):
    folder, module = started(name, Gemma3MultiModalProjector(hugging_face_config(mm_tokens_per_image=4)))
    save_tensors(folder / "model.safetensors", prefixed("multi_modal_projector.", module))
    write_config(
        folder, model_type="gemma3", mm_tokens_per_image=4, text_config={"hidden_size": TEXT},
        vision_config={"hidden_size": VISION, "image_size": IMAGE_SIZE, "patch_size": PATCH, "layer_norm_eps": 1e-6})
    write_expected(folder, module, features_of(name))


def paligemma(name):
    folder, module = started(name, PaliGemmaMultiModalProjector(hugging_face_config()))
    save_tensors(folder / "model.safetensors", prefixed("multi_modal_projector.", module))
    write_config(folder, model_type="paligemma", projection_dim=TEXT, text_config={"hidden_size": TEXT},
                 vision_config={"hidden_size": VISION, "projection_dim": TEXT})
    write_expected(folder, module, features_of(name))


def prismatic(name, kind, module):
    """The published checkpoints are one dictionary: model -> projector -> name."""
    folder, module = started(name, module)
    torch.save({"model": {"projector": prefixed("projector.", module)}}, folder / "latest-checkpoint.pt")
    write_config(folder, model={"model_id": name, "arch_specifier": kind})
    write_expected(folder, module, features_of(name))


def tinyllava(name, kind, module, prefix):
    folder, module = started(name, module)
    save_tensors(folder / "model.safetensors", prefixed(prefix, module))
    write_config(folder, model_type="tinyllava", connector_type=kind, hidden_size=TEXT, vision_hidden_size=VISION)
    write_expected(folder, module, features_of(name))


def pixtral(name):
    folder, module = started(name, LlavaMultiModalProjector(hugging_face_config()))
    save_tensors(folder / "model.safetensors", prefixed("multi_modal_projector.", module))
    write_config(
        folder, model_type="llava", projector_hidden_act="gelu", vision_feature_layer=-1,
        vision_feature_select_strategy="full", text_config={"model_type": "mistral", "hidden_size": TEXT},
        vision_config={"model_type": "pixtral", "hidden_size": VISION})
    write_expected(folder, module, features_of(name))


def mistral3(name):
    config = hugging_face_config(spatial_merge_size=2)
    config.multimodal_projector_bias = False
    folder, module = started(name, Mistral3MultiModalProjector(config))
    save_tensors(folder / "model.safetensors", prefixed("multi_modal_projector.", module))
    write_config(
        folder, model_type="mistral3", spatial_merge_size=2, multimodal_projector_bias=False,
        projector_hidden_act="gelu", vision_feature_layer=-1,
        text_config={"model_type": "mistral", "hidden_size": TEXT, "rms_norm_eps": 1e-5},
        vision_config={"model_type": "pixtral", "hidden_size": VISION, "patch_size": PATCH})
    sizes = torch.tensor([[IMAGE_SIZE, IMAGE_SIZE]] * 2)
    write_expected(folder, module, features_of(name), lambda rows: module(rows.flatten(0, 1), sizes))


def write_gguf(folder, kind, tensors, scale=None):
    writer = gguf.GGUFWriter(str(folder / "mmproj.gguf"), "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", kind)
    writer.add_uint32("clip.vision.embedding_length", VISION)
    writer.add_uint32("clip.vision.projection_dim", TEXT)
    writer.add_uint32("clip.vision.image_size", IMAGE_SIZE)
    writer.add_uint32("clip.vision.patch_size", PATCH)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-6)
    if scale:
        writer.add_uint32("clip.vision.projector.scale_factor", scale)
    for key, value in tensors.items():
        writer.add_tensor(key, value.detach().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gguf_mlp(name):
    folder, module = started(name, mlp(2))
    write_gguf(folder, "mlp", prefixed("mm.", module))
    write_expected(folder, module, features_of(name))


def gguf_pixtral(name):
    folder, module = started(name, LlavaMultiModalProjector(hugging_face_config()))
    tensors = {f"mm.{key.removeprefix('linear_')}": value for key, value in module.state_dict().items()}
    write_gguf(folder, "pixtral", tensors)
    write_expected(folder, module, features_of(name))


def gguf_internvl(name):
    folder, module = started(name, InternVLMultiModalProjector(hugging_face_config(downsample_ratio=0.5)))
    write_gguf(folder, "internvl", internvl_names(module, "mm.model.mlp"), 2)
    write_expected(folder, module, features_of(name), internvl_forward(module))


def gguf_idefics3(name):
    folder, module = started(name, Idefics3Connector(hugging_face_config(scale_factor=2)))
    write_gguf(folder, "idefics3", {"mm.model.fc.weight": module.modality_projection.proj.weight}, 2)
    write_expected(folder, module, features_of(name))


def gguf_gemma3(name):
    """llama.cpp's converter adds 1 to the norm's weight and leaves the projection untransposed."""
    folder, module = started(name, Gemma3MultiModalProjector(hugging_face_config(mm_tokens_per_image=4)))
    write_gguf(folder, "gemma3", {
        "mm.input_projection.weight": module.mm_input_projection_weight,
        "mm.soft_emb_norm.weight": module.mm_soft_emb_norm.weight + 1,
    }, 2)
    write_expected(folder, module, features_of(name))


FAMILIES = {
    "llava-1": llava_1, "llava-1.5": llava_1_5, "llava-hf": llava_hf, "internvl": internvl,
    "internvl-hf": internvl_hf, "qwen2-vl": qwen2_vl, "qwen2.5-vl": qwen2_5_vl, "idefics3": idefics3,
    "smolvlm": smolvlm, "nanovlm": nanovlm, "gemma3": gemma3, "paligemma": paligemma,
    "prismatic-linear": lambda name: prismatic(name, "linear", mlp(1)[0]),
    "prismatic-gelu-mlp": lambda name: prismatic(name, "no-align+gelu-mlp", mlp(2)),
    "prismatic-fused-gelu-mlp": lambda name: prismatic(name, "no-align+fused-gelu-mlp", fused_mlp()),
    "tinyllava-linear": lambda name: tinyllava(name, "linear", mlp(1)[0], "_connector."),
    "tinyllava-mlp2x": lambda name: tinyllava(name, "mlp2x_gelu", mlp(2), "connector._connector."),
    "tinyllava-mlp3x": lambda name: tinyllava(name, "mlp3x_gelu", mlp(3), "connector._connector."),
    "pixtral": pixtral, "mistral3": mistral3, "gguf-mlp": gguf_mlp, "gguf-pixtral": gguf_pixtral,
    "gguf-internvl": gguf_internvl, "gguf-idefics3": gguf_idefics3, "gguf-gemma3": gguf_gemma3,
}


def writers():
    return {f"projectors/{name}": lambda name=name, write=write: write(name) for name, write in FAMILIES.items()}
