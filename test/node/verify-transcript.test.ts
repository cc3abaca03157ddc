import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { CHECKED_AT_ONCE } from '../../src/api/proofs.ts'
import { FILL_UNIT_BYTES } from '../../src/gpu/resident-fill.ts'
import type { Final } from '../../src/gpu/slot.ts'
import { encodeTranscript, type Transcript, transcriptId } from '../../src/gpu/transcript.ts'
import { silent } from '../../src/log.ts'
import { gpuVerify } from '../../src/node/commands/gpu-verify.ts'
import { configWith } from '../../src/node/config.ts'
import { createControlClient } from '../../src/node/control/client.ts'
import { fraudsRoute } from '../../src/node/control/routes/frauds.ts'
import { proofsRoute } from '../../src/node/control/routes/proofs.ts'
import { transcriptsRoute } from '../../src/node/control/routes/transcripts.ts'
import { startControl } from '../../src/node/control/server.ts'
import type { Frauds } from '../../src/node/fraud/fraud-book.ts'
import { createLookThread } from '../../src/node/look-thread.ts'
import type { TranscriptStore } from '../../src/node/transcript-store.ts'
import { type TranscriptCheck, verifyTranscript } from '../../src/node/verify-transcript.ts'
import { sealFinal } from '../../src/protocols/challenge.ts'
import type { Fraud } from '../../src/protocols/fraud.ts'
import { evidenceCodec } from '../../src/protocols/lease-evidence.ts'
import { MiB } from '../../src/units.ts'
import { asInPage } from '../support/as-page.ts'
import { sampleEvidence } from '../support/evidence.ts'
import { testKey, testNet } from '../support/market.ts'
import { beacon, honestProof, told } from '../support/proof.ts'

const key = testKey(1)
const net = testNet()
const gpu = {
  genesis: net.genesis,
  netuid: net.netuid,
  hotkey: key.publicKey,
  peerId: key.peerId,
  gpuId: 'cpu-0',
  n: 256,
  bytes: 2 * FILL_UNIT_BYTES,
}
const seal = (final: Final): Uint8Array => sealFinal(net, key, { ...final }).bytes
const counted = { passes: 4, steps: 3, checkpoints: 2 }
const { transcript, finals, pulses } = await honestProof(gpu, 24, counted, seal)
const find = (over: Partial<Transcript>) =>
  verifyTranscript(encodeTranscript({ ...transcript, ...over }))
const { residency, gemm } = transcript
const locality = transcript.locality!
const withPulse = (over: Partial<Transcript['pulses']>): Partial<Transcript> => ({
  pulses: { ...transcript.pulses, ...over },
})
const withFinal = (work: 'residency' | 'gemm', final: Uint8Array): Partial<Transcript> => ({
  [work]: { ...transcript[work], final },
})

test('an honest transcript verifies from its bytes alone', () => {
  expect(find({})).toMatchObject({
    verdict: 'VALID',
    peerId: key.peerId,
    slot: 24,
    steps: 3,
    n: 256,
    passes: 4,
    fillBytes: gpu.bytes,
    pages: 64,
    locality: 'VALID',
    checkpoints: 2,
    hops: 2 * 16_384,
    checks: ['shape', 'pulses', 'finals', 'residency', 'gemm', 'locality'].map((name) => ({
      name,
      ok: true,
    })),
  })
  const finding = find({})
  expect(finding.gbps).toBeCloseTo((4 * gpu.bytes) / 1e9, 9)
  expect(finding.tops).toBeCloseTo((3 * 2 * 256 ** 3) / 1e12, 9)
  expect(finding.nsPerHop).toBeCloseTo(500e6 / (2 * 16_384), 6)
})

test('a page finds the same as Node, of whole transcripts and of tampered ones', async () => {
  const page = await asInPage(() => import('../../src/node/verify-transcript.ts'))
  const flipped = (bytes: Uint8Array, at = 0) => bytes.map((b, i) => (i === at ? b ^ 1 : b))
  const lie = await honestProof(gpu, 24, counted, seal, 'gemm')
  const contents = [
    transcript,
    lie.transcript,
    { ...transcript, residency: { ...residency, leaves: flipped(residency.leaves) } },
    { ...transcript, gemm: { ...gemm, final: flipped(gemm.final, 100) } },
  ].map(encodeTranscript)
  const found = (verify: typeof verifyTranscript, content: Uint8Array) => {
    const told: TranscriptCheck[] = []
    const { verifyMs: _, checks, ...rest } = verify(content, (check) => told.push(check))
    expect(told).toEqual(checks)
    return { ...rest, checks: checks.map(({ ms, ...check }) => ({ ...check, timed: ms >= 0 })) }
  }
  const verdicts: string[] = []
  for (const content of [...contents, contents[0]!.subarray(1)]) {
    const here = found(page.verifyTranscript, content)
    expect(here).toEqual(found(verifyTranscript, content))
    verdicts.push(here.verdict)
  }
  expect(verdicts).toEqual(['VALID', 'BAD_VALUE', 'BAD_PATH', 'BAD_COMMIT', 'BAD_SHAPE'])
})

test('a real network has one genesis, whatever a transcript says', () => {
  const { checks } = find({ network: 'finney' })
  expect(checks.find(({ name }) => name === 'finals')).toMatchObject({
    ok: false,
    detail: 'its genesis is not that of finney',
  })
})

test('each proof is checked whatever the other says, and what breaks is named', () => {
  const leaves = residency.leaves.map((b, i) => (i === 0 ? b ^ 1 : b))
  const bad = find({ residency: { ...residency, leaves } })
  expect(bad).toMatchObject({ verdict: 'BAD_PATH', work: 'residency', at: [0, expect.any(Number)] })
  expect(bad.checks.map(({ name, ok }) => [name, ok])).toEqual([
    ['shape', true],
    ['pulses', true],
    ['finals', true],
    ['residency', false],
    ['gemm', true],
    ['locality', true],
  ])
})

test.each<[string, Partial<typeof locality>, string, string]>([
  [
    'a false path',
    { states: locality.states.map((b, i) => (i === 20 ? b ^ 1 : b)) },
    'BAD_PATH',
    'at checkpoint 0',
  ],
  [
    'the Final of another peer',
    { final: sealFinal(net, testKey(2), { ...finals.locality! }).bytes },
    'BAD_COMMIT',
    'another peer',
  ],
  [
    'the Final of another work',
    { final: gemm.final },
    'BAD_COMMIT',
    'another slot, device or work',
  ],
  ['a pulse of another round', { pulse: told(pulses.open) }, 'BAD_COMMIT', 'hops pulse is not'],
  [
    'a pulse the beacon never sent',
    { pulse: { ...told(pulses.hops), signature: pulses.open.signature } },
    'BAD_COMMIT',
    'never sent its hops pulse',
  ],
])(
  'a locality chain with %s is told, and the verdict does not rest on it',
  (_, over, found, why) => {
    const finding = find({ locality: { ...locality, ...over } })
    expect(finding).toMatchObject({ verdict: 'VALID', reason: '', locality: found })
    expect(finding.checks.at(-1)).toMatchObject({ name: 'locality', ok: false })
    expect(finding.checks.at(-1)!.detail).toContain(why)
  },
)

test('without a locality chain nothing is said of it', () => {
  const { locality: _, ...rest } = transcript
  const finding = verifyTranscript(encodeTranscript(rest))
  expect(finding.verdict).toBe('VALID')
  expect(finding.checks.map(({ name }) => name)).not.toContain('locality')
})

test.each<[string, Partial<Transcript>, string]>([
  [
    'the Final of another peer',
    withFinal('gemm', sealFinal(net, testKey(2), { ...finals.gemm }).bytes),
    'another peer',
  ],
  [
    'a Final of another slot',
    withFinal('residency', sealFinal(net, key, { ...finals.residency, slot: 36 }).bytes),
    'another slot',
  ],
  [
    'the Final of the other work',
    withFinal('residency', gemm.final),
    'another slot, device or work',
  ],
  [
    'a Final of another device',
    withFinal('gemm', sealFinal(net, key, { ...finals.gemm, gpu: 'g' }).bytes),
    'another slot',
  ],
  [
    'a Final of another network',
    withFinal('gemm', sealFinal(testNet(2), key, { ...finals.gemm }).bytes),
    'signature',
  ],
  [
    'a pulse the beacon never sent',
    withPulse({ start: { ...told(pulses.start), signature: pulses.open.signature } }),
    'never sent',
  ],
  ['a pulse of another round', withPulse({ open: told(pulses.start) }), 'not that of its slot'],
  ['the fill pulse of another epoch', withPulse({ fill: told(beacon.sign(11)) }), 'its fill pulse'],
  ['a round no slot starts at', { slot: 25 }, ''],
  ['a real network’s name', { network: 'finney' }, 'no slot starts'],
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
  const rows = gemm.rows.map((b, i) => (i === 0 ? b ^ 1 : b))
  const bad = await run('bad', encodeTranscript({ ...transcript, gemm: { ...gemm, rows } }))
  expect(bad).toMatchObject({ code: 1, verdict: 'BAD_PATH' })
  expect(await run('junk', Buffer.from('junk'))).toMatchObject({ code: 1, verdict: 'BAD_SHAPE' })
})

test('a node looks at what is uploaded, within limits, and says what is none', {
  timeout: 60_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'transcript-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  await using look = createLookThread(silent)
  await using control = await startControl({
    parts: { look },
    routes: [proofsRoute],
    socketPath: join(folder, 'control.sock'),
    tokenFile: join(folder, 'control.token'),
    apiPort: 0,
    log: silent,
  })
  const authorization = `Bearer ${readFileSync(join(folder, 'control.token'), 'utf8')}`
  const headers = { authorization, 'content-type': 'application/octet-stream' }
  const send = async (what: string, body: BodyInit) => {
    const sent = { method: 'POST', headers, body, duplex: 'half' }
    const answer = await fetch(`${control.apiUrl}/v1/${what}/verify`, sent)
    const sort = answer.headers.get('content-type')
    return { status: answer.status, sort, ...(await answer.json()) }
  }
  const bytes = (content: Uint8Array): BodyInit => new Uint8Array(content)
  const good = await send('transcripts', bytes(encodeTranscript(transcript)))
  expect(good).toMatchObject({ status: 200, verdict: 'VALID', peerId: key.peerId })
  const rows = gemm.rows.map((b, i) => (i === 0 ? b ^ 1 : b))
  const bad = encodeTranscript({ ...transcript, gemm: { ...gemm, rows } })
  expect(await send('transcripts', bytes(bad))).toMatchObject({ status: 200, verdict: 'BAD_PATH' })
  const sort = expect.stringContaining('application/problem+json')
  const none = { status: 400, sort, code: 'BAD_MESSAGE_TRANSCRIPT' }
  for (const junk of ['junk', '{}']) expect(await send('transcripts', junk)).toMatchObject(none)
  const { evidence } = sampleEvidence()
  const file = bytes(evidenceCodec.encode(evidence))
  expect(await send('receipts', file)).toMatchObject({ status: 200, verdict: 'VALID' })
  const noFile = { status: 400, sort, code: 'BAD_MESSAGE_EVIDENCE' }
  expect(await send('receipts', bytes(bad))).toMatchObject(noFile)
  // It is refused by what it says of its size, before a byte of it came.
  const large = { ...headers, 'content-length': 64 * MiB + 1 }
  const tooLarge = request(`${control.apiUrl}/v1/receipts/verify`, {
    method: 'POST',
    headers: large,
  })
  tooLarge.on('error', () => undefined).flushHeaders()
  const [answer] = (await once(tooLarge, 'response')) as [IncomingMessage]
  expect(answer.statusCode).toBe(413)
  tooLarge.destroy()

  // Bodies that never end hold what places there are, and none is free until they leave.
  const leave = new AbortController()
  const slow = Array.from({ length: CHECKED_AT_ONCE }, () => {
    const body = new ReadableStream({ start: (to) => to.enqueue(new Uint8Array(1)) })
    const sent = { method: 'POST', headers, body, duplex: 'half', signal: leave.signal }
    return fetch(`${control.apiUrl}/v1/transcripts/verify`, sent).catch(() => undefined)
  })
  const busy = { status: 429, sort, code: 'REFUSED_BUSY' }
  await expect.poll(() => send('transcripts', 'junk'), { timeout: 10_000 }).toMatchObject(busy)
  leave.abort()
  await Promise.all(slow)
  await expect.poll(() => send('transcripts', 'junk'), { timeout: 10_000 }).toMatchObject(none)
})

test('what a false value proves goes to the running node; anything else is no proof', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'transcript-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const counted = { passes: 4, steps: 3 }
  const { transcript: lie } = await honestProof(gpu, 24, counted, seal, 'residency')
  const given: Fraud[] = []
  const frauds: Pick<Frauds, 'publish'> = {
    async publish(fraud) {
      given.push(fraud)
      return given.length === 1 ? 'accept' : { ignore: 'one of its place is known' }
    },
  }
  await using control = await startControl({
    parts: { proving: { frauds: frauds as Frauds } },
    routes: [fraudsRoute],
    socketPath: join(folder, 'control.sock'),
    tokenFile: join(folder, 'control.token'),
    log: silent,
  })
  const publish = async (content: Uint8Array): Promise<string> => {
    writeFileSync(join(folder, 'file'), content)
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const config = configWith({ publish: true, dataDir: folder })
    const terminal = { stdin, stdout, stderr }
    const { signal } = new AbortController()
    await gpuVerify({ config, args: [join(folder, 'file')], rest: undefined, terminal, signal })
    return String(stderr.read())
  }
  expect(control.socketPath).toContain(folder)
  expect(await publish(encodeTranscript(lie))).toContain('the proof of fraud is published')
  expect(await publish(encodeTranscript(lie))).toContain('such a proof is known already')
  expect(given[0]).toMatchObject({ kind: 'false-value', accused: key.peerId, slot: 24 })
  const failed = { code: 'FAILED_FRAUD' }
  await expect(publish(encodeTranscript(transcript))).rejects.toMatchObject(failed)
  await expect(publish(Buffer.from('junk'))).rejects.toMatchObject(failed)
  expect(given).toHaveLength(2)

  using client = createControlClient(control.socketPath)
  for (const [body, code] of [
    [{}, 'BAD_CONFIG_VALUE'],
    [{ base64: 7 }, 'BAD_CONFIG_VALUE'],
    [{ base64: '' }, 'BAD_MESSAGE_FRAUD'],
    [{ base64: 'AAAA' }, 'BAD_MESSAGE_FRAUD'],
  ] as const) {
    await expect(client.post('/v1/frauds', body)).rejects.toMatchObject({ code })
  }
})

test('its bytes come as they are over the control API, by its whole id', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'transcript-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const large = new Uint8Array(700_000).fill(7)
  const kept = new Map(
    [encodeTranscript(transcript), large].map((content) => [
      Buffer.from(transcriptId(content)).toString('hex'),
      content,
    ]),
  )
  await using control = await startControl({
    parts: {
      core: { net, log: silent },
      rpc: { ask: () => Promise.reject(new Error('nobody is asked')) },
      transcripts: {
        get: async (id: Uint8Array) => kept.get(Buffer.from(id).toString('hex')),
      } as TranscriptStore,
    },
    routes: [transcriptsRoute],
    socketPath: join(folder, 'control.sock'),
    tokenFile: join(folder, 'control.token'),
    apiPort: 0,
    log: silent,
  })
  const authorization = `Bearer ${readFileSync(join(folder, 'control.token'), 'utf8').trim()}`
  const take = (id: string) =>
    fetch(`${control.apiUrl}/v1/transcripts/${id}/content`, { headers: { authorization } })
  for (const [id, content] of kept) {
    const { status, headers, ...answer } = await take(id).then(async (got) => ({
      status: got.status,
      headers: Object.fromEntries(got.headers),
      bytes: new Uint8Array(await got.arrayBuffer()),
    }))
    expect(status).toBe(200)
    expect(Buffer.compare(answer.bytes, content)).toBe(0)
    expect(headers).toMatchObject({
      'content-length': String(content.length),
      'content-type': 'application/octet-stream',
      'content-security-policy': 'sandbox',
    })
    expect(headers['content-disposition']).toContain(`${id.slice(0, 12)}.transcript`)
  }
  for (const id of ['f'.repeat(64), 'nothing', 'abcd']) {
    const answer = await take(id)
    expect(answer.status).toBe(404)
    expect(await answer.json()).toMatchObject({ code: 'NOTHING_MATCHED' })
  }
})

test('people see every check with its result, from the file alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'transcript-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const said = async (content: Uint8Array): Promise<string> => {
    writeFileSync(join(folder, 'file'), content)
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const terminal = { stdin, stdout, stderr }
    const signal = new AbortController().signal
    const context = { config: configWith({}), args: [join(folder, 'file')], rest: undefined }
    await gpuVerify({ ...context, terminal, signal })
    return stdout.read().toString()
  }
  const good = await said(encodeTranscript(transcript))
  expect(good).toMatch(/^VALID\n/)
  expect(good).toContain('pulses     ok  fill 23, start 24, gemm 25, open 28: each signed by')
  expect(good).toContain(
    `finals     ok  the closes of both kinds of work are signed by ${key.peerId}`,
  )
  expect(good).toContain(
    'residency  ok  4 passes over 0.001 GiB in 1 s: 0.004 GB/s; 64 pages checked',
  )
  expect(good).toMatch(
    /gemm {7}ok {2}3 steps of 256×256 in 1 s: 0\.000 TOPS; \d+ crossings checked/,
  )
  expect(good).toContain(
    'locality   ok  2 × 16384 hops in 0.5 s: 15258.8 ns per hop; 32768 hops checked; the verdict',
  )
  const leaves = residency.leaves.map((b, i) => (i === 0 ? b ^ 1 : b))
  const bad = await said(encodeTranscript({ ...transcript, residency: { ...residency, leaves } }))
  expect(bad).toMatch(/^BAD_PATH: the passes break at pass, page 0, \d+\n/)
  expect(bad).toMatch(/residency {2}BAD BAD_PATH: the passes break/)
})
