// Tests of the tools that a command misses, by what shells, package managers and Node.js print.
// @ts-check
'use strict'
const assert = require('assert/strict')
const test = require('node:test')
const { missingTool } = require('../../../src/awsdeploy/machine/agent/missing_tools')

const DEVELOPMENT = { 'ts-node': '10', '@nestjs/cli': '11', 'typescript': '5', '@faker-js/faker': '9', 'prisma': '6' }

for (const [line, found] of [
  ['sh: 1: ts-node: not found', 'ts-node'],
  ['bash: line 1: ts-node: command not found', 'ts-node'],
  ['sh: line 1: nest: command not found', '@nestjs/cli'],
  ['/bin/sh: tsc: command not found', 'typescript'],
  ['command not found: ts-node', 'ts-node'],
  ['error Command "ts-node" not found.', 'ts-node'],
  ['ERR_PNPM_RECURSIVE_EXEC_FIRST_FAIL  Command "ts-node" not found', 'ts-node'],
  ["Error: Cannot find module 'ts-node/register'", 'ts-node'],
  ["Error [ERR_MODULE_NOT_FOUND]: Cannot find package '@faker-js/faker' imported from /srv/x.mjs", '@faker-js/faker'],
  ["Cannot find module '@faker-js/faker/locale/de'", '@faker-js/faker'],
  ['npm warn exec The following package was not found and will be installed: prisma@7.0.0', 'prisma'],
  ['sh: 1: typeorm-ts-node-commonjs: not found', 'ts-node'],
  ['sh: 1: jest: not found', ''],
  ["Cannot find module './ts-node'", ''],
  ["Cannot find module '/srv/app/dist/seed.js'", ''],
  ['sh: 1: constructor: not found', ''],
  ['record not found: ts-node', ''],
]) {
  test(`${line}: ${found || 'nothing'}`, () => assert.equal(missingTool(line, DEVELOPMENT), found))
}
