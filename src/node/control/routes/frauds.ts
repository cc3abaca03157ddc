import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { messageOf, NodeError } from '../../../errors.ts'
import { type Fraud, fraudCodec } from '../../../protocols/fraud.ts'
import type { Frauds } from '../../fraud/fraud-book.ts'

/** A proof of fraud as it is handed to a node: the payload's CBOR. */
export interface FraudDocument {
  readonly base64: string
}

/** What became of it. */
export interface FraudAnswer {
  readonly outcome: 'published' | 'known'
}

interface Parts {
  readonly proving?: { readonly frauds: Frauds } | undefined
}

const document = z.strictObject({ base64: z.base64().max(128 * 1024) })

/** `POST /v1/frauds`: verifies, signs, keeps and gossips a proof of fraud; FAILED_FRAUD says why it is not believed. */
export function fraudsRoute(app: FastifyInstance, { proving }: Parts): void {
  app.post('/v1/frauds', async ({ body }): Promise<FraudAnswer> => {
    if (proving === undefined) {
      throw new NodeError('REFUSED_NO_CHAIN', 'this node knows no testimony: it asks no chain', {
        next: 'give --chain URL, or hand the proof to a validator or miner',
      })
    }
    const verdict = await proving.frauds.publish(fraudIn(body))
    if (verdict === 'accept') return { outcome: 'published' }
    const why = 'ignore' in verdict ? verdict.ignore : verdict.reject
    if (why === 'one of its place is known') return { outcome: 'known' }
    throw new NodeError('FAILED_FRAUD', `the proof is not believed: ${why}`, {
      next: 'a proof is believed within a day, once a validator has testified about the device',
    })
  })
}

function fraudIn(body: unknown): Fraud {
  const parsed = document.safeParse(body)
  try {
    return fraudCodec.decode(new Uint8Array(Buffer.from(parsed.data?.base64 ?? '', 'base64')))
  } catch (cause) {
    throw new NodeError('BAD_MESSAGE_FRAUD', `no proof of fraud: ${messageOf(cause)}`, { cause })
  }
}
