// Makes modules of the agent's files, which are texts in one object: nothing has to be unpacked on the machine.
// @ts-check
'use strict'
const Module = require('module')

/**
 * Return the exports of one file. `require('./name')` in a file finds the others, `require('./files')` their texts.
 * @param {Record<string, string>} files
 * @param {string} first
 */
module.exports = function load(files, first) {
  /** @type {Record<string, { exports: any }>} */
  const loaded = { 'files.js': { exports: files } }
  /** @param {string} name */
  function get(name) {
    if (!loaded[name]) {
      const one = (loaded[name] = { exports: {} })
      const required = (/** @type {string} */ id) => (id.startsWith('./') ? get(`${id.slice(2)}.js`) : require(id))
      compiled(name, files[name])(one, one.exports, required)
    }
    return loaded[name].exports
  }
  return get(first)
}

/**
 * @param {string} name
 * @param {string} text
 */
function compiled(name, text) {
  const path = `/opt/awsdeploy/agent/${name}`
  const one = /** @type {any} */ (new Module(path))
  one._compile(`module.exports = function (module, exports, require) {${text}\n}`, path)
  return one.exports
}
