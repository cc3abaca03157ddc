import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { readRegistryAuth } from '../../../src/node/commands/registry-auth.ts'
import { tempFolder } from '../../support/lease-market.ts'

const IMAGE = 'registry.example/team/app:1'
const nobody = () => Readable.from([])
const login = (name: string) => ({ username: name, password: `secret-of-${name}` })
const auth = (name: string) => ({
  auth: Buffer.from(`${name}:secret-of-${name}`).toString('base64'),
})

let folder: string
const at = (name: string): string => join(folder, name)
const put = async (name: string, content: unknown): Promise<string> => {
  await writeFile(at(name), typeof content === 'string' ? content : JSON.stringify(content))
  return at(name)
}
/** A credential helper that knows the servers of `logins` alone, and writes down what it is asked for. */
const helper = async (name: string, logins: Readonly<Record<string, object>>): Promise<void> => {
  const cases = Object.entries(logins).map(
    ([server, answer]) => `${server}) echo '${JSON.stringify(answer)}' ;;`,
  )
  const script = [
    '#!/bin/sh',
    `server=$(cat); echo "${name} $1 $server" >>${at('asked')}`,
    `case $server in`,
    ...cases,
    `*) echo 'credentials not found in native keychain'; exit 1 ;; esac`,
  ]
  await chmod(await put(`docker-credential-${name}`, script.join('\n')), 0o755)
}

beforeEach(async () => {
  folder = await tempFolder()
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH']}`)
  vi.stubEnv('DOCKER_CONFIG', folder)
})
afterEach(() => void vi.unstubAllEnvs())

describe('where a login is read from', () => {
  test('- is standard input, even where a file and Docker’s own configuration have one', async () => {
    await put('config.json', { auths: { 'registry.example': auth('docker') } })
    const typed = Readable.from(['stdin:secret-of-', 'stdin\n'])
    expect(await readRegistryAuth('-', IMAGE, typed)).toEqual(login('stdin'))
  })

  test('`docker` is what docker login kept, in DOCKER_CONFIG before the home folder', async () => {
    await mkdir(at('.docker'))
    await put('.docker/config.json', { auths: { 'registry.example': auth('home') } })
    await put('config.json', { auths: { 'registry.example': auth('variable') } })
    vi.stubEnv('HOME', folder)
    expect(await readRegistryAuth('docker', IMAGE, nobody())).toEqual(login('variable'))
    vi.stubEnv('DOCKER_CONFIG', undefined)
    expect(await readRegistryAuth('docker', IMAGE, nobody())).toEqual(login('home'))
  })

  test('anything else is a file: a pair, JSON, a token, or a Docker configuration', async () => {
    const read = async (content: unknown) =>
      readRegistryAuth(await put('file', content), IMAGE, nobody())
    expect(await read('file:secret-of-file\n')).toEqual(login('file'))
    expect(await read(login('json'))).toEqual(login('json'))
    expect(await read({ identitytoken: 'token', ...login('less') })).toEqual({
      identitytoken: 'token',
    })
    expect(await read({ auths: { 'registry.example': auth('config') } })).toEqual(login('config'))
  })
})

describe('in a Docker configuration', () => {
  const read = async (config: unknown, image = IMAGE) => {
    await put('config.json', config)
    return readRegistryAuth('docker', image, nobody())
  }

  test('what stands in it goes before keyrings, and a token before a password', async () => {
    await helper('store', { 'registry.example': { Username: 'store', Secret: 'x' } })
    const auths = { 'https://registry.example': auth('file') }
    expect(await read({ auths, credsStore: 'store' })).toEqual(login('file'))
    const both = { 'registry.example': { ...auth('file'), identitytoken: 'token' } }
    expect(await read({ auths: both, credsStore: 'store' })).toEqual({ identitytoken: 'token' })
  })

  test('a registry’s own keyring goes before the common one; an entry without a login is none', async () => {
    const own = { Username: 'own', Secret: 'secret-of-own' }
    await helper('own', { 'registry.example': own })
    await helper('store', { 'registry.example': { Username: '<token>', Secret: 'common' } })
    const auths = { 'registry.example': {} }
    const credHelpers = { 'registry.example': 'own' }
    expect(await read({ auths, credHelpers, credsStore: 'store' })).toEqual(login('own'))
    expect(await read({ auths, credsStore: 'store' })).toEqual({ identitytoken: 'common' })
  })

  test('a keyring that knows nothing is asked for each name of the registry, then it is told', async () => {
    await helper('store', {})
    await expect(read({ credsStore: 'store' }, 'team/app')).rejects.toMatchObject({
      ...{ code: 'BAD_CONFIG_REGISTRY_AUTH', message: expect.stringContaining('docker.io') },
    })
    const names = ['https://index.docker.io/v1/', 'index.docker.io', 'docker.io']
    const asked = names.map((name) => `store get ${name}\n`).join('')
    expect(await readFile(at('asked'), 'utf8')).toBe(asked)
    const hub = { Username: 'hub', Secret: 'secret-of-hub' }
    await helper('store', { 'docker.io': hub })
    expect(await read({ credsStore: 'store' }, 'team/app')).toEqual(login('hub'))
    const other = { auths: { 'other.example': auth('other') } }
    await expect(read(other)).rejects.toMatchObject({ code: 'BAD_CONFIG_REGISTRY_AUTH' })
  })
})

test('what cannot be read is told without a word of it', async () => {
  const failing = ['not a login s3cret', '{"password": "s3cret', '["s3cret"]', ':s3cret', '']
  for (const content of failing) {
    const error = await readRegistryAuth(await put('file', content), IMAGE, nobody()).catch(
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({ code: 'BAD_CONFIG_REGISTRY_AUTH' })
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('s3cret')
  }
  for (const [source, image] of [
    [at('absent'), IMAGE],
    ['-', undefined],
  ] as const) {
    const read = readRegistryAuth(source, image, nobody())
    await expect(read).rejects.toMatchObject({ code: 'BAD_CONFIG_REGISTRY_AUTH' })
  }
})
