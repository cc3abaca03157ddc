import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type EngineChoice,
  engineRemedy,
  selectEngine,
} from '../../src/containers/select-engine.ts'
import { noDocker } from '../support/docker.ts'

const genesis = new Uint8Array(32).fill(7)
const devnet = {
  network: 'local',
  genesis,
  embeddedGenesis: genesis,
  listen: ['/ip4/127.0.0.1/tcp/0'],
  admittedPeerIds: ['12D3a'],
}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cn-select-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})
const select = (choice: EngineChoice, more: { devnet?: typeof devnet; probeMs?: number } = {}) =>
  selectEngine({ choice, nodeId: 'n', stateDir: join(folder, 'leases'), ...more })

/** Something that listens where Docker is looked for. */
async function pretend(answer: (path: string) => [number, object] | undefined): Promise<Server> {
  const server = createServer((request, response) => {
    const found = answer(request.url ?? '')
    if (found !== undefined) response.writeHead(found[0]).end(JSON.stringify(found[1]))
  })
  const path = join(folder, 'docker.sock')
  await new Promise<void>((resolve) => server.listen(path, resolve))
  vi.stubEnv('DOCKER_HOST', `unix://${path}`)
  return server
}

const close = (server: Server): void => {
  server.closeAllConnections()
  server.close()
}

describe('without Docker', () => {
  beforeEach(() => vi.stubEnv('DOCKER_HOST', 'unix:///nonexistent'))

  test.each(['auto', 'docker'] as const)('%s says why, and what to install', async (choice) => {
    await expect(select(choice)).rejects.toMatchObject({
      code: 'ENGINE_ABSENT',
      message: expect.stringContaining('/nonexistent'),
      next: expect.stringMatching(/apt-get install docker\.io.*DOCKER_HOST/),
    })
  })

  test('auto takes plain processes on a devnet, docker never does', async () => {
    expect((await select('auto', { devnet })).label).toBe('process (no isolation, devnet only)')
    await expect(select('docker', { devnet })).rejects.toMatchObject({ code: 'ENGINE_ABSENT' })
  })
})

test('who may not use the socket is told of the group, and not to install anything', () => {
  const remedy = engineRemedy(new Error('connect EACCES /var/run/docker.sock'))
  expect(remedy).toContain('usermod -aG docker')
  expect(remedy).not.toContain('install')
})

test('plain processes are refused off a devnet, and on one that is open to others', async () => {
  await expect(select('process')).rejects.toMatchObject({ code: 'BAD_CONFIG_ENGINE' })
  const open = { ...devnet, listen: ['/ip4/0.0.0.0/tcp/0'] }
  await expect(select('process', { devnet: open })).rejects.toMatchObject({
    code: 'BAD_CONFIG_ENGINE',
  })
})

test('an engine that never answers is given up in time', async () => {
  const server = await pretend(() => undefined)
  await expect(select('docker', { probeMs: 200 })).rejects.toMatchObject({
    code: 'ENGINE_ABSENT',
    message: expect.stringContaining('timed out'),
  })
  close(server)
})

test('an engine that is too old is named', async () => {
  const server = await pretend(() => [200, { Version: '18.09.1', ApiVersion: '1.39' }])
  await expect(select('auto')).rejects.toMatchObject({
    code: 'ENGINE_ABSENT',
    message: expect.stringContaining('18.09.1'),
    next: 'install Docker 20.10 or newer',
  })
  close(server)
})

test.skipIf(noDocker)('with Docker, auto takes it', async () => {
  const engine = await select('auto', { devnet })
  expect(engine.label).toMatch(/^docker \d+\.\d+/)
  await engine.close()
})
