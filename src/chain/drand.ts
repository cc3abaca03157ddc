import { z } from 'zod'
import { deadline } from '../clock.ts'
import { messageOf, NodeError } from '../errors.ts'
import { KiB } from '../units.ts'

/** The chain hash of drand quicknet: what its servers call it, and what commits to its key, period and genesis. */
export const QUICKNET_CHAIN_HASH =
  '52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971'

/** One round's answer is about 200 bytes. */
const MAX_BYTES = 4 * KiB
/** Nothing waits for a round of the past. */
const PAST_TIMEOUT_MS = 5_000

/** The round of `GET /<chain hash>/public/<round>`; its randomness is derived from the signature, not believed. */
const answer = z.looseObject({
  round: z.int().min(1),
  signature: z.string().regex(/^[0-9a-fA-F]{96}$/),
})

export interface RoundAsked {
  /** Base address of a server, without the chain hash. */
  readonly url: string
  readonly chainHash: string
  readonly round: number
  readonly timeoutMs: number
}

/**
 * Asks one drand server for one round; resolves with its signature, 48 B, which nobody has verified yet.
 * @throws CHAIN_BEACON_EARLY when the server does not have the round yet; CHAIN_BEACON_UNREACHABLE when it does not
 *   answer in time or answers with an error; CHAIN_BEACON_BAD when it answers something else than that round
 */
export async function fetchRound(asked: RoundAsked, signal: AbortSignal): Promise<Uint8Array> {
  const { url, chainHash, round, timeoutMs } = asked
  using limit = deadline(signal, timeoutMs)
  const text = await fetchText(`${url}/${chainHash}/public/${round}`, limit.signal)
  const told = answer.safeParse(parsed(text))
  if (!told.success) throw bad(url, 'is no round of a beacon')
  if (told.data.round !== round) throw bad(url, `is round ${told.data.round}, not ${round}`)
  return new Uint8Array(Buffer.from(told.data.signature, 'hex'))
}

/** Asks one server after another for a round of the past; resolves undefined when none has it. Never throws but on abort. */
export async function fetchPastRound(
  { urls, chainHash, round }: Omit<RoundAsked, 'url' | 'timeoutMs'> & { urls: readonly string[] },
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  for (const url of urls) {
    try {
      return await fetchRound({ url, chainHash, round, timeoutMs: PAST_TIMEOUT_MS }, signal)
    } catch {
      signal.throwIfAborted() // else this server does not help: the next one is asked
    }
  }
  return undefined
}

async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  const { origin } = new URL(url)
  let response: Response
  try {
    response = await fetch(url, { signal, redirect: 'error' })
    if (response.ok) return await limitedText(response, origin)
  } catch (cause) {
    if (cause instanceof NodeError) throw cause
    // fetch itself says only that it failed; why stands underneath.
    const why = messageOf((cause as Error).cause ?? cause)
    throw new NodeError('CHAIN_BEACON_UNREACHABLE', `${origin} does not answer: ${why}`, { cause })
  }
  await response.body?.cancel()
  const { status } = response
  if (status === 404 || status === 425) {
    throw new NodeError('CHAIN_BEACON_EARLY', `${origin} does not have this round yet`)
  }
  throw new NodeError('CHAIN_BEACON_UNREACHABLE', `${origin} answered ${status}`)
}

async function limitedText(response: Response, origin: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > MAX_BYTES) throw bad(origin, `has more than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // no JSON: the schema refuses it
  }
}

const bad = (url: string, what: string): NodeError =>
  new NodeError('CHAIN_BEACON_BAD', `the answer of ${url} ${what}`)
