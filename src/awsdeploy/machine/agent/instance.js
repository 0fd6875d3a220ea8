// The tag of this machine that says which release it has.
// @ts-check
'use strict'
const { ask } = require('./http')

const METADATA = 'http://169.254.169.254/latest'
const TIMEOUT = 5000 // ms

/**
 * Set the tag, and say so if that is not possible.
 * @param {import('./context').Run} run
 * @param {string} value
 */
async function tagInstance(run, value) {
  const output = (/** @type {string} */ line) => run.report.file(line)
  for (const pause of [0, 2, 5]) {
    await run.cancellation.sleep(pause)
    const instance = run.settings.instance || (await instanceId())
    if (!instance) continue
    const words = [
      '--region',
      run.settings.region,
      '--resources',
      instance,
      '--tags',
      `Key=awsdeploy:release,Value=${value}`,
    ]
    if ((await run.runner.run(['aws', 'ec2', 'create-tags', ...words], { output })) === 0) return
  }
  run.report.say('The tag awsdeploy:release could not be set.')
}

/** AWS: EC2, "Use the Instance Metadata Service". */
async function instanceId() {
  const limit = { 'X-aws-ec2-metadata-token-ttl-seconds': '60' }
  try {
    const token = await ask(`${METADATA}/api/token`, { method: 'PUT', headers: limit, timeout: TIMEOUT })
    const headers = { 'X-aws-ec2-metadata-token': token.body }
    const { status, body } = await ask(`${METADATA}/meta-data/instance-id`, { headers, timeout: TIMEOUT })
    return status === 200 ? body : ''
  } catch {
    return ''
  }
}

module.exports = { tagInstance }
