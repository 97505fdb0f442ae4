"""Colours as they are stored become sRGB, the colours of screens."""

import io
from collections.abc import Callable
from functools import lru_cache
from typing import cast

import numpy as np
from PIL import Image, ImageCms

Convert = Callable[[Image.Image], Image.Image]

_SAME = 2  # levels by which profiles differ that all claim to be sRGB
_USUAL_GAMMA = 1 / 2.2  # of PNG samples that are as good as sRGB
# As browsers show inks; for cameras' and screens' profiles it makes no difference.
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC


def in_srgb(image: Image.Image) -> tuple[Image.Image, str | None]:
    """An opaque image of 8 bits a channel as RGB in the colour space sRGB.

    By its ICC profile, where it has one that is made for such images, or its gamma (of a PNG).
    Also returns the change, where there is one: `profile`, or `cmyk` where there is no profile.
    """
    profile = image.info.get("icc_profile")
    mode, convert = _to_srgb(profile) if profile else ("", None)
    if convert and mode == image.mode:
        return convert(image), "profile"
    if convert and (mode, image.mode) == ("RGB", "L"):
        # One channel of three, which rounding can make unequal: what is grey stays grey.
        return convert(image.convert("RGB")).getchannel("G").convert("RGB"), "profile"
    if image.mode == "LAB":
        return _lab_to_srgb()(image), "profile"
    if image.mode == "CMYK":
        return image.convert("RGB"), "cmyk"
    gamma = 0 if profile or "srgb" in image.info else image.info.get("gamma", 0)
    if gamma > 0 and abs(gamma / _USUAL_GAMMA - 1) > 0.05:
        return image.convert("RGB").point(_gamma_table(gamma) * 3), "profile"
    return image.convert("RGB"), None


@lru_cache(maxsize=16)
def _to_srgb(profile: bytes) -> tuple[str, Convert | None]:
    """The mode of images that an ICC profile is made for, and what converts them to sRGB.

    Nothing does where there is nothing to do: for sRGB itself and for a damaged profile.
    """
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}[given.profile.xcolor_space.strip()]
        convert = _converter(given, mode)
    except (ImageCms.PyCMSError, OSError, KeyError):
        return "", None
    levels = np.linspace(0, 255, 18).round().astype(np.uint8)
    shown = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(18, -1, 3)
    if mode == "L":
        shown = np.repeat(levels[None, :, None], 3, axis=2)
    change = np.asarray(convert(Image.fromarray(shown).convert(mode))).astype(int) - shown
    return mode, convert if mode == "CMYK" or np.abs(change).max() > _SAME else None


def _converter(profile: ImageCms.ImageCmsProfile, mode: str) -> Convert:
    """What converts images of `mode` from a profile to sRGB."""
    # The fast way is a rough one for these two; for grey a table makes up for it.
    flags = ImageCms.Flags.NOOPTIMIZE if mode in ("L", "LAB") else ImageCms.Flags.NONE
    srgb = ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(profile, srgb, mode, "RGB", _INTENT, flags)

    def convert(image: Image.Image) -> Image.Image:
        return cast(Image.Image, ImageCms.applyTransform(image, transform))

    if mode != "L":
        return convert
    ramp = convert(Image.fromarray(np.arange(256, dtype=np.uint8)[None]))
    table = np.asarray(ramp)[0].T.ravel().tolist()
    return lambda image: image.convert("RGB").point(table)


@lru_cache(maxsize=1)
def _lab_to_srgb() -> Convert:
    return _converter(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), "LAB")


def _gamma_table(gamma: float) -> list[int]:
    """sRGB's value for each value of samples that are light to the power of `gamma`."""
    light = (np.arange(256) / 255) ** (1 / gamma)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * curve).astype(int).tolist()
