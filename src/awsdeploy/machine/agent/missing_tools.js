// Tools of devDependencies that a command misses: they are removed from a release after its build.
// @ts-check
'use strict'

/** @type {Record<string, string>} package of a program that has another name */
const PACKAGES = {
  'tsc': 'typescript',
  'nest': '@nestjs/cli',
  'sequelize': 'sequelize-cli',
  'mikro-orm': '@mikro-orm/cli',
  'mikro-orm-esm': '@mikro-orm/cli',
  'swc': '@swc/cli',
  'babel': '@babel/cli',
  'babel-node': '@babel/node',
  'typeorm-ts-node-commonjs': 'ts-node',
  'typeorm-ts-node-esm': 'ts-node',
  'ts-node-esm': 'ts-node',
  'ts-node-transpile-only': 'ts-node',
}

const MISSING = [
  /(?:^|[ :])([\w@.-]+): (?:command )?not found/, // sh, bash
  /command not found: ([\w@.-]+)/i, // yarn 2
  /Command "([\w@.-]+)" not found/, // yarn, pnpm
  /Cannot find (?:module|package) '([^'./][^']*)'/, // Node.js
  /package was not found and will be installed: (@?[^@\s]+)/, // npx, which takes the newest version
]

/**
 * Return the package of devDependencies that a line of a command's output misses, or nothing.
 * @param {string} line
 * @param {Record<string, unknown>} devDependencies
 */
function missingTool(line, devDependencies) {
  for (const pattern of MISSING) {
    const name = (pattern.exec(line) || [])[1]
    const found = [name, PACKAGES[name], packageOf(name || '')].find(
      (one) => one && Object.hasOwn(devDependencies, one),
    )
    if (found) return found
  }
  return ''
}

/**
 * Return the package of an imported module: `@scope/name` of `@scope/name/file`.
 * @param {string} module
 */
function packageOf(module) {
  return module
    .split('/')
    .slice(0, module.startsWith('@') ? 2 : 1)
    .join('/')
}

module.exports = { missingTool }
