import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { NodeError } from '../../../errors.ts'
import type { AccessBook } from './access-book.ts'
import type { Caller } from './caller.ts'

/** The cookie of a browser that signed in. */
export const SESSION_COOKIE = 'cn_session'

/** The token of a run: 32 random bytes. */
export const freshToken = (): string => randomBytes(32).toString('base64url')

/** Leaves a token in a file that only this user reads. */
export async function writeToken(tokenFile: string, token: string): Promise<void> {
  await rm(tokenFile, { force: true }) // an old file would keep its mode
  await writeFile(tokenFile, token, { mode: 0o600, flag: 'wx' })
}

/** What the loopback port asks of a request before its route does. */
export interface LoopbackGuard {
  /**
   * Any page in a browser can send requests to 127.0.0.1: the Host must be ours (DNS rebinding), and an Origin ours too
   * (cross-site requests). Throws REFUSED_HOST, REFUSED_ORIGIN.
   */
  checkPlace(request: IncomingMessage): void
  /** Who asks. Throws REFUSED_CREDENTIAL (401), REFUSED_ATTEMPTS (429), REFUSED_ORIGIN. */
  identify(request: IncomingMessage): Caller
}

/** Cookies come only from pages that this node served: those of other ports are of the same site, and not ours. */
const ownPages = new Set([undefined, 'same-origin', 'none'])
const harmless = new Set(['GET', 'HEAD'])

export function createLoopbackGuard(
  book: AccessBook,
  port: () => number | undefined,
): LoopbackGuard {
  const hosts = (): string[] => ['127.0.0.1', 'localhost'].map((name) => `${name}:${port()}`)
  const isOurs = (origin: string): boolean => hosts().some((host) => origin === `http://${host}`)
  return {
    checkPlace({ headers: { host, origin } }) {
      if (!hosts().includes(host ?? '')) {
        throw new NodeError('REFUSED_HOST', 'the Host header names another machine')
      }
      if (origin !== undefined && !isOurs(origin)) {
        throw new NodeError('REFUSED_ORIGIN', 'requests from other origins are not served')
      }
    },
    identify(request) {
      const { headers, method = 'GET' } = request
      const token = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1]
      if (token !== undefined) return known(book, [token], book.byToken)
      const cookies = cookiesOf(headers.cookie)
      if (cookies.length === 0) throw refused('a token or a signed-in browser is needed')
      const isSocket = headers.upgrade !== undefined
      const site = headers['sec-fetch-site'] as string | undefined
      if (
        !ownPages.has(site) ||
        (headers.origin === undefined && (isSocket || !harmless.has(method)))
      ) {
        throw new NodeError('REFUSED_ORIGIN', 'a cookie counts only on pages of this node')
      }
      return known(book, cookies, book.bySession)
    },
  }
}

/** Who has one of these secrets; where many were wrong only those are looked up that were right before. */
function known(
  book: AccessBook,
  secrets: readonly string[],
  look: (secret: string) => Caller | undefined,
): Caller {
  const waitMs = book.attempts.secrets.waitMs()
  const tried = waitMs > 0 ? secrets.filter(book.isProven) : secrets
  for (const secret of tried) {
    const caller = look(secret)
    if (caller !== undefined) return caller
  }
  if (waitMs > 0) throw tooMany(waitMs)
  book.attempts.secrets.failed()
  throw refused('the token or the session stands no more')
}

/** Too much failed of late. */
export const tooMany = (waitMs: number): NodeError =>
  new NodeError('REFUSED_ATTEMPTS', 'too many wrong attempts', {
    next: `try again in ${Math.ceil(waitMs / 1000)} s`,
    retryAfterMs: waitMs,
  })

const refused = (message: string): NodeError =>
  new NodeError('REFUSED_CREDENTIAL', message, {
    next: 'send a token as "Authorization: Bearer …" (control.token, or compute-node token create), or sign in with compute-node ui',
  })

/** More under our name than any browser that nobody tampered with sends. */
const MOST_COOKIES = 8

/**
 * The sessions that a Cookie header names. A page of another port can put one of its own making before ours (a longer
 * path comes first: RFC 6265 §5.4), which must keep nobody out.
 */
function cookiesOf(header: string | undefined): string[] {
  const pairs = (header ?? '').split(';').map((pair) => pair.trim())
  const own = pairs.filter((pair) => pair.startsWith(`${SESSION_COOKIE}=`))
  return own.slice(0, MOST_COOKIES).map((pair) => pair.slice(SESSION_COOKIE.length + 1))
}
