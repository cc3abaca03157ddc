import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { encodeTranscript, type Transcript } from '../../src/gpu/transcript.ts'
import { gpuVerify } from '../../src/node/commands/gpu-verify.ts'
import { configWith } from '../../src/node/config.ts'
import { verifyTranscript } from '../../src/node/verify-transcript.ts'
import { sealFinal } from '../../src/protocols/challenge.ts'
import { testKey, testNet } from '../support/market.ts'
import { honestProof } from '../support/proof.ts'

const key = testKey(1)
const net = testNet()
const gpu = {
  genesis: net.genesis,
  netuid: net.netuid,
  hotkey: key.publicKey,
  peerId: key.peerId,
  gpuId: 'cpu-0',
  n: 256,
}
const { transcript, final, open, start } = await honestProof(
  gpu,
  24,
  3,
  (tick) => sealFinal(net, key, { ...tick }).bytes,
)
const find = (over: Partial<Transcript>) =>
  verifyTranscript(encodeTranscript({ ...transcript, ...over }))
const pulse = ({ round, signature }: { round: number; signature: Uint8Array }) => ({
  round,
  signature,
})

test('an honest transcript verifies from its bytes alone', () => {
  expect(find({})).toMatchObject({
    verdict: 'VALID',
    peerId: key.peerId,
    slot: 24,
    steps: 3,
    n: 256,
  })
})

test.each<[string, Partial<Transcript>, string]>([
  [
    'the Final of another peer',
    { final: sealFinal(net, testKey(2), { ...final }).bytes },
    'another peer',
  ],
  [
    'a Final of another slot',
    { final: sealFinal(net, key, { ...final, slot: 36 }).bytes },
    'another slot',
  ],
  [
    'a Final of another network',
    { final: sealFinal(testNet(2), key, { ...final }).bytes },
    'signature',
  ],
  [
    'a pulse the beacon never sent',
    { startPulse: { ...pulse(start), signature: open.signature } },
    'never sent',
  ],
  ['a pulse of another round', { openPulse: pulse(start) }, 'not those of its slot'],
  ['a round no slot starts at', { slot: 25 }, ''],
  ['a real network it is not of', { network: 'finney' }, 'genesis'],
])('%s is BAD_COMMIT', (_, over, reason) => {
  const finding = find(over)
  expect(finding.verdict).toBe('BAD_COMMIT')
  expect(finding.reason).toContain(reason)
})

test('another hotkey changes the seeds: its work counts for no one else', () => {
  expect(find({ hotkey: testKey(3).publicKey })).toMatchObject({ verdict: 'BAD_COMMIT' })
})

test('the command says so, and its exit code too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'transcript-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const run = async (name: string, bytes: Uint8Array) => {
    writeFileSync(join(folder, name), bytes)
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const code = await gpuVerify({
      config: configWith({ json: true }),
      args: [join(folder, name)],
      rest: undefined,
      terminal: { stdin, stdout, stderr },
      signal: new AbortController().signal,
    })
    return { code, ...JSON.parse(stdout.read().toString()) }
  }
  expect(await run('good', encodeTranscript(transcript))).toMatchObject({
    code: 0,
    verdict: 'VALID',
  })
  const rows = transcript.rows.map((b, i) => (i === 0 ? b ^ 1 : b))
  const bad = await run('bad', encodeTranscript({ ...transcript, rows }))
  expect(bad).toMatchObject({ code: 1, verdict: 'BAD_PATH' })
  expect(await run('junk', Buffer.from('junk'))).toMatchObject({ code: 1, verdict: 'BAD_SHAPE' })
})
