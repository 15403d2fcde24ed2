"""Small images and what torchvision's transforms make of them: Resize, CenterCrop on Pillow's images, byte by byte.

    pip install pillow numpy
    python images.py
"""

from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent.parent / "data" / "images"


def resize(image, side):
    """torchvision.transforms.Resize(side), of an image of Pillow."""
    w, h = image.size
    short, long = min(w, h), max(w, h)
    if short == side:
        return image
    longer = int(side * long / short)
    return image.resize((side, longer) if w <= h else (longer, side), Image.BILINEAR)


def centre(image, rows, columns):
    """torchvision.transforms.CenterCrop((rows, columns))."""
    w, h = image.size
    top, left = int(round((h - rows) / 2.0)), int(round((w - columns) / 2.0))
    return image.crop((left, top, left + columns, top + rows))


def main():
    rng = np.random.default_rng(7)
    HERE.mkdir(exist_ok=True)
    colours = Image.fromarray(rng.integers(0, 256, (23, 31, 3), dtype=np.uint8))
    colours.save(HERE / "colours.png")
    grey = Image.fromarray(rng.integers(0, 256, (9, 5), dtype=np.uint8))
    grey.save(HERE / "grey.png")
    rgba = np.concatenate([np.asarray(colours), np.full((23, 31, 1), 128, np.uint8)], axis=2)
    Image.fromarray(rgba).quantize(64).save(HERE / "palette.png")
    smooth = np.add.outer(np.arange(16) * 8, np.arange(24) * 5)[..., None] + np.array([0, 10, 20])
    Image.fromarray(smooth.astype(np.uint8)).save(HERE / "photo.jpg", quality=95)
    Image.fromarray(smooth[..., 0].astype(np.uint8)).save(HERE / "grey.jpg", quality=95)
    made = {}
    for name, image in [("colours.png", colours), ("grey.png", grey.convert("RGB"))]:
        for side, rows, columns in [(8, 8, 8), (16, 11, 14), (40, 40, 33)]:
            small = centre(resize(image, side), rows, columns)
            made[f"{name} {side} {rows}x{columns} 3"] = np.asarray(small).transpose(2, 0, 1)
            lum = centre(resize(image.convert("L"), side), rows, columns)
            made[f"{name} {side} {rows}x{columns} 1"] = np.asarray(lum)[None]
    for name in ["photo.jpg", "grey.jpg", "palette.png"]:
        made[f"{name} 0 0x0 3"] = np.asarray(Image.open(HERE / name).convert("RGB")).transpose(2, 0, 1)
    with open(HERE / "images.txt", "w") as f:
        for name, pixels in made.items():
            f.write(f"{name}: {pixels.tobytes().hex()}\n")


main()
