import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { runCli } from '../../src/node/cli.ts'
import { nextStepFor } from '../../src/node/next-step.ts'

test.each([
  ['compute-node leases lists them', 'compute-node leases --data-dir d lists them'],
  ['compute-node show 12ab', 'compute-node show --data-dir d 12ab'],
  ['ask: compute-node chain bind list', 'ask: compute-node chain bind list --data-dir d'],
  [
    'compute-node drain --undo, or compute-node drain --wait',
    'compute-node drain --data-dir d --undo, or compute-node drain --data-dir d --wait',
  ],
  ['compute-node exec LEASE -- ls', 'compute-node exec --data-dir d LEASE -- ls'],
  // What needs no folder, or has one.
  ['compute-node rent --help lists the options', 'compute-node rent --help lists the options'],
  ['name its folder with --data-dir', 'name its folder with --data-dir'],
  ['try again', 'try again'],
])('behind each command of %j stands its folder', (next, expected) => {
  expect(nextStepFor(['show', '--data-dir', 'd', 'x'], next)).toBe(expected)
  expect(nextStepFor(['--data-dir=c', 'show', '--data-dir=d'], next)).toBe(expected)
  expect(nextStepFor(['show', 'x'], next)).toBe(next)
})

test('a folder with a space is one word', () => {
  const next = nextStepFor(['leases', '--data-dir', "it's mine"], 'compute-node leases')
  expect(next).toBe("compute-node leases --data-dir 'it'\\''s mine'")
})

test.each([false, true])('an error names the folder of its node, json: %s', async (json) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'cn-next-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const network = ['--network', 'local', '--genesis', '11'.repeat(32)]
  const argv = ['show', 'abcdef12', '--data-dir', dataDir, ...network, ...(json ? ['--json'] : [])]
  const { signal } = new AbortController()
  expect(await runCli(argv, { terminal: { stdin, stdout, stderr }, env: {}, signal })).toBe(3)
  const step = `compute-node leases --data-dir ${dataDir} lists`
  if (json) expect(JSON.parse(String(stdout.read())).error.next).toContain(step)
  else expect(String(stderr.read())).toContain(`  next: ${step}`)
})
