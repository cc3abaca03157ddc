import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { MadeToken } from '../../../src/api/access.ts'
import { type GpuJob, gpuJobRoutes } from '../../../src/api/gpu-jobs.ts'
import { machineRoutes, type WalletRow } from '../../../src/api/machine.ts'
import type { Scope } from '../../../src/api/route.ts'
import { createWallet } from '../../../src/chain/wallet.ts'
import { silent } from '../../../src/log.ts'
import { configWith } from '../../../src/node/config.ts'
import { createControlClient } from '../../../src/node/control/client.ts'
import { accessRoute } from '../../../src/node/control/routes/access.ts'
import { machineRoute } from '../../../src/node/control/routes/machine.ts'
import { startControl } from '../../../src/node/control/server.ts'
import type { Core } from '../../../src/node/core.ts'
import type { Finding } from '../../../src/node/doctor/finding.ts'
import { createOwnSpending } from '../../../src/node/own-spending.ts'
import { verifyTranscript } from '../../../src/node/verify-transcript.ts'
import { localNode } from '../../support/local-node.ts'

test("a node tells what its machine has and can do, and its wallets' keys without their secrets", {
  timeout: 120_000,
}, async () => {
  const walletPath = await mkdtemp(join(tmpdir(), 'cn-wallets-'))
  onTestFinished(() => rm(walletPath, { recursive: true }))
  const { hotkey, coldkey } = await createWallet({ path: walletPath, name: 'ann', hotkey: 'first' })
  await using node = await localNode({
    roles: ['renter'],
    walletPath,
    apiPort: 0,
    maxDailyCost: '5',
  })
  using client = createControlClient(node.control.socketPath)

  const reports = await Promise.all(
    [1, 2].map(() => client.get<{ items: Finding[] }>('/v1/doctor')),
  )
  const { items } = machineRoutes.getDoctorReport.answer.parse(reports[0])
  expect(reports[1]).toEqual(reports[0]) // one look
  const found = new Map(items.map((one) => [one.check, one.ok]))
  expect([...found.keys()]).toEqual(expect.arrayContaining(['node', 'memory', 'disk', 'clock']))
  expect(found.get('data-folder')).toBe(true)

  const wallets = await client.get<{ items: WalletRow[] }>('/v1/wallets')
  const common = { name: 'ann', keyType: 'sr25519', encrypted: false }
  expect(machineRoutes.listWallets.answer.parse(wallets).items).toEqual([
    { ...common, key: 'coldkey', hotkey: null, address: coldkey },
    { ...common, key: 'hotkey', hotkey: 'first', address: hotkey.address },
  ])
  expect(machineRoutes.listWallets.scope).toBe('operate')

  // Its devices, proven and measured while it runs, one job at a time.
  const jobs = '/v1/gpu/jobs'
  const proving = await client.post<GpuJob>(jobs, { kind: 'prove', gpu: 'cpu-0' })
  await expect(client.post(jobs, { kind: 'bench' })).rejects.toMatchObject({ code: 'REFUSED_BUSY' })
  const told: GpuJob[] = []
  const { token: looker } = await client.post<MadeToken>('/v1/tokens', {
    label: 'l',
    scope: 'read',
  })
  const asLooker = { headers: { authorization: `Bearer ${looker}` } }
  const at = `${node.control.apiUrl}${jobs}/${proving.id}`
  for (const line of (await (await fetch(`${at}/events`, asLooker)).text()).split('\n'))
    if (line.startsWith('data: ')) told.push(JSON.parse(line.slice(6)))
  expect(told.length).toBeGreaterThan(2)
  const last = gpuJobRoutes.getGpuJob.answer.parse(told.at(-1))
  expect(last).toMatchObject({ state: 'done', error: null, proven: { verdict: 'VALID' } })
  const transcript = new Uint8Array(await (await fetch(`${at}/transcript`, asLooker)).arrayBuffer())
  expect(verifyTranscript(transcript)).toMatchObject({ verdict: 'VALID', id: last.proven!.id })
  const refused = await fetch(`${at}/cancel`, { method: 'POST', ...asLooker })
  expect(refused.status).toBe(403)
  const { id } = await client.post<GpuJob>(jobs, { kind: 'bench', gpu: 'cpu-0' })
  await client.post(`${jobs}/${id}/cancel`)
  const state = async () => (await client.get<GpuJob>(`${jobs}/${id}`)).state
  await expect.poll(state, { timeout: 20_000 }).toBe('cancelled')
  expect((await client.get<{ items: GpuJob[] }>(jobs)).items).toHaveLength(2)

  // What it may spend in a day: only who operates the node changes it.
  const patch = async (scope: Scope, body: object) => {
    const { token } = await client.post<MadeToken>('/v1/tokens', { label: scope, scope })
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const sent = { method: 'PATCH', headers, body: JSON.stringify(body) }
    return (await fetch(`${node.control.apiUrl}/v1/spending`, sent)).status
  }
  for (const scope of ['read', 'rent'] as const)
    expect(await patch(scope, { maxDailyCost: null })).toBe(403)
  expect(await client.get('/v1/spending')).toMatchObject({ maxDailyCost: '5', items: [] })
  expect(await patch('operate', { maxDailyCost: '12.5' })).toBe(200)
  expect(await patch('operate', { maxDailyCost: '-1' })).toBe(400)
  const { renting } = node.parts
  await expect(renting.spending.check('DEV', 12_500_001n)).rejects.toMatchObject({
    code: 'REFUSED_SPENDING',
  })
  await renting.spending.check('DEV', 12_500_000n)
  expect(await createOwnSpending(node.parts.core).then((own) => own.now())).toEqual({
    maxDailyCost: '12.5',
  })
})

test("who may only look starts nothing in a miner's engine", { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cn-doctor-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const asked: string[] = []
  const engine = createServer(({ method, url = '' }, response) => {
    asked.push(`${method} ${url.replace(/^\/v[\d.]+/, '')}`)
    const known = /\/(version|info)$/.test(url)
    const facts = { Version: '28.0.0', ApiVersion: '1.48', Driver: 'overlay2' }
    response.writeHead(known ? 200 : 500, { 'content-type': 'application/json' })
    response.end(JSON.stringify(known ? facts : { message: 'not here' }))
  })
  await new Promise<void>((resolve) => engine.listen(join(folder, 'docker.sock'), resolve))
  onTestFinished(() => void engine.close())
  vi.stubEnv('DOCKER_HOST', `unix://${join(folder, 'docker.sock')}`)
  onTestFinished(() => void vi.unstubAllEnvs())
  const config = configWith({ network: 'local', roles: ['miner'], dataDir: folder, listen: [] })
  await using control = await startControl({
    parts: { core: { config } as unknown as Core },
    routes: [accessRoute, machineRoute],
    socketPath: join(folder, 'control.sock'),
    tokenFile: join(folder, 'control.token'),
    apiPort: 0,
    log: silent,
  })
  using owner = createControlClient(control.socketPath)
  const ask = async (scope: Scope, method: string) => {
    const { token } = await owner.post<MadeToken>('/v1/tokens', { label: scope, scope })
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`${control.apiUrl}/v1/doctor`, { method, headers })
    return { status: answer.status, checks: await answer.json() }
  }
  const looked = await ask('read', 'GET')
  expect([looked.status, [...new Set(asked)].toSorted()]).toEqual([
    200,
    ['GET /info', 'GET /version'],
  ])
  const names = machineRoutes.getDoctorReport.answer
    .parse(looked.checks)
    .items.map((one) => one.check)
  expect(names).toContain('docker')
  expect(names).not.toContain('disk-quota')
  expect((await ask('read', 'POST')).status).toBe(403)
  expect((await ask('rent', 'POST')).status).toBe(403)
  expect(asked).not.toContainEqual(expect.stringMatching(/images|containers|build/))
  const tried = await ask('operate', 'POST')
  const all = machineRoutes.runDoctor.answer.parse(tried.checks).items.map((one) => one.check)
  expect(all).toEqual(expect.arrayContaining(['disk-quota', 'runtime', 'webgpu']))
  expect(asked).toContainEqual(expect.stringMatching(/images|containers|build/))
})
