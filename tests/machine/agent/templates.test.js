// Tests of templates: values in text and in addresses.
// @ts-check
'use strict'
const assert = require('assert/strict')
const test = require('node:test')
const { filled, used } = require('../../../src/awsdeploy/machine/agent/templates')

const VALUES = {
  HOST: 'db.example.com:3306',
  USER: 'app',
  PASSWORD: 'p@ss:w/rd?#{USER}%',
  NAME: 'shop',
  EMPTY: '',
  HALF: 'a\ud800',
}
const PASSWORD = 'p%40ss%3Aw%2Frd%3F%23%7BUSER%7D%25'

for (const [template, text] of [
  ['{USER}', 'app'],
  ['{PASSWORD}', VALUES.PASSWORD],
  ['--max-old-space-size=512', '--max-old-space-size=512'],
  ['{{"user": "{USER}"}}', '{"user": "app"}'],
  ['{{USER}}', '{USER}'],
  ['', ''],
  ['{EMPTY}|{USER}', '|app'],
  ['mysql://{USER}:{PASSWORD}@{HOST}/{NAME}', `mysql://app:${PASSWORD}@db.example.com:3306/shop`],
  ['jdbc:mysql://{HOST}/{NAME}?password={PASSWORD}', `jdbc:mysql://db.example.com:3306/shop?password=${PASSWORD}`],
  ['https://{HOST}', 'https://db.example.com:3306'],
  ['redis://:{PASSWORD}@{HOST}', `redis://:${PASSWORD}@db.example.com:3306`],
  ['{HOST}/path?x={PASSWORD}', `db.example.com:3306/path?x=${VALUES.PASSWORD}`],
  ['https://a/{HALF}', 'https://a/a\ud800'],
]) {
  test(`${template} becomes ${text}`, () => assert.equal(filled(template, VALUES), text))
}

test('the inserted names are known', () => assert.deepEqual(used('{{A}} {B}{C} {B}'), ['B', 'C', 'B']))
