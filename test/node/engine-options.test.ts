import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/node/config.ts'
import type { EngineConfig } from '../../src/node/engine-options.ts'

const folder = mkdtempSync(join(tmpdir(), 'cn-engines-'))
afterAll(() => rmSync(folder, { recursive: true }))

const path = join(folder, 'node.json')
function load(engines: unknown): readonly EngineConfig[] {
  writeFileSync(path, JSON.stringify({ engines }))
  return loadConfig({ flags: new Map([['config', [path]]]), cwd: '/' }).engines
}
const [one, other] = ['GPU-00010203-0405-0607-0809-0a0b0c0d0e0f', 'MIG-41b35cd8-ac91'] as const
const tls = { ca: 'tls/ca.pem', cert: '/etc/rig/cert.pem', key: 'tls/key.pem' }
const here = { name: 'here', url: 'unix:///var/run/docker.sock' }
const rig = { name: 'rig-2', url: 'tcp://10.0.0.2:2376', tls }

describe('engines in a configuration file', () => {
  test('an engine of this machine has all its GPUs, one elsewhere those that are listed', () => {
    const named = { uuid: other, name: 'H100 MIG 3g.40gb', vramMiB: 40_000 }
    expect(load([here, { ...rig, gpus: [one, named], fencedByOwner: true }])).toEqual([
      { ...here, gpus: 'all', fencedByOwner: false },
      {
        name: 'rig-2',
        url: 'tcp://10.0.0.2:2376',
        tls: {
          ca: join(folder, 'tls/ca.pem'),
          cert: '/etc/rig/cert.pem',
          key: join(folder, 'tls/key.pem'),
        },
        gpus: [{ uuid: one }, named],
        fencedByOwner: true,
      },
    ])
    expect(load([rig])[0]?.gpus).toEqual([])
    expect(load([])).toEqual([])
  })

  test('the environment says the same as JSON', () => {
    const env = { COMPUTE_NODE_ENGINES: JSON.stringify([here]), COMPUTE_NODE_DATA_DIR: folder }
    expect(loadConfig({ env }).engines).toMatchObject([{ name: 'here' }])
  })

  test.each<[what: string, engines: unknown, says: RegExp]>([
    ['a name twice', [here, { ...rig, name: 'here' }], /two engines have the name here/],
    ['an address twice', [here, { ...here, name: 'b' }], /two engines have the url unix/],
    [
      'a GPU of two engines',
      [
        { ...here, gpus: [one] },
        { ...rig, gpus: [other, one] },
      ],
      /engines here and rig-2 both have GPU-0001/,
    ],
    [
      'all GPUs of this machine for one, and some for another',
      [here, { name: 'b', url: 'unix:///run/b.sock', gpus: [one] }],
      /list the UUIDs of each/,
    ],
    ['all GPUs of another machine', [{ ...rig, gpus: 'all' }], /rig-2: nobody here can look/],
    ['TCP in the clear', [{ ...rig, tls: undefined }], /rig-2: tcp.* without tls.*has its machine/],
    ['the same on loopback', [{ name: 'a', url: 'tcp://127.0.0.1:2375' }], /without tls/],
    ['TLS on a socket', [{ ...here, tls }], /no TLS/],
    ['another way there', [{ name: 'a', url: 'ssh://host' }], /expected unix.*got ssh/],
    ['no port', [{ ...rig, url: 'tcp://10.0.0.2' }], /expected unix/],
    ['a socket without its path', [{ name: 'a', url: 'unix://docker.sock' }], /expected unix/],
    ['half of TLS', [{ ...rig, tls: { ca: 'x' } }], /engine rig-2\.tls\.cert/],
    ['no UUID', [{ ...here, gpus: ['0'] }], /"0" is no UUID/],
    ['a word nobody knows', [{ ...here, gpu: 'all' }], /engine here.*gpu/],
    ['no name', [{ url: here.url }], /engine 1\.name/],
    ['a text', ['here'], /engine 1/],
    [
      'nine engines',
      Array.from({ length: 9 }, (_, i) => ({ name: `e${i}`, url: `unix:///${i}`, gpus: [] })),
      /at most 8/,
    ],
  ])('%s is refused, saying why', (_, engines, says) => {
    expect(() => load(engines)).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG_VALUE', message: expect.stringMatching(says) }),
    )
  })
})
