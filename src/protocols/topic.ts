import type { GossipSub } from '@chainsafe/libp2p-gossipsub'
import { TopicValidatorResult } from '@chainsafe/libp2p-gossipsub'
import { codeOf, messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { GossipVerdict } from '../metrics.ts'
import type { Codec } from './codec.ts'
import { type Network, wireName } from './network.ts'
import { openRecord, peekRecord, type RecordType, type Signed } from './signed.ts'

/**
 * accept: deliver and forward. ignore: drop quietly (clock, chain view, store, unknown version; sync repairs it).
 * reject: drop and lower the sender's score, only for what the bytes alone prove bad.
 */
export type Verdict = 'accept' | { readonly ignore: string } | { readonly reject: string }

/** One kind of record that a topic carries. */
export interface RecordKind<T> {
  readonly type: RecordType
  readonly codec: Codec<T>
  /** What the bytes alone prove, without clock, chain or store. */
  check(record: Signed<T>): Verdict
}

/** A gossip topic: everything two peers must agree on. */
export interface Topic {
  /** The middle of its wire name, e.g. `offers`. */
  readonly name: string
  readonly maxBytes: number
  readonly score: { readonly weight: number; readonly expectedPerMinute: number }
}
export const defineTopic = (topic: Topic): Topic => Object.freeze(topic)
export const topicName = (net: Network, topic: Topic): string => wireName(net, topic.name)

/** A kind together with what this node does with a good record of it. */
export interface Admission {
  readonly kind: RecordKind<unknown>
  readonly admit: (record: Signed<unknown>, from: string) => Verdict | Promise<Verdict>
}

/** Binds a kind to its admission, keeping both typed alike. */
export const admits = <T>(
  kind: RecordKind<T>,
  admit: (record: Signed<T>, from: string) => Verdict | Promise<Verdict>,
): Admission => ({ kind, admit }) as Admission

export interface ListenOptions {
  readonly net: Network
  readonly log: Log
  readonly signal: AbortSignal
  /** True for a record already handled: it is dropped without verifying its signature again. */
  readonly known: (id: Uint8Array) => boolean
  readonly onDropped?: (topic: string, verdict: Exclude<Verdict, 'accept'>) => void
  /** Told of every message of the topic once it is judged. */
  readonly onJudged?: ((topic: string, verdict: GossipVerdict) => void) | undefined
}

/** Judges every message of a topic once and hands good records to their admission, until `signal` aborts. */
export function listenTopic(
  gossip: GossipSub,
  topic: Topic,
  admissions: readonly Admission[],
  options: ListenOptions,
): void {
  const judgeBytes = (data: Uint8Array, from: string) =>
    judge(topic, admissions, data, from, options)
  listenRaw(gossip, topic, judgeBytes, options)
}

/** Judges every message of a topic that carries no signed records, until `signal` aborts; sizes are checked here. */
export function listenRaw(
  gossip: GossipSub,
  topic: Topic,
  judgeBytes: (data: Uint8Array, from: string) => Verdict | Promise<Verdict>,
  { net, log, signal, onDropped, onJudged }: Omit<ListenOptions, 'known'>,
): void {
  const name = topicName(net, topic)
  gossip.topicValidators.set(name, async (from, { data }) => {
    const tooLarge = data.length > topic.maxBytes
    const verdict = tooLarge ? TOO_LARGE : await judgeBytes(data, from.toString())
    onJudged?.(topic.name, spoken(verdict))
    if (verdict === 'accept') return TopicValidatorResult.Accept
    onDropped?.(topic.name, verdict)
    log.debug('gossip-dropped', { topic: topic.name, from: from.toString(), ...verdict })
    return 'ignore' in verdict ? TopicValidatorResult.Ignore : TopicValidatorResult.Reject
  })
  gossip.subscribe(name)
  signal.addEventListener(
    'abort',
    () => {
      gossip.unsubscribe(name)
      gossip.topicValidators.delete(name)
    },
    { once: true },
  )
}

function spoken(verdict: Verdict): GossipVerdict {
  if (verdict === 'accept') return 'accepted'
  return 'ignore' in verdict ? 'ignored' : 'rejected'
}

const TOO_LARGE: Verdict = { reject: 'too large' }

type JudgeOptions = Pick<ListenOptions, 'net' | 'known'>

/** The verdict on untrusted bytes; also what `sync` runs on records it fetched. */
export async function judge(
  topic: Topic,
  admissions: readonly Admission[],
  data: Uint8Array,
  from: string,
  { net, known }: JudgeOptions,
): Promise<Verdict> {
  if (data.length > topic.maxBytes) return TOO_LARGE
  let record: Signed<unknown>
  let admission: Admission | undefined
  try {
    const raw = peekRecord(net, data)
    if (known(raw.id)) return { ignore: 'known' }
    admission = admissions.find(({ kind }) => kind.type === raw.type)
    if (admission === undefined) return { ignore: `record type ${raw.type} is not known here` }
    record = openRecord(net, admission.kind.type, admission.kind.codec, data)
  } catch (error) {
    if (codeOf(error) === 'BAD_MESSAGE_VERSION') return { ignore: messageOf(error) }
    return { reject: messageOf(error) }
  }
  const verdict = admission.kind.check(record)
  return verdict === 'accept' ? admission.admit(record, from) : verdict
}
