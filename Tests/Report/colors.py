"""Colours of reports as people with and without colour blindness see them."""
import re
from pathlib import Path

STYLE = Path(__file__).resolve().parents[2] / "Sources" / "clm-replay" / "Report" / "ReportStyle.swift"

# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes: A Physiologically-based Model for Simulation of Color Vision Deficiency (2009),
# severity 1.0, on linear RGB.
VISIONS = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
# Colours that stand beside each other in one chart.
TOGETHER = [
    ("c1", "c2", "c3", "c4", "c5", "lost"),  # stages as they are stacked
    ("c4", "c2", "c6", "lost"),  # lifecycle
    ("lost", "calm", "c4"),  # NPS
    ("c1", "c2", "c5", "lost", "c4"),  # moves
]
# CIE 1976 difference; about 2.3 is just noticed.
LEAST = 9


def linear(color):
    parts = [int(color[place:place + 2], 16) / 255 for place in (1, 3, 5)]
    return [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in parts]


def lab(rgb):
    rows = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
    xyz = [sum(a * b for a, b in zip(row, rgb)) / white for row, white in zip(rows, (0.95047, 1, 1.08883))]
    f = [value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116 for value in xyz]
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def seen(color, matrix):
    rgb = linear(color)
    return lab([min(1, max(0, sum(a * b for a, b in zip(row, rgb)))) for row in matrix])


def palettes():
    text = STYLE.read_text()
    found = re.findall(r":root \{(.*?)\}", text, re.S)
    return {name: dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", part)) for name, part in zip(("light", "dark"), found)}


def problems():
    said = []
    for shade, palette in palettes().items():
        for group in TOGETHER:
            for vision, matrix in VISIONS.items():
                for place, one in enumerate(group):
                    for other in group[place + 1:]:
                        a, b = seen(palette[one], matrix), seen(palette[other], matrix)
                        far = sum((x - y) ** 2 for x, y in zip(a, b)) ** 0.5
                        if far < LEAST:
                            said.append(f"{shade}, {vision}: {one} and {other} are {far:.1f} apart")
    return said


if __name__ == "__main__":
    for text in problems():
        print(text)
