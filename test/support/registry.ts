import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { tar } from '../../src/containers/tar.ts'

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
const digestOf = (bytes: Buffer): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/**
 * A read-only image registry on loopback, which engines allow without TLS. Images: `ok`, `private` (401), `damaged`
 * (its layer has a flipped bit), `silent` (its layer stops half way), `flaky` (damaged the first time), `large` (1 MiB
 * and more), `padded` (the same, of which the last half is zeros); every other
 * name is unknown (404). With `auth`, all of it is for who logs in with LOGIN alone, directly or by way of a token.
 */
export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** How many transfers are under way. */
  transfers(): number
}

/** The one login of a registry that wants one. */
export const LOGIN = { username: 'somebody', password: 'tooth-brush-9641' }
const BASIC = `Basic ${Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64')}`
const TOKEN = 'a-token-for-one-image'

export async function startRegistry(auth?: 'basic' | 'bearer'): Promise<TestRegistry> {
  const server = createServer()
  let transfers = 0
  const images = new Map(
    ['ok', 'private', 'damaged', 'silent', 'flaky', 'large', 'padded'].map((name) => [
      name,
      makeImage(name === 'padded' ? 1 << 20 : 0),
    ]),
  )
  let flaky = 0
  server.on('request', ({ url = '', method, headers }, response) => {
    const { authorization } = headers
    const [, name, kind, reference] = /^\/v2\/([^/]+)\/(manifests|blobs)\/(.+)$/.exec(url) ?? []
    if (url.startsWith('/token')) {
      if (authorization === BASIC) return answer(response, 200, { token: TOKEN })
      return answer(response, 401, {})
    }
    const realm = `realm="http://${headers.host}/token",service="test"`
    if (auth === 'basic' && authorization !== BASIC) return challenge(response, `Basic ${realm}`)
    if (auth === 'bearer' && authorization !== `Bearer ${TOKEN}`) {
      return challenge(response, `Bearer ${realm}`)
    }
    if (url === '/v2/') return answer(response, 200, {})
    const image = images.get(name ?? '')
    if (image === undefined) {
      return answer(response, 404, {
        errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }],
      })
    }
    if (name === 'private') return challenge(response, 'Basic realm="test"')
    const body = kind === 'manifests' ? image.manifest : image.blobs.get(reference!)
    if (body === undefined) return answer(response, 404, { errors: [{ code: 'BLOB_UNKNOWN' }] })
    response.writeHead(200, {
      'content-type': kind === 'manifests' ? MANIFEST : 'application/octet-stream',
      'content-length': body.length,
      'docker-content-digest': digestOf(body),
    })
    if (method === 'HEAD') return response.end()
    if (name === 'flaky' && body === image.layer) flaky++
    const whole =
      !['damaged', 'silent', 'flaky', 'large', 'padded'].includes(name!) ||
      (name === 'flaky' && flaky > 1)
    if (body !== image.layer || whole) return response.end(body)
    if (name === 'silent') {
      transfers += 1
      response.once('close', () => {
        transfers -= 1
      })
      return response.write(body.subarray(0, body.length >> 1))
    }
    const damaged = Buffer.from(body)
    damaged[body.length >> 1]! ^= 1
    return response.end(damaged)
  })
  await listen(server)
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    transfers: () => transfers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const challenge = (response: ServerResponse, how: string): void => {
  response.setHeader('www-authenticate', how)
  answer(response, 401, { errors: [{ code: 'UNAUTHORIZED', message: 'no' }] })
}

async function listen(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function makeImage(zeros: number) {
  // New random bytes each time: an engine that has seen the layer would not fetch it again.
  const root = tar([
    {
      path: 'pad',
      mode: 0o644,
      type: 'file',
      data: Buffer.concat([randomBytes(1 << 20), Buffer.alloc(zeros)]),
    },
  ])
  const layer = gzipSync(root, { level: 1 })
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Cmd: ['/none'] },
      rootfs: { type: 'layers', diff_ids: [digestOf(root)] },
    }),
  )
  const entry = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  })
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: entry('application/vnd.docker.container.image.v1+json', config),
      layers: [entry('application/vnd.docker.image.rootfs.diff.tar.gzip', layer)],
    }),
  )
  const blobs = new Map([layer, config, manifest].map((bytes) => [digestOf(bytes), bytes]))
  return { manifest, layer, blobs }
}
