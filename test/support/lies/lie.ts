import { randomBytes } from 'node:crypto'
import type { Line } from '../../../src/gpu/slot.ts'
import type { ReasonCode } from '../../../src/node/scoring/reason-codes.ts'
import { createTestifier, type Testifier } from '../../../src/node/testifier.ts'
import type { TranscriptStore } from '../../../src/node/transcript-store.ts'
import { attestationsTopic, type VerdictRow } from '../../../src/protocols/attestations.ts'
import { topicName } from '../../../src/protocols/topic.ts'

/** What a lying validator is made of: that of an honest one, and what it knows. */
export type LiarParts = Parameters<typeof createTestifier>[0] & {
  readonly transcripts: Pick<TranscriptStore, 'get'>
}

/** Of whom it lies: an honest miner, and cheats that open a false value, or one under a bad path. */
export interface About {
  readonly rival: string
  readonly falseValue: string
  readonly badPath: string
}

/** One way in which a validator lies, and what must meet it. */
export interface Lie {
  readonly name: string
  readonly does: string
  /** Why its word does not count; undefined where it counts and gains nothing. */
  readonly reason: ReasonCode | undefined
  /** Whether the reason is told of one device's slot alone, or of all that it said in the slot. */
  readonly of: 'device' | 'slot'
  /** The verdict that it gives, and on whom; absent where it lies in its report alone. */
  readonly tells?: { readonly about: keyof About; readonly verdict: string }
  /** Speaks for a validator that is honest otherwise. */
  testifier(parts: LiarParts, about: About): Testifier
}

/** Bytes that nobody can know before. */
export const madeUp = (): Uint8Array => new Uint8Array(randomBytes(32))

/** An honest validator that says something else about its verdicts; `lines` is what it counted. */
export function sayingRows(
  parts: LiarParts,
  change: (row: VerdictRow, line: Line | undefined) => Promise<VerdictRow> | VerdictRow,
): Testifier {
  const honest = createTestifier(parts)
  const counted = new Map<number, readonly Line[]>()
  return {
    ...honest,
    commit(slot, lines) {
      counted.set(slot, lines)
      return honest.commit(slot, lines)
    },
    async verdicts(slot, rows, word) {
      const lineOf = ({ miner }: VerdictRow) => counted.get(slot)?.find((l) => l.miner === miner)
      const told = await Promise.all(rows.map((row) => change(row, lineOf(row))))
      return honest.verdicts(slot, told, word)
    },
  }
}

/** What every row names. */
export const namesOf = ({ miner, hotkey, gpu }: VerdictRow) => ({ miner, hotkey, gpu })

/** Signs nothing for it: says any record as its own, as honest nodes do. */
export async function say(
  { core, attestations }: LiarParts,
  record: Parameters<LiarParts['attestations']['keepOwn']>[0],
): Promise<void> {
  await attestations.keepOwn(record)
  await core.libp2p.services.gossip.publish(topicName(core.net, attestationsTopic), record.bytes)
}
