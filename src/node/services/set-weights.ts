import type { Chain, Neuron, PendingReveal, WeightRow } from '../../chain/chain.ts'
import type { Hotkey } from '../../chain/keys.ts'
import { every } from '../../clock.ts'
import { codeOf, messageOf } from '../../errors.ts'
import { secondsMs } from '../../units.ts'
import type { ChainLink } from '../chain-link.ts'
import type { ChainView } from '../chain-view.ts'
import type { Core } from '../core.ts'
import type { Scores } from '../scores.ts'
import { uidWeights } from '../scoring/uid-weights.ts'
import type { Service } from '../service.ts'

interface Parts {
  readonly core: Core
  readonly chainLink: ChainLink
  readonly chainView: ChainView
  readonly scores: Scores
  /** This validator's hotkey. */
  readonly hotkey: () => Promise<Hotkey>
}

const TURN_MS = { local: secondsMs(1), test: secondsMs(12), finney: secondsMs(12) } as const

/** Sets this validator's weights once per epoch, from the scores of that moment; what it cannot do it says and tries again. */
export const setWeights = (parts: Parts): Service => {
  const { core, chainLink, chainView, scores } = parts
  const { net, log, events, peerId, store } = core
  const bucket = store.bucket('weights')
  let told = ''

  /** Says why nothing is sent, once per epoch and reason. */
  function skip(epoch: number, reason: string): void {
    if (told === `${epoch}/${reason}`) return
    told = `${epoch}/${reason}`
    log.info('weights-skipped', { epoch, reason })
    events.emit('weights-skipped', { epoch, reason })
  }

  async function doneEpoch(): Promise<number> {
    const known = await bucket.get('epoch')
    return known === undefined ? -1 : Number(Buffer.from(known).toString())
  }

  async function turn(): Promise<void> {
    const chain = chainLink.current()
    const snapshot = chainView.snapshot()
    const me = chainView.neuronOf(peerId)
    if (chain === undefined || snapshot === undefined) return
    const epoch = snapshot.epoch.index
    if ((await doneEpoch()) >= epoch) return
    if (me === undefined) return skip(epoch, 'this PeerId is bound to no registered hotkey')
    if (!me.validatorPermit) return skip(epoch, 'the hotkey has no validator permit')
    const decided = uidWeights(scores.current(), snapshot.metagraph.neurons, undefined)
    if (decided.kind === 'none') return skip(epoch, decided.reason)
    await send(chain, me, epoch, decided.byUid)
  }

  async function send(
    chain: Chain,
    me: Neuron,
    epoch: number,
    byUid: ReadonlyMap<number, number>,
  ): Promise<void> {
    const hotkey = await parts.hotkey()
    try {
      const outcome = await chain.submitWeights(net.netuid, hotkey, byUid, { keep: keepReveal })
      if (outcome.kind === 'skipped') return skip(epoch, outcome.reason)
      // Written after the chain took them: a crash in between sends the same weights again, which changes nothing.
      await bucket.put('epoch', Buffer.from(String(epoch)))
      const weights = textOf(outcome.weights)
      log.info('weights-set', { epoch, uid: me.uid, weights })
      events.emit('weights-set', { epoch, uid: me.uid, weights, kind: outcome.kind })
    } catch (error) {
      log.warn('weights-not-set', { epoch, code: codeOf(error), reason: messageOf(error) })
      events.emit('weights-not-set', { epoch, code: codeOf(error), reason: messageOf(error) })
    }
  }

  /** Before a commit is sent, so that a crash does not lose what must be revealed. */
  async function keepReveal(reveal: PendingReveal): Promise<void> {
    await bucket.put(`reveal/${reveal.committedAt}`, Buffer.from(JSON.stringify(reveal)))
  }

  async function revealDue(): Promise<void> {
    const chain = chainLink.current()
    const epoch = chainView.snapshot()?.epoch.index
    if (chain === undefined || epoch === undefined) return
    for await (const [key, bytes] of bucket.iterator({ gte: 'reveal/', lt: 'reveal0' })) {
      const reveal = JSON.parse(Buffer.from(bytes).toString()) as PendingReveal
      if (epoch <= reveal.committedAt) continue
      await chain.revealWeights(await parts.hotkey(), reveal)
      await bucket.del(key)
      events.emit('weights-revealed', { epoch, committedAt: reveal.committedAt })
    }
  }

  return {
    name: 'set-weights',
    async start(signal) {
      const options = { signal, log, name: 'set-weights' }
      void every(TURN_MS[net.network], options, turn)
      void every(TURN_MS[net.network], { ...options, name: 'reveal-weights' }, revealDue)
    },
  }
}

const textOf = (row: WeightRow): string => row.map(([uid, weight]) => `${uid}:${weight}`).join(' ')
