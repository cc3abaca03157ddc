import { z } from 'zod'
import { address, listOf, peerId, whole } from '../../api/common.ts'
import type { BoundPeerRow } from '../commands/chain-bind-list.ts'
import type { Outputs } from './output.ts'

const bound = z.strictObject({
  peerId,
  hotkey: address,
  seq: whole,
  expiresAtBlock: whole,
})

const boundPeer: z.ZodType<BoundPeerRow> = z.strictObject({
  peerId,
  seq: whole,
  expiresAtBlock: whole,
  expired: z.boolean(),
})

const sheet = z.strictObject({
  hotkey: address,
  peers: z.array(peerId).describe('all that it binds now, or once a prepared one is committed'),
  file: z.string().describe('where this machine keeps the text'),
  text: z.string().describe('what each of them takes with chain bind accept'),
})

/** What `chain bind` prints. */
export const bindOutputs: Outputs = {
  'chain bind': { describe: 'the binding', schema: bound },
  'chain bind request': {
    describe: 'the request',
    schema: bound.extend({ text: z.string().describe('what chain bind add takes') }),
  },
  'chain bind add': { describe: 'the file for the nodes', schema: sheet },
  'chain bind remove': { describe: 'the file for the nodes that are left', schema: sheet },
  'chain bind accept': {
    describe: 'the binding',
    schema: bound.extend({
      held: z.boolean().describe('false for one that was prepared and is not committed yet'),
    }),
  },
  'chain bind list': { describe: 'a list', schema: listOf(boundPeer) },
}
