import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startDevChain } from '../../../src/chain/dev/start-dev-chain.ts'
import { QUICKNET_CHAIN_HASH } from '../../../src/chain/drand.ts'
import { silent } from '../../../src/log.ts'
import { doctor } from '../../../src/node/commands/doctor.ts'
import { type Config, configWith } from '../../../src/node/config.ts'
import { createDataFolder, lockDataFolder } from '../../../src/node/data-folder.ts'
import { checkChain } from '../../../src/node/doctor/check-chain.ts'
import { checkEngine } from '../../../src/node/doctor/check-engine.ts'
import { checkClock, checkMemory, checkNode } from '../../../src/node/doctor/check-machine.ts'
import { checkBootstrap, checkDataFolder, checkPorts } from '../../../src/node/doctor/check-node.ts'
import { checkPulses } from '../../../src/node/doctor/check-pulses.ts'
import { outputSchemas } from '../../../src/node/output-schemas.ts'
import { closedPort } from '../../support/chain-proxy.ts'
import { drandServer, RECORDED, roundJson } from '../../support/drand-server.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cn-doctor-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(root, { recursive: true, force: true })
})

test.each([
  ['24.21.0', true],
  ['25.0.0', true],
  ['20.19.2', false],
])('Node %s: %s', (version, ok) => {
  expect(checkNode(version).ok).toBe(ok)
})

test.each([
  [0, false],
  [4 * 1024 ** 3, true],
])('%i bytes of free memory', (bytes, ok) => {
  expect(checkMemory(bytes).ok).toBe(ok)
})

test.each([
  ['yes', true],
  ['no', false],
  [undefined, true],
])('a clock whose system says %s', async (said, ok) => {
  const found = await checkClock(async () => said)
  expect(found.ok).toBe(ok)
  expect(found.remedy === null).toBe(ok)
})

describe('the data folder', () => {
  test('one that can be made is good', async () => {
    expect(await checkDataFolder(join(root, 'a/b'))).toMatchObject({ ok: true, remedy: null })
  })

  test('one that cannot be made is not', async () => {
    await writeFile(join(root, 'file'), '')
    const { ok, remedy } = await checkDataFolder(join(root, 'file/inside'))
    expect(ok).toBe(false)
    expect(remedy).toContain('--data-dir')
  })

  test('one that others can read is not, nor such a key', async () => {
    const folder = join(root, 'node')
    await mkdir(folder, { mode: 0o700 })
    await chmod(folder, 0o755)
    expect(await checkDataFolder(folder)).toMatchObject({
      ok: false,
      remedy: `chmod go-rwx ${folder}`,
    })
    await chmod(folder, 0o700)
    const key = join(folder, 'identity.key')
    await writeFile(key, 'secret', { mode: 0o644 })
    expect(await checkDataFolder(folder)).toMatchObject({
      ok: false,
      remedy: `chmod go-rwx ${key}`,
    })
    await chmod(key, 0o600)
    expect(await checkDataFolder(folder)).toMatchObject({ ok: true })
  })
})

describe('ports', () => {
  test('a free one, one in use, one used by the own node, and a relay', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const used = `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`
    const folder = join(root, 'node')
    const found = await checkPorts(['/ip4/127.0.0.1/tcp/0', used, '/p2p-circuit'], folder)
    expect(found.map(({ ok }) => ok)).toEqual([true, false])
    expect(found[1]!.remedy).toContain('--listen')

    await using _lock = await lockDataFolder(await createDataFolder(folder))
    const [own] = await checkPorts([used], folder)
    expect(own).toMatchObject({ ok: true, actual: expect.stringContaining(String(process.pid)) })
    server.close()
  })
})

test.each([
  [[], 'finney', ['validator'], [false]],
  [['/ip4/192.0.2.1/tcp/4501'], 'finney', ['validator'], [true]],
  [[], 'finney', ['relay'], []],
  [[], 'local', ['renter'], []],
] as const)('who joins through %j on %s as %j', (bootstrap, network, roles, found) => {
  expect(checkBootstrap({ bootstrap, network, roles }).map(({ ok }) => ok)).toEqual(found)
})

describe('without Docker', () => {
  beforeEach(() => vi.stubEnv('DOCKER_HOST', 'unix:///nonexistent'))
  const dockerOf = async (roles: Config['roles'], network: Config['network']) =>
    (await checkEngine({ roles, network, engines: [] })).find(({ check }) => check === 'docker')

  test('a miner of a public network needs one, and is told what to install', async () => {
    expect(await dockerOf(['miner'], 'finney')).toMatchObject({
      ok: false,
      required: true,
      remedy: expect.stringContaining('apt-get install docker.io'),
    })
  })

  test.each([
    [['validator'], 'finney'],
    [['miner'], 'local'],
  ] as const)('%s on %s does not', async (roles, network) => {
    expect(await dockerOf([...roles], network)).toMatchObject({ ok: false, required: false })
  })
})

describe('pulses', () => {
  const pulsesOf = async (changes: Partial<Config>) =>
    checkPulses(
      { roles: ['miner'], network: 'finney', drand: [], dataDir: root, ...changes },
      new AbortController().signal,
    )

  test.each<[string, Partial<Config>]>([
    ['a local market has its own beacon', { network: 'local' }],
    ['a renter needs none', { roles: ['renter'] }],
  ])('%s', async (_, changes) => {
    expect(await pulsesOf(changes)).toEqual([])
  })

  test('no server, one that is silent, and one that lies are each told', async () => {
    expect(await pulsesOf({})).toMatchObject([{ ok: false, required: false }])
    expect(await pulsesOf({ drand: ['http://127.0.0.1:9'] })).toMatchObject([
      { ok: false, actual: expect.stringContaining('http://127.0.0.1:9 does not answer') },
    ])
    const liar = await drandServer(QUICKNET_CHAIN_HASH, (round, response) =>
      response.end(roundJson(round, RECORDED.get(1000)!)),
    )
    expect(await pulsesOf({ drand: [liar.url] })).toMatchObject([
      { ok: false, actual: `${liar.url} tells false pulses`, remedy: expect.any(String) },
    ])
  })

  test('recorded pulses at the time of their record are found and verified', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_692_803_367_000 + 1000 * 3000 })
    try {
      const server = await drandServer(QUICKNET_CHAIN_HASH, (round, response) =>
        response.end(roundJson(round, RECORDED.get(round)!)),
      )
      const [found] = await pulsesOf({ drand: [server.url, 'http://127.0.0.1:9'] })
      expect(found).toMatchObject({ ok: true, remedy: null })
      expect(found!.actual).toBe('round 1000 from 1 of 2 servers, verified')
    } finally {
      vi.useRealTimers()
    }
  })
})

test('the chain endpoint that would be used is named, or why none answers', async () => {
  const dev = await startDevChain({
    dataDir: join(root, 'chain'),
    log: silent,
    signal: AbortSignal.timeout(60_000),
  })
  const nobody = `ws://127.0.0.1:${await closedPort()}`
  const look = (...chain: string[]) =>
    checkChain(
      configWith({ network: 'local', roles: ['validator'], chain }),
      AbortSignal.timeout(10_000),
    )
  const [found] = await look(nobody, dev.url)
  expect(found).toMatchObject({ check: 'chain', ok: true })
  expect(found!.actual).toMatch(new RegExp(`^${dev.url} \\(2 of 2\\), at block \\d+$`))
  await dev.close()
  const [lost] = await look(nobody)
  expect(lost).toMatchObject({ ok: false, remedy: expect.stringContaining('--chain') })
  expect(await look()).toEqual([])
})

describe('the command', () => {
  const run = async (changes: Partial<Config>) => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const config = configWith({
      dataDir: join(root, 'node'),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      drand: [],
      ...changes,
    })
    const code = await doctor({
      config,
      args: [],
      rest: undefined,
      terminal: { stdin: new PassThrough(), stdout, stderr },
      signal: new AbortController().signal,
    })
    stdout.end()
    stderr.end()
    return { code, out: await text(stdout), err: await text(stderr) }
  }

  test('JSON as documented, exit code 1 when something required is missing', async () => {
    vi.stubEnv('DOCKER_HOST', 'unix:///nonexistent')
    const { code, out } = await run({ roles: ['miner'], json: true })
    const { items } = outputSchemas['doctor']!.schema.parse(JSON.parse(out)) as {
      items: { check: string }[]
    }
    expect(items.map(({ check }) => check)).toEqual(
      expect.arrayContaining([
        'node',
        'memory',
        'disk',
        'data-folder',
        'port-0',
        'docker',
        'gpu',
        'webgpu',
        'proof cpu-0',
        'clock',
        'pulses',
      ]),
    )
    expect(code).toBe(1)
  })

  test('a table with the remedies after it, exit code 0 when only the optional is missing', async () => {
    vi.stubEnv('DOCKER_HOST', 'unix:///nonexistent')
    const { code, out, err } = await run({ roles: [] })
    expect(out).toMatch(/^docker +lacking +Docker did not answer/m)
    expect(err).toMatch(/^docker: install and start a Docker Engine .*apt-get install docker\.io/m)
    expect(code).toBe(0)
    const checks = ({ out }: { out: string }) => out.split('\n').map((line) => line.split(' ')[0])
    const validators = checks(await run({ roles: ['validator'] }))
    expect(validators).toEqual(expect.arrayContaining(['node', 'disk', 'port-0', 'clock']))
    expect(validators).not.toContain('docker')
    expect(validators.some((check) => /^(gpu|proof|webgpu|firewall)/.test(check!))).toBe(false)
  })
})
