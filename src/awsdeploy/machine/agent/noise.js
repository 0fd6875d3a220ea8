// Lines of package managers and builds that help nobody who reads a release: advertisements, progress, long usages.
// @ts-check
'use strict'

const NOISE = [
  /^npm (?:notice\b|warn deprecated |error A complete log of this run)/i,
  /^\d+ packages? (?:is|are) looking for funding$|^ +run `npm fund` for details$/,
  /^found 0 vulnerabilities$|^\d+ (?:\w+ severity )?vulnerabilit(?:y|ies)\b|^To address (?:all )?issues|^Run `npm audit|^ +npm audit fix/,
  /^npm warn Unknown \w+ config /i, // of a user's .npmrc, for another version of npm
  /^npm warn (?:EBADENGINE|old lockfile)/i, // deploy has compared engines.node of the service; those of others do not count
  /^npm warn allow-scripts|^npm warn install-scripts/i,
  /^ ?WARN +(?:deprecated |\d+ deprecated subdependenc)|^Progress: resolved |^[+-]+$|^ *[╭│╰].*[╮│╯]$/, // pnpm
  /^warning .*(?:No license field| > .*deprecated)|^info (?:Visit https:\/\/yarnpkg\.com|No lockfile found)/, // yarn
  /^➤ YN0013: |^➤ YN0061: .*deprecated/, // yarn 4
  /^Attention: Next\.js now collects|^This information is used to shape Next\.js|^You can learn more, including how to opt-out|^https:\/\/nextjs\.org\/telemetry$/,
  /No build cache found\. Please configure build caching/,
  /^\[baseline-browser-mapping\] The data in this module is over two months old/,
  /^Browserslist: .*outdated|^ +npx update-browserslist-db|^ +Why you should do it regularly/,
]
const USAGE = /^npm (?:error|ERR!) Usage:$/
const OF_USAGE = /^npm (?:error|ERR!)(?: |$)/

/** Return a function that tells of each line of an output, in order, whether it is noise. */
function noise() {
  let usage = false
  let gap = false
  return (/** @type {string} */ line) => {
    usage = usage ? OF_USAGE.test(line) : USAGE.test(line)
    const empty = line.trim() === ''
    const hidden = usage || (empty && gap) || NOISE.some((pattern) => pattern.test(line))
    gap = hidden || empty
    return hidden
  }
}

/**
 * Return what takes the lines of such a program: noise is written to the log, and not shown.
 * @param {Pick<import('./report').Report, 'file' | 'relay'>} report
 */
function withoutNoise(report) {
  const isNoise = noise()
  return (/** @type {string} */ line) => (isNoise(line) ? report.file(line) : report.relay(line))
}

module.exports = { noise, withoutNoise }
