"""Colours of pictures and pages, light and dark, and the CSS that both share."""

from __future__ import annotations

from collections.abc import Mapping

from awsdeploy.diagram.model import Health

LIGHT: Mapping[str, str] = {
    "page": "#ffffff",
    "box": "#f8fafc",
    "text": "#1f2937",
    "muted": "#4b5563",
    "line": "#64748b",
    "frame": "#94a3b8",
    "data": "#7c3aed",
    "planned": "#475569",
    "healthy": "#166534",
    "differs": "#854d0e",
    "changing": "#1d4ed8",
    "unhealthy": "#b91c1c",
    "absent": "#b91c1c",
}
DARK: Mapping[str, str] = {
    "page": "#0f172a",
    "box": "#1e293b",
    "text": "#f1f5f9",
    "muted": "#cbd5e1",
    "line": "#94a3b8",
    "frame": "#64748b",
    "data": "#c4b5fd",
    "planned": "#cbd5e1",
    "healthy": "#86efac",
    "differs": "#fde047",
    "changing": "#93c5fd",
    "unhealthy": "#fca5a5",
    "absent": "#fca5a5",
}
CLASSES: Mapping[Health, str] = {one: one.value.replace("not there", "absent") for one in Health}
"""CSS class and colour of each state."""
FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Noto Sans KR', 'Apple SD Gothic Neo', sans-serif"


def css() -> str:
    """Variables for all colours: dark on screens whose owner wants that, light elsewhere and on paper."""
    return (
        f":root {{ {_variables(LIGHT)} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}\n"
    )


def _variables(colours: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2: text needs 4.5, signs 3)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
