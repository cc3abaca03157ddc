import type { NowMs } from '../clock.ts'
import { NodeError } from '../errors.ts'
import { transcriptId } from '../gpu/transcript.ts'
import type { TranscriptChunk } from '../protocols/transcript.ts'
import { CHUNK_BYTES } from '../protocols/transcript.ts'
import { GiB, hoursMs } from '../units.ts'
import type { Store } from './store.ts'

/** Transcripts by content id, kept for a day (gpu-proof §5) within a byte budget. */
export interface TranscriptStore {
  /** Keeps a transcript; resolves with its id. */
  put(content: Uint8Array): Promise<Uint8Array>
  get(id: Uint8Array): Promise<Uint8Array | undefined>
  /** One chunk; NOTHING_MATCHED_TRANSCRIPT for an unknown id or an offset beyond the end. */
  chunk(id: Uint8Array, offset: number): Promise<TranscriptChunk>
  /** Forgets what is older than a day or beyond the budget, oldest first. */
  sweep(): Promise<void>
}

const KEPT_MS = hoursMs(24)
const BUDGET_BYTES = 2 * GiB

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Opens the store's transcripts. Index keys are `<padded ms>/<id>` with the size as value, in the order of time. */
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

  return {
    async put(content) {
      const id = transcriptId(content)
      const key = hex(id)
      if ((await contents.get(key)) !== undefined) return id
      const time = `${String(nowMs()).padStart(15, '0')}/${key}`
      await times.put(time, Buffer.from(String(content.length)))
      await contents.put(key, content)
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
      const sizes: { time: string; bytes: number }[] = []
      for await (const [time, size] of times.iterator()) {
        sizes.push({ time, bytes: Number(Buffer.from(size).toString()) })
      }
      let total = sizes.reduce((sum, { bytes }) => sum + bytes, 0)
      for (const { time, bytes } of sizes) {
        const [ms = '', key = ''] = time.split('/')
        if (total <= budgetBytes && Number(ms) >= nowMs() - keptMs) return
        if (last?.id === key) last = undefined
        await contents.del(key)
        await times.del(time)
        total -= bytes
      }
    },
  }
}
