import { randomBytes, timingSafeEqual } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'

/** Why a request on the loopback port is not served; undefined when it may pass. */
export type Guard = (request: IncomingMessage) => { status: number; message: string } | undefined

/** Makes the token of this run (32 random bytes) and leaves it in a file that only this user reads. */
export async function writeToken(tokenFile: string): Promise<string> {
  const token = randomBytes(32).toString('base64url')
  await rm(tokenFile, { force: true }) // an old file would keep its mode
  await writeFile(tokenFile, token, { mode: 0o600, flag: 'wx' })
  return token
}

/**
 * Any page in a browser can send requests to 127.0.0.1: the Host must be ours (DNS rebinding), an Origin must be ours
 * (cross-site requests), and the token proves that the caller may read this user's files.
 */
export function createGuard(token: string, port: () => number): Guard {
  const wanted = Buffer.from(token)
  const hosts = (): string[] => ['127.0.0.1', 'localhost'].map((name) => `${name}:${port()}`)
  return ({ headers, url }) => {
    if (!hosts().includes(headers.host ?? '')) {
      return { status: 403, message: 'the Host header names another machine' }
    }
    const { origin } = headers
    if (origin !== undefined && !hosts().some((host) => origin === `http://${host}`)) {
      return { status: 403, message: 'requests from other origins are not served' }
    }
    if (url === '/healthz') return undefined
    const given = Buffer.from(/^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '')
    if (given.length === wanted.length && timingSafeEqual(given, wanted)) return undefined
    return {
      status: 401,
      message: 'the token of control.token is needed as "Authorization: Bearer …"',
    }
  }
}
