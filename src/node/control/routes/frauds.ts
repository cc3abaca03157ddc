import type { FastifyInstance } from 'fastify'
import { type FraudAnswer, scoreRoutes } from '../../../api/scores.ts'
import { messageOf, NodeError } from '../../../errors.ts'
import { type Fraud, fraudCodec } from '../../../protocols/fraud.ts'
import type { Frauds } from '../../fraud/fraud-book.ts'
import { addRoute } from '../add-route.ts'

interface Parts {
  readonly proving?: { readonly frauds: Frauds } | undefined
}

/** `POST /v1/frauds`: verifies, signs, keeps and gossips a proof of fraud; FAILED_FRAUD says why it is not believed. */
export function fraudsRoute(app: FastifyInstance, { proving }: Parts): void {
  addRoute(app, scoreRoutes.publishFraud, async ({ body }): Promise<FraudAnswer> => {
    if (proving === undefined) {
      throw new NodeError('REFUSED_NO_CHAIN', 'this node knows no testimony: it asks no chain', {
        next: 'give --chain URL, or hand the proof to a validator or miner',
      })
    }
    const verdict = await proving.frauds.publish(fraudIn(body.base64))
    if (verdict === 'accept') return { outcome: 'published' }
    const why = 'ignore' in verdict ? verdict.ignore : verdict.reject
    if (why === 'one of its place is known') return { outcome: 'known' }
    throw new NodeError('FAILED_FRAUD', `the proof is not believed: ${why}`, {
      next: 'a proof is believed within a day, once a validator has testified about the device',
    })
  })
}

function fraudIn(base64: string): Fraud {
  try {
    return fraudCodec.decode(new Uint8Array(Buffer.from(base64, 'base64')))
  } catch (cause) {
    throw new NodeError('BAD_MESSAGE_FRAUD', `no proof of fraud: ${messageOf(cause)}`, { cause })
  }
}
