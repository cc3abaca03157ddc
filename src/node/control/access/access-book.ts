import { hash, randomBytes } from 'node:crypto'
import type { AccessToken, MadeToken } from '../../../api/access.ts'
import type { Scope } from '../../../api/route.ts'
import type { NowMs } from '../../../clock.ts'
import { NodeError } from '../../../errors.ts'
import type { Log } from '../../../log.ts'
import { hoursMs, secondsMs } from '../../../units.ts'
import { type Credential, readAccessFile, writeAccessFile } from './access-file.ts'
import { type Attempts, createAttempts } from './attempts.ts'
import { type Caller, checkScope, makerOf } from './caller.ts'

/** How long a browser stays signed in. */
export const SESSION_MS = hoursMs(12)
/** How long a login code waits for its browser. */
export const CODE_MS = secondsMs(60)
/** More than anybody keeps apart; the oldest sessions and codes make room. */
const MAX_TOKENS = 256
const MAX_SESSIONS = 64
const MAX_CODES = 16
/** `setTimeout` takes no more. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Who may use the loopback port. Secrets are 32 random bytes, and only their SHA-256 is kept. */
export interface AccessBook extends Disposable {
  /** The caller with this token; undefined when there is none, or its time is over. */
  byToken(token: string): Caller | undefined
  /** The caller with this session cookie. */
  bySession(cookie: string): Caller | undefined
  /**
   * A token that may do no more than its maker and ends with it, at the latest when its maker's time is over.
   * @throws REFUSED_TOKENS, REFUSED_SCOPE; REFUSED_TOKEN_LIFE when it should stand for longer
   */
  createToken(wanted: WantedToken, by: Caller): Promise<MadeToken>
  /** Newest first. */
  tokens(): AccessToken[]
  /** Ends it with all that it made. By id or label; NOTHING_MATCHED, or BAD_CONFIG_TOKEN when a label fits several. */
  revoke(name: string): Promise<AccessToken>
  /** A code that signs one browser in, whose session may do no more than who asked for it, and ends with his token. */
  createCode(scope: Scope, by: Caller): { readonly code: string; readonly expiresAtMs: number }
  /** The secret of a new session for a code that stands, which it does no more; undefined for any other. */
  login(code: string): Promise<string | undefined>
  /** Ends the session with this id. */
  endSession(id: string): Promise<boolean>
  /** Failures of tokens and cookies, and of login codes. */
  readonly attempts: { readonly secrets: Attempts; readonly codes: Attempts }
  /** Whether this very secret was right before, so that others' failures keep nobody out who is in. */
  isProven(secret: string): boolean
}

export interface WantedToken {
  readonly label: string
  readonly scope: Scope
  readonly ttlMs?: number | undefined
}

/** A login code that waits for its browser. */
interface Code {
  readonly scope: Scope
  readonly madeBy: string | undefined
  readonly expiresAtMs: number
}

interface Live {
  readonly record: Credential
  readonly ended: AbortController
  timer?: NodeJS.Timeout
}

/** SHA-256 in hex: as hard to guess as the 32 random bytes themselves. */
const digest = (secret: string): string => hash('sha256', secret)
const fresh = (): string => randomBytes(32).toString('base64url')

export interface AccessNeeds {
  /** Where tokens and sessions are kept over restarts, 0600. */
  readonly file: string
  /** The token of this run, which may do everything. */
  readonly rootToken: string
  readonly log: Log
  readonly nowMs?: NowMs
}

/** Loads what stands. */
export async function openAccessBook(needs: AccessNeeds): Promise<AccessBook> {
  const { file, rootToken, log, nowMs = Date.now } = needs
  const live = new Map<string, Live>()
  const codes = new Map<string, Code>()
  const proven = new Set<string>()
  const root = digest(rootToken)
  let writing: Promise<void> = Promise.resolve()

  const save = (): Promise<void> => {
    writing = writing
      .catch(() => undefined)
      .then(() =>
        writeAccessFile(
          file,
          [...live.values()].map(({ record }) => record),
        ),
      )
    return writing
  }
  const drop = (one: Live, why: string): void => {
    live.delete(one.record.sha256)
    proven.delete(one.record.sha256)
    clearTimeout(one.timer)
    one.ended.abort(new NodeError('REFUSED_CREDENTIAL', why, { next: 'sign in again' }))
    for (const made of live.values()) {
      if (made.record.madeBy === one.record.id) drop(made, `${why}, of the token that made it`)
    }
  }
  const isOver = ({ expiresAtMs }: Credential): boolean =>
    expiresAtMs !== null && expiresAtMs <= nowMs()
  const expire = (one: Live): void => {
    const { expiresAtMs } = one.record
    if (isOver(one.record)) drop(one, 'its time is over')
    else if (expiresAtMs !== null) {
      const leftMs = Math.min(MAX_TIMER_MS, expiresAtMs - nowMs())
      one.timer = setTimeout(expire, leftMs, one).unref()
    }
  }
  const add = (record: Credential): void => {
    const one: Live = { record, ended: new AbortController() }
    live.set(record.sha256, one)
    expire(one)
  }
  const of = (kind: Credential['kind']): Live[] =>
    [...live.values()].filter(({ record }) => record.kind === kind)
  const callerOf = (secret: string, kind: Credential['kind']): Caller | undefined => {
    const one = live.get(digest(secret))
    if (one?.record.kind !== kind) return undefined
    if (isOver(one.record)) {
      drop(one, 'its time is over')
      return undefined
    }
    proven.add(one.record.sha256)
    const { id, scope, expiresAtMs, madeBy } = one.record
    const maker = madeBy === undefined ? {} : { madeBy }
    return { kind, scope, id, expiresAtMs, ...maker, ended: one.ended.signal }
  }
  const isOrphan = ({ madeBy }: Pick<Credential, 'madeBy'> | Code): boolean =>
    madeBy !== undefined && !of('token').some(({ record }) => record.id === madeBy)
  /** The token that something ends with; undefined where that is nobody's. Throws when it stands no more. */
  const standing = (maker: string | undefined): Credential | undefined => {
    if (maker === undefined) return undefined
    const found = of('token').find(({ record }) => record.id === maker && !isOver(record))
    if (found !== undefined) return found.record
    throw new NodeError('REFUSED_CREDENTIAL', 'the token that asks stands no more')
  }
  const make = async (
    kind: Credential['kind'],
    { label, scope, ttlMs }: WantedToken,
    madeBy: string | undefined,
  ): Promise<{ readonly secret: string; readonly record: Credential }> => {
    const secret = kind === 'token' ? `cn_${fresh()}` : fresh()
    const createdAtMs = nowMs()
    const endsAtMs = ttlMs === undefined ? null : createdAtMs + ttlMs
    const expiresAtMs = earlier(endsAtMs, standing(madeBy)?.expiresAtMs ?? null)
    const id = randomBytes(6).toString('hex')
    const maker = madeBy === undefined ? {} : { madeBy }
    const about = { id, kind, label, scope, ...maker }
    const record = { ...about, sha256: digest(secret), createdAtMs, expiresAtMs }
    add(record)
    await save()
    return { secret, record }
  }

  for (const record of await readAccessFile(file, log)) if (!isOver(record)) add(record)
  for (const one of live.values())
    if (isOrphan(one.record)) drop(one, 'what made it stands no more')
  return {
    byToken(token) {
      if (digest(token) !== root) return callerOf(token, 'token')
      proven.add(root)
      return { kind: 'token', scope: 'operate', expiresAtMs: null }
    },
    bySession: (cookie) => callerOf(cookie, 'cookie'),
    async createToken(wanted, by) {
      checkScope(by, wanted.scope)
      assertOutlived(wanted, standing(makerOf(by)), nowMs())
      if (of('token').length >= MAX_TOKENS) {
        throw new NodeError('REFUSED_TOKENS', `there are ${MAX_TOKENS} tokens already`, {
          next: 'compute-node token revoke ID',
        })
      }
      const { secret, record } = await make('token', wanted, makerOf(by))
      return { ...shown(record), token: secret }
    },
    tokens: () =>
      of('token')
        .map(({ record }) => shown(record))
        .toSorted((a, b) => b.createdAtMs - a.createdAtMs),
    async revoke(name) {
      const named = of('token').filter(({ record }) => record.id === name)
      const found =
        named.length > 0 ? named : of('token').filter((one) => one.record.label === name)
      const [one] = found
      if (one === undefined) {
        throw new NodeError('NOTHING_MATCHED', `there is no token ${name}`, { next: LIST })
      }
      if (found.length > 1) {
        throw new NodeError('BAD_CONFIG_TOKEN', `${found.length} tokens are called ${name}`, {
          next: `name it by its id: ${LIST}`,
        })
      }
      drop(one, 'the token was revoked')
      await save()
      return shown(one.record)
    },
    createCode(scope, by) {
      checkScope(by, scope)
      const madeBy = standing(makerOf(by))?.id
      const code = fresh()
      const expiresAtMs = nowMs() + CODE_MS
      for (const [key, { expiresAtMs }] of codes) if (expiresAtMs <= nowMs()) codes.delete(key)
      if (codes.size >= MAX_CODES) codes.delete(codes.keys().next().value!)
      codes.set(digest(code), { scope, madeBy, expiresAtMs })
      return { code, expiresAtMs }
    },
    async login(code) {
      const key = digest(code)
      const found = codes.get(key)
      codes.delete(key)
      if (found === undefined || found.expiresAtMs <= nowMs()) return undefined
      const { scope, madeBy } = found
      if (isOrphan(found)) return undefined
      const sessions = of('cookie').toSorted((a, b) => a.record.createdAtMs - b.record.createdAtMs)
      for (const old of sessions.slice(0, Math.max(0, sessions.length - MAX_SESSIONS + 1))) {
        drop(old, 'newer sessions took its place')
      }
      return (await make('cookie', { label: 'browser', scope, ttlMs: SESSION_MS }, madeBy)).secret
    },
    async endSession(id) {
      const found = of('cookie').find(({ record }) => record.id === id)
      if (found === undefined) return false
      drop(found, 'signed out')
      await save()
      return true
    },
    attempts: {
      secrets: createAttempts(30, secondsMs(60), nowMs),
      codes: createAttempts(10, secondsMs(60), nowMs),
    },
    isProven: (secret) => proven.has(digest(secret)),
    [Symbol.dispose]() {
      for (const { timer } of live.values()) clearTimeout(timer)
    },
  }
}

const LIST = 'compute-node token list'

const earlier = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b)

/** Who asks for longer than his own token stands hears so, before a program relies on it. */
function assertOutlived(
  { ttlMs }: WantedToken,
  maker: Credential | undefined,
  nowMs: number,
): void {
  const endsAtMs = maker?.expiresAtMs ?? null
  if (ttlMs === undefined || endsAtMs === null || nowMs + ttlMs <= endsAtMs) return
  throw new NodeError('REFUSED_TOKEN_LIFE', 'a token outlives none that made it', {
    next: `ask for ${endsAtMs - nowMs} ms at most, or for no ttlMs: it ends with yours`,
  })
}

const shown = ({
  id,
  label,
  scope,
  createdAtMs,
  expiresAtMs,
  madeBy,
}: Credential): AccessToken => ({
  ...{ id, label, scope, createdAtMs, expiresAtMs, madeBy: madeBy ?? null },
})
