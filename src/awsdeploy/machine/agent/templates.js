// Templates of variables: {NAME} stands for the value of another variable, {{ and }} for a brace.
// @ts-check
'use strict'

const PART = /\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}/g
const ADDRESS = /^((?:[a-z][a-z0-9+.-]*:)+\/\/)([^/?#]*)/i

/**
 * Return the text with the values. In an address they are percent-encoded, except as its host. Of an unknown name nothing
 * is inserted.
 * @param {string} template
 * @param {Record<string, string>} values
 */
function filled(template, values) {
  const host = hostOf(template)
  return template.replace(PART, (part, name, place) => {
    if (!name) return part[0]
    const value = values[name] ?? ''
    return !host || (place >= host.start && place < host.end) ? value : encoded(value)
  })
}

/**
 * Return where the host of an address is, or null for another text. It comes after the last @ of what is before the path.
 * @param {string} template
 */
function hostOf(template) {
  const [, scheme, authority] = ADDRESS.exec(template) || []
  if (scheme === undefined) return null
  return { start: scheme.length + authority.lastIndexOf('@') + 1, end: scheme.length + authority.length }
}

/**
 * Return the names whose values a template inserts.
 * @param {string} template
 * @returns {string[]}
 */
function used(template) {
  return [...template.matchAll(PART)].map((found) => found[1]).filter(Boolean)
}

/** @param {string} value */
function encoded(value) {
  try {
    return encodeURIComponent(value)
  } catch {
    return value // half a character
  }
}

module.exports = { filled, used, encoded }
