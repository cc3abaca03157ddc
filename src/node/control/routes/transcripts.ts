import type { FastifyInstance } from 'fastify'
import { scoreRoutes } from '../../../api/scores.ts'
import { codeOf, NodeError } from '../../../errors.ts'
import { slotNetworks } from '../../../gpu/slot-network.ts'
import type { Rpc } from '../../../protocols/rpc.ts'
import { MAX_TRANSCRIPT_BYTES } from '../../../protocols/transcript.ts'
import { KiB } from '../../../units.ts'
import type { Attestations } from '../../attestations.ts'
import type { Core } from '../../core.ts'
import { fetchTranscript } from '../../fetch-transcript.ts'
import type { TranscriptStore } from '../../transcript-store.ts'
import { addRoute, addStream } from '../add-route.ts'
import { createDownload } from '../download.ts'
import { rowsOf } from './attestations.ts'

/** What is handed to the connection at once. */
const PIECE_BYTES = 256 * KiB

interface Parts {
  readonly core: Pick<Core, 'log' | 'net'>
  readonly rpc: Pick<Rpc, 'ask'>
  readonly transcripts: TranscriptStore
  readonly proving?: { readonly attestations: Attestations } | undefined
}

/**
 * `GET /v1/transcripts/ID`: the proof behind a verdict, by its content id (its first 12 digits suffice for one that an
 * attestation names), from this node or from those who testified; NOTHING_MATCHED when nobody has it. `…/content` has its
 * bytes alone.
 */
export function transcriptsRoute(app: FastifyInstance, parts: Parts): void {
  const slots = slotNetworks[parts.core.net.network]
  const obtain = async (named: string) => {
    const asked = named.toLowerCase()
    const rows = parts.proving === undefined ? [] : rowsOf(parts.proving.attestations, slots)
    const attested = rows.filter(({ transcript }) => transcript?.startsWith(asked))
    const id = asked.length === 64 ? asked : attested[0]?.transcript
    if (!/^[0-9a-f]{12,64}$/.test(asked) || id === undefined || id === null) throw unknown(asked)
    const peers = new Set(attested.flatMap(({ miner, validator }) => [validator, miner]))
    return { id, content: await find(parts, Buffer.from(id, 'hex'), peers) }
  }
  addRoute(app, scoreRoutes.getTranscript, async ({ params }) => {
    const { id, content } = await obtain(params.id)
    return { id, base64: Buffer.from(content).toString('base64') }
  })
  addStream(app, scoreRoutes.readTranscript, async ({ params, signal }, _, reply) => {
    const { id, content } = await obtain(params.id)
    const name = `${id.slice(0, 12)}.transcript`
    const download = createDownload(reply, { name, bytes: content.length, signal })
    try {
      for (let at = 0; at < content.length; at += PIECE_BYTES) {
        await download.write(content.subarray(at, at + PIECE_BYTES))
      }
      await download.end()
    } catch (error) {
      download.fail(error)
    }
  })
}

async function find(
  { core, rpc, transcripts }: Parts,
  id: Uint8Array,
  peers: ReadonlySet<string>,
): Promise<Uint8Array> {
  const own = await transcripts.get(id)
  if (own !== undefined) return own
  const signal = AbortSignal.timeout(30_000)
  for (const peer of peers) {
    try {
      return await fetchTranscript(rpc, { peer, id, maxBytes: MAX_TRANSCRIPT_BYTES }, signal)
    } catch (error) {
      core.log.debug('transcript-not-fetched', { peer, code: codeOf(error) })
    }
  }
  throw unknown(Buffer.from(id).toString('hex'))
}

const unknown = (id: string): NodeError =>
  new NodeError('NOTHING_MATCHED', `no transcript ${id} is found`, {
    next: 'compute-node attestations lists those that verdicts rest on; they are kept for a day',
  })
