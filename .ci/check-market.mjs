// Checks the last line of `npm start -- --once --json`, on stdin: one JSON document of a whole round that went well,
// with its lease in the engine that argument 1 names (docker or process).
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

const [engine] = process.argv.slice(2)
const last = readFileSync(0, 'utf8').trimEnd().split('\n').at(-1)
const result = JSON.parse(last)
console.log(JSON.stringify(result, null, 2))

assert.equal(result.ok, true, `${result.stage}: ${result.error?.code} ${result.error?.message}`)
assert.ok(result.peers >= 5, 'every node is seen')
assert.ok(result.capabilities >= 2 && result.offers >= 2, 'both miners are offered')
assert.ok(result.challenges.length > 0, 'miners were challenged')
assert.ok(
  result.challenges.every(({ verdict }) => verdict === 'VALID'),
  'honest miners pass',
)
assert.ok(Object.keys(result.weights).length > 0, 'weights were set')
assert.ok(
  result.lease.engine.startsWith(engine),
  `the lease ran in ${engine}, not ${result.lease.engine}`,
)
assert.equal(result.lease.exitCode, 0)
assert.ok(result.lease.receipts > 0, 'receipts were countersigned')
