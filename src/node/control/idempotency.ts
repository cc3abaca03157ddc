import { createHmac, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { NowMs } from '../../clock.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { hoursMs, KiB } from '../../units.ts'
import { createLocks } from '../leases/locks.ts'
import { toJson } from '../output.ts'

/** More requests than anybody repeats, and longer than anybody waits; the oldest are forgotten. */
export const MAX_KEYS = 10_000
export const KEPT_MS = hoursMs(24 * 7)
/** Longer answers are not kept: what they tell of knows its key itself, as leases do. */
const MAX_ANSWER = 64 * KiB
/** As long as a lease's record keeps one. */
const MAX_KEY_LENGTH = 128

/** Where keys are kept: a bucket of the node's store. */
export interface KeyBucket {
  get(key: string): Promise<Uint8Array | undefined>
  put(key: string, value: Uint8Array): Promise<void>
  del(key: string): Promise<void>
  iterator(): { all(): Promise<[string, Uint8Array][]> }
}

/** One key as it is kept: what was asked for under it, and what that came to once it was done. */
const kept = z.object({ digest: z.string(), atMs: z.number(), answer: z.string().exactOptional() })
type Kept = z.infer<typeof kept>

/** What was asked for under which idempotency key, and what was answered. */
export interface Idempotency {
  /**
   * Does `work` once for a key: repeated, also after a restart, it answers what was answered. Work that failed is done
   * again. Before work begins the key stands on disk.
   * @throws BAD_MESSAGE_IDEMPOTENCY when something else was asked for under this key, or it is too long
   */
  once<T>(
    key: string,
    request: { readonly path: string; readonly body: unknown },
    work: () => T | Promise<T>,
  ): Promise<T>
}

export interface IdempotencyNeeds {
  /** Absent: nothing outlives the server. */
  readonly bucket?: KeyBucket | undefined
  /** Digests are made with it: a body may hold a password, and nothing that is kept shall tell one. */
  readonly secret?: Uint8Array | undefined
  readonly log: Log
  readonly nowMs?: NowMs
}

export function createIdempotency(needs: IdempotencyNeeds): Idempotency {
  const { bucket = inMemory(), secret = randomBytes(32), log, nowMs = Date.now } = needs
  const locks = createLocks()
  let loading: Promise<Map<string, number>> | undefined
  /** When each key was first used, the oldest first. */
  const ages = (): Promise<Map<string, number>> => {
    loading ??= load(bucket).catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }

  async function remember(key: string, one: Kept): Promise<void> {
    const known = await ages()
    if (known.get(key) !== one.atMs) {
      known.delete(key) // what is used anew is young again
      known.set(key, one.atMs)
    }
    await bucket.put(key, Buffer.from(JSON.stringify(one)))
    for (const [old, atMs] of known) {
      if (known.size <= MAX_KEYS && atMs > nowMs() - KEPT_MS) break
      known.delete(old)
      await bucket.del(old)
    }
  }

  return {
    once: (key, request, work) =>
      locks.run(key, async () => {
        if (key.length > MAX_KEY_LENGTH) {
          throw refused(`an idempotency key has ${MAX_KEY_LENGTH} characters at most`)
        }
        const asked = toJson([request.path, inOrder(request.body)])
        const digest = createHmac('sha256', secret).update(asked).digest('hex')
        await ages()
        const stored = readKept(await bucket.get(key))
        const before = stored === undefined || stored.atMs <= nowMs() - KEPT_MS ? undefined : stored
        if (before !== undefined && before.digest !== digest) {
          throw refused('something else was asked for under this idempotency key')
        }
        if (before?.answer !== undefined) return JSON.parse(before.answer)
        const one = before ?? { digest, atMs: nowMs() }
        if (before === undefined) await remember(key, one)
        const done = await work()
        const answer = toJson(done)
        // What was spent is spent, whether or not it can be written down.
        if (answer.length <= MAX_ANSWER) {
          await remember(key, { ...one, answer }).catch((error: unknown) =>
            log.warn('answer-not-kept', { code: codeOf(error), reason: messageOf(error) }),
          )
        }
        return done
      }),
  }
}

async function load(bucket: KeyBucket): Promise<Map<string, number>> {
  const all = await bucket.iterator().all()
  const ages = all.map(([key, value]) => [key, readKept(value)?.atMs ?? 0] as const)
  return new Map(ages.toSorted(([, a], [, b]) => a - b))
}

/** Undefined for what cannot be read: written by another version. */
function readKept(value: Uint8Array | undefined): Kept | undefined {
  if (value === undefined) return undefined
  try {
    return kept.parse(JSON.parse(Buffer.from(value).toString()))
  } catch {
    return undefined
  }
}

function inMemory(): KeyBucket {
  const all = new Map<string, Uint8Array>()
  return {
    get: async (key) => all.get(key),
    put: async (key, value) => void all.set(key, value),
    del: async (key) => void all.delete(key),
    iterator: () => ({ all: async () => [...all] }),
  }
}

const refused = (message: string): NodeError =>
  new NodeError('BAD_MESSAGE_IDEMPOTENCY', message, {
    next: 'give each request a key of its own, and repeat it with the same body',
  })

/** The same whatever the order of an object's fields. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return fields.map(([name, field]) => [name, inOrder(field)])
}
