"""The picture of a stack: boxes and arrows from a plan, drawn for a terminal, as SVG and as a page."""
