import type { NowMs } from '../clock.ts'
import { NodeError } from '../errors.ts'
import { transcriptId } from '../gpu/transcript.ts'
import type { TranscriptChunk } from '../protocols/transcript.ts'
import { CHUNK_BYTES } from '../protocols/transcript.ts'
import { GiB, hoursMs } from '../units.ts'
import type { Store } from './store.ts'

/**
 * Transcripts by content id, kept for a day (gpu-proof §5) within a byte budget, of which each miner has its share: who
 * fills most of it loses its own oldest first, so nobody pushes out another's.
 */
export interface TranscriptStore {
  /** Keeps a transcript that a miner opened, by its hotkey in hex; this node's own by default. Resolves with its id. */
  put(content: Uint8Array, miner?: string): Promise<Uint8Array>
  get(id: Uint8Array): Promise<Uint8Array | undefined>
  /** One chunk; NOTHING_MATCHED_TRANSCRIPT for an unknown id or an offset beyond the end. */
  chunk(id: Uint8Array, offset: number): Promise<TranscriptChunk>
  /** Forgets what is older than a day, and beyond the budget the oldest of the miner that fills most of it. */
  sweep(): Promise<void>
}

const KEPT_MS = hoursMs(24)
const BUDGET_BYTES = 2 * GiB

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** One miner's hold on a transcript. */
interface Kept {
  readonly place: string
  readonly ms: number
  readonly id: string
  readonly miner: string
  readonly bytes: number
}

/**
 * Opens the store's transcripts. Index keys are `<padded ms>/<id>/<miner>` with the size as value, in the order of time.
 * Content that two miners opened stays as long as either holds it: else one could show another's as its own, and have
 * it forgotten with its own.
 */
export function createTranscriptStore(
  store: Store,
  nowMs: NowMs,
  { keptMs = KEPT_MS, budgetBytes = BUDGET_BYTES } = {},
): TranscriptStore {
  const contents = store.bucket('transcripts')
  const times = store.bucket('transcript-times')
  /** The one asked for last: it is asked for chunk after chunk. */
  let last: { readonly id: string; readonly content: Uint8Array } | undefined

  const find = async (key: string): Promise<Uint8Array | undefined> => {
    if (last?.id === key) return last.content
    const content = await contents.get(key)
    if (content !== undefined) last = { id: key, content }
    return content
  }

  async function held(): Promise<Kept[]> {
    const all: Kept[] = []
    for await (const [place, size] of times.iterator()) {
      const [ms = '', id = '', miner = ''] = place.split('/')
      all.push({ place, ms: Number(ms), id, miner, bytes: Number(Buffer.from(size).toString()) })
    }
    return all
  }

  return {
    async put(content, miner = '') {
      const id = transcriptId(content)
      const key = hex(id)
      const isKnown = (await contents.get(key)) !== undefined
      if (isKnown && (await held()).some((one) => one.id === key && one.miner === miner)) return id
      const place = `${String(nowMs()).padStart(15, '0')}/${key}/${miner}`
      await times.put(place, Buffer.from(String(content.length)))
      if (!isKnown) await contents.put(key, content)
      return id
    },
    get: (id) => find(hex(id)),
    async chunk(id, offset) {
      const content = await find(hex(id))
      if (content === undefined || offset >= content.length) {
        throw new NodeError('NOTHING_MATCHED_TRANSCRIPT', `no transcript ${hex(id).slice(0, 12)}`, {
          next: 'ask the miner or another validator of its slot',
        })
      }
      return { total: content.length, chunk: content.subarray(offset, offset + CHUNK_BYTES) }
    },
    async sweep() {
      const all = await held()
      const going = new Set(forgotten(all, { sinceMs: nowMs() - keptMs, budgetBytes }))
      const staying = new Set(all.filter((one) => !going.has(one)).map(({ id }) => id))
      for (const { place, id } of going) {
        if (!staying.has(id)) {
          if (last?.id === id) last = undefined
          await contents.del(id)
        }
        await times.del(place)
      }
    },
  }
}

/** What is kept too long, then the oldest of whoever fills most, until the rest fits. */
function forgotten(
  all: readonly Kept[],
  { sinceMs, budgetBytes }: { readonly sinceMs: number; readonly budgetBytes: number },
): Kept[] {
  const gone = all.filter(({ ms }) => ms < sinceMs)
  const byMiner = [...Map.groupBy(all.slice(gone.length), ({ miner }) => miner).values()].map(
    (own) => ({ own, bytes: bytesOf(own) }),
  )
  let total = byMiner.reduce((sum, { bytes }) => sum + bytes, 0)
  while (total > budgetBytes) {
    const largest = byMiner.reduce((a, b) => (b.bytes > a.bytes ? b : a))
    const oldest = largest.own.shift()!
    largest.bytes -= oldest.bytes
    total -= oldest.bytes
    gone.push(oldest)
  }
  return gone
}

const bytesOf = (all: readonly Kept[]): number => all.reduce((sum, { bytes }) => sum + bytes, 0)
