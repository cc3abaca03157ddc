import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { configWith } from '../../../src/node/config.ts'
import { makeBundle } from '../../../src/node/doctor/make-bundle.ts'
import { redact, redactText } from '../../../src/node/doctor/redact.ts'
import { localNode } from '../../support/local-node.ts'
import { runCli } from '../../support/run-cli.ts'

/** One of every kind, with where it could come from. */
const secrets = {
  password: 'hunter2-Winter-9',
  urlPassword: 'wsPass77word',
  urlPath: 'infuraProject1a2B3c',
  variable: 'sk-live-VariableOfALease42',
  registry: 'dckr_pat_AbCdEf123456',
  bearer: 'Zm9vYmFyQmF6MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG0',
  words: 'legal winner thank year wave sausage worth useful legal winner thank yellow',
  seed: '0x4f3c9a1be7d2c8f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e',
  pem: 'MC4CAQAwBQYDK2VwBCIEIJ+planted',
}

test('no secret of any kind is in the archive, and what helps is', {
  timeout: 60_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cn-bundle-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await using node = await localNode({
    roles: ['relay'],
    apiPort: 0,
    dataDir: join(folder, 'node'),
  })
  const { core } = node.parts
  core.events.emit('lease-notice', { id: 'a'.repeat(64), notice: `password=${secrets.password}` })
  core.events.emit('lease-notice', { token: secrets.bearer, notice: secrets.words })
  core.events.emit('lease-notice', { notice: `Authorization: Bearer ${secrets.bearer}` })
  core.events.emit('chain-refused', { reason: `seed ${secrets.seed} of //Alice` })
  core.events.emit('chain-refused', {
    reason: `-----BEGIN PRIVATE KEY-----\n${secrets.pem}\n-----END PRIVATE KEY-----`,
  })
  core.events.emit('chain-refused', { reason: `DOCKER_PASSWORD: ${secrets.registry}` })
  const config = configWith({
    ...core.config,
    chain: [
      `wss://user:${secrets.urlPassword}@chain.example:443/v3/${secrets.urlPath}?key=${secrets.urlPath}`,
    ],
    env: { API_KEY: secrets.variable },
  })
  const file = join(folder, 'report.tar.gz')
  const finding = {
    check: 'chain',
    ok: false,
    required: true,
    actual: `wss://x:${secrets.urlPassword}@chain.example/v3/${secrets.urlPath}`,
    wanted: 'w',
    remedy: 'r',
  }
  const { signal } = new AbortController()
  const names = await makeBundle(file, config, [finding], signal)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const archive = gunzipSync(await readFile(file)).toString('latin1')
  for (const secret of Object.values(secrets)) expect(archive).not.toContain(secret)
  const own = [await readFile(join(folder, 'node/control.token'), 'utf8')]
  const key = await readFile(join(folder, 'node/identity.key'))
  for (const form of ['hex', 'base64', 'base64url', 'latin1'] as const)
    own.push(key.toString(form).trim())
  for (const secret of own) expect(archive).not.toContain(secret)
  expect(archive).not.toMatch(/PRIVATE KEY|VariableOfALease/)

  const list = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).trim().split('\n')
  expect(list).toEqual(names)
  const part = (name: string): string =>
    execFileSync('tar', ['-xzOf', file, `compute-node/${name}`], { encoding: 'utf8' })
  expect(JSON.parse(part('status.json'))).toMatchObject({ peerId: core.peerId, roles: ['relay'] })
  expect(JSON.parse(part('doctor.json'))).toEqual([{ ...finding, actual: 'wss://chain.example/' }])
  expect(JSON.parse(part('config.json'))).toMatchObject({ chain: ['wss://chain.example:443/'] })
  expect(JSON.parse(part('events.json')).map(({ event }: { event: string }) => event)).toContain(
    'chain-refused',
  )
  expect(part('metrics.txt')).toContain('compute_node_peers 0')
  expect(JSON.parse(part('versions.json'))).toMatchObject({ node: process.versions.node })
  await expect(makeBundle(file, config, [], signal)).rejects.toMatchObject({
    code: 'BAD_CONFIG_FILE',
  })
})

test('without a running node the rest is there, and says what is not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cn-bundle-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const config = configWith({ dataDir: join(folder, 'node') })
  const file = join(folder, 'report.tar.gz')
  await makeBundle(file, config, [], new AbortController().signal)
  const archive = gunzipSync(await readFile(file)).toString('utf8')
  expect(archive).toContain('"absent": "no node runs')
  expect(archive).toContain('"program"')
})

test('the command writes it, with the report that it prints', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cn-bundle-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'report.tar.gz')
  const where = ['--network', 'local', '--data-dir', join(folder, 'node')]
  const { stdout } = await runCli(['doctor', '--bundle', file, '--json', ...where])
  const { items } = JSON.parse(stdout) as { items: unknown[] }
  expect(items.length).toBeGreaterThan(3)
  const told = execFileSync('tar', ['-xzOf', file, 'compute-node/doctor.json'], {
    encoding: 'utf8',
  })
  expect(JSON.parse(told)).toHaveLength(items.length)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

test.each([
  ['12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'],
  ['5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'],
  ['its disk is nearly full: 1.2 GiB free of 40.0 GiB'],
  ['/var/lib/compute-node/main/control.sock'],
])('what helps stays: %s', (text) => {
  expect(redactText(text)).toBe(text)
})

test('fields with secret names are blanked out, of variables the names stay', () => {
  const shown = redact({
    walletPassword: 'x',
    env: ['A=1', 'B=2'],
    nested: { token: { id: 1 } },
    key: 'k',
    port: 1,
  })
  expect(shown).toEqual({
    walletPassword: '[redacted]',
    env: ['A=[redacted]', 'B=[redacted]'],
    nested: { token: { id: '[redacted]' } },
    key: '[redacted]',
    port: 1,
  })
})
