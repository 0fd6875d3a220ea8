"""Checks of pictures and pages in a browser: what overlaps, is cut off, cannot be read, or is not accessible."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests import npm, shared
from tests.chromium import Browser

A4 = {(595, 842), (842, 595)}
"""Sizes in points, upright and across."""
PAPER = 703
"""Width of A4 without the page's margins, in pixels of CSS."""

TEXTS_OUTSIDE = """
[...document.querySelectorAll('g.part')].flatMap(part => {
  const box = part.querySelector('rect').getBBox()
  return [...part.querySelectorAll('text')].filter(text => {
    const at = text.getBBox()
    return at.x < box.x || at.x + at.width > box.x + box.width || at.y < box.y || at.y + at.height > box.y + box.height
  }).map(text => text.textContent)
})
"""
"""Texts of a picture that leave their box."""
LABELS_OVER_BOXES = """
[...document.querySelectorAll('svg text')].filter(text => !text.closest('g.part')).flatMap(text => {
  const at = text.getBBox()
  return [...document.querySelectorAll('g.part rect')].map(rect => rect.getBBox()).filter(box =>
    at.x < box.x + box.width && box.x < at.x + at.width && at.y + 2 < box.y + box.height && box.y + 2 < at.y + at.height
  ).map(() => text.textContent)
})
"""
"""Texts beside the boxes of a picture that reach into one."""
TEXTS_OVER_OTHERS = """
(() => {
  const texts = [...document.querySelectorAll('svg text')].filter(text => text.textContent.trim())
  const beside = (a, b) => a.x >= b.x + b.width || b.x >= a.x + a.width
  const meets = (a, b) => !beside(a, b) && a.y + 2 < b.y + b.height && b.y + 2 < a.y + a.height
  return texts.flatMap((one, place) => texts.slice(place + 1).filter(other => meets(one.getBBox(), other.getBBox()))
    .map(other => `${one.textContent} / ${other.textContent}`))
})()
"""
"""Pairs of texts of a picture that overlap."""
CUT_OFF = """
[...document.querySelectorAll('main *')].filter(one => one.getBoundingClientRect().right > innerWidth + 1)
  .map(one => one.tagName + ' ' + one.textContent.slice(0, 40))
"""
"""Elements of a page that are wider than it."""
LOW_CONTRAST = """
(() => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(one => one / 255)
      .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const ground = element => {
    const svg = element.closest('svg')
    if (svg) return getComputedStyle((element.closest('g.part') ?? svg).querySelector('rect')).fill
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor
      if (!colour.endsWith(', 0)')) return colour
    }
    return 'rgb(255, 255, 255)'
  }
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT)
  const found = []
  let texts = 0
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement
    if (!walk.currentNode.data.trim() || element.closest('style, title, script')) continue
    texts += 1
    const style = getComputedStyle(element)
    const pair = [light(element.closest('svg') ? style.fill : style.color), light(ground(element))]
    pair.sort((a, b) => b - a)
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05)
    if (ratio < 4.5) found.push(`${walk.currentNode.data.trim()}: ${ratio.toFixed(2)}`)
  }
  return texts > 20 ? found : ['no texts']
})()
"""
"""Texts of a page or a picture whose contrast with their ground is below 4.5 (WCAG 2, AA)."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


def low_contrast(page: Browser) -> list[str]:
    """Texts with too little contrast."""
    found: list[str] = page.value(LOW_CONTRAST)
    return found


def inaccessible(page: Browser) -> list[str]:
    """Findings of axe-core about an open page, by WCAG 2.1 AA and good practice. Skips the test where it is missing."""
    problem, _ = shared.once("npm", lambda _: npm.installed(), altered=False)
    if problem:
        pytest.skip(f"axe-core is not to be had: {problem}")
    page.value((npm.MODULES / "axe-core/axe.min.js").read_text() + "; 0")
    found: list[dict[str, Any]] = page.value(
        f"axe.run(document, {{runOnly: {RULES}}}).then(found => found.violations"
        ".map(one => ({id: one.id, where: one.nodes[0].html})))"
    )
    return [f"{one['id']}: {one['where']}" for one in found]


def sizes(pdf: bytes) -> set[tuple[int, int]]:
    """Page sizes of a PDF in points."""
    found: list[Any] = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert found
    return {(round(float(width)), round(float(height))) for width, height in found}
