import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { proofRoutes } from '../../../api/proofs.ts'
import { NodeError } from '../../../errors.ts'
import type { LookThread } from '../../look-thread.ts'
import { addStream } from '../add-route.ts'
import { uploaded } from '../uploaded.ts'

/** `POST /v1/transcripts/verify` and `POST /v1/receipts/verify`: what a file shows by its bytes alone. */
export function proofsRoute(app: FastifyInstance, { look }: { readonly look: LookThread }): void {
  addStream(app, proofRoutes.verifyTranscript, (_, request, reply) =>
    answered(reply, async () => {
      const found = await look.transcript(() => bodyOf(request))
      if (found.verdict === 'BAD_SHAPE') throw unread('TRANSCRIPT', 'transcript', found.reason)
      return found
    }),
  )
  addStream(app, proofRoutes.verifyReceipts, (_, request, reply) =>
    answered(reply, async () => {
      const found = await look.evidence(() => bodyOf(request))
      const [file] = found.checks
      if (file?.ok === false) throw unread('EVIDENCE', "file of a lease's receipts", file.detail)
      return found
    }),
  )
}

const bodyOf = ({ body, headers }: FastifyRequest): Promise<Uint8Array> =>
  uploaded(body, headers['content-length'])

async function answered(reply: FastifyReply, work: () => Promise<unknown>): Promise<FastifyReply> {
  try {
    return reply.send(await work())
  } catch (error) {
    reply.header('connection', 'close') // what is left of the body is not read
    throw error
  }
}

const unread = (code: 'TRANSCRIPT' | 'EVIDENCE', what: string, why: string): NodeError =>
  new NodeError(`BAD_MESSAGE_${code}`, `this is no ${what}: ${why}`, {
    next: 'send the file as it is, as application/octet-stream',
  })
