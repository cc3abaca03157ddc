import type { ScoreDetail, ScoreRow } from '../../api/scores.ts'
import { NodeError } from '../../errors.ts'
import { createOutput, renderTable } from '../output.ts'
import { median } from '../scoring/gpu-score.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'

/** Shows the score of a miner, with every term when asked to explain; of all miners when none is named. */
export const score: Run = (context) =>
  withNode(context, async (client) => {
    const { args, config, terminal, signal } = context
    const output = createOutput(terminal, config)
    const [peer] = args
    if (peer === undefined) {
      if (config.explain) {
        throw new NodeError('BAD_CONFIG_USAGE', '--explain needs a PEER', {
          next: 'compute-node score lists whose scores are known',
        })
      }
      const { items } = await client.get<{ items: ScoreRow[] }>('/v1/scores', signal)
      output.list(items, { id: ({ hotkey }) => hotkey, none: 'no score is known yet', columns })
      return items.length === 0 ? 3 : 0
    }
    const path = `/v1/scores/${encodeURIComponent(peer)}`
    const detail = await client.get<ScoreDetail>(path, signal)
    output.value(detail, () => (config.explain ? explain(detail) : summary(detail)), detail.hotkey)
    return 0
  })

const columns = [
  { title: 'SCORE', value: ({ score: s }: ScoreRow) => s.toFixed(6), align: 'right' },
  { title: 'WEIGHT', value: ({ weight }: ScoreRow) => weight.toFixed(6), align: 'right' },
  { title: 'RELIABILITY', value: (row: ScoreRow) => row.reliability.toFixed(3), align: 'right' },
  { title: 'REASON', value: ({ reason }: ScoreRow) => reason },
  { title: 'HOTKEY', value: ({ hotkey }: ScoreRow) => hotkey.slice(0, 16) },
  { title: 'PEER', value: ({ miners }: ScoreRow) => miners.join(' '), shrinks: true },
] as const

const summary = (detail: ScoreDetail): string =>
  `${detail.score.toFixed(6)} ${detail.reason} (reliability ${detail.reliability.toFixed(3)}, slots ${detail.from} to ${detail.to})`

const UNREGISTERED =
  'no weight without a registered hotkey: register it, or wait until this node has read the block with it'

/** Every term of every device: they multiply to its score, and the scores add up to the miner's. */
function explain(detail: ScoreDetail): string {
  return [
    `hotkey ${detail.hotkey}`,
    ...detail.gpus.flatMap((gpu) => ['', ...explainGpu(gpu)]),
    '',
    `score ${detail.score.toFixed(6)}: the sum over ${detail.gpus.length} device(s); weight ${detail.weight.toFixed(6)}; ${detail.reason}`,
    ...(detail.reason === 'UNREGISTERED' ? [UNREGISTERED] : []),
    `slots ${detail.from} to ${detail.to}; constants ${detail.constantsHash}`,
    ...detail.ignored.slice(-SHOWN_IGNORED).map(toldIgnored),
  ].join('\n')
}

function explainGpu(gpu: ScoreDetail['gpus'][number]): string[] {
  const rows = renderTable(gpu.terms, [
    { title: 'TERM', value: ({ name }) => name },
    { title: 'VALUE', value: ({ value }) => value.toFixed(6), align: 'right' },
    { title: 'REASON', value: ({ reason }) => reason },
    { title: 'BECAUSE', value: ({ detail }) => detail },
  ])
  const { ok, failed, unknown } = gpu
  const slots = `${ok} ok, ${failed} failed, ${unknown} unknown of ${gpu.slots.length} slots`
  return [
    `${gpu.gpu} of ${gpu.miner}: ${slots}`,
    ...rows.map((row) => `  ${row}`),
    `  = ${gpu.score.toFixed(6)}`,
    ...raisesOf(gpu),
    ...localityOf(gpu),
    ...gpu.slots
      .flatMap(({ slot, ignored = [] }) => ignored.map((one) => ({ slot, ...one })))
      .slice(-SHOWN_IGNORED)
      .map((one) => `  ${toldIgnored(one)}`),
  ]
}

/** What each term costs, and what would raise it. */
function raisesOf({ terms }: ScoreDetail['gpus'][number]): string[] {
  const causes = terms.flatMap(({ name, causes: own }) => own.map((one) => ({ name, ...one })))
  if (causes.length === 0) return []
  const rows = renderTable(causes, [
    { title: 'TERM', value: ({ name }) => name },
    { title: 'COSTS', value: ({ lost }) => lost.toFixed(6), align: 'right' },
    { title: 'SLOTS', value: ({ slots }) => String(slots), align: 'right' },
    { title: 'REASON', value: ({ reason }) => reason },
    { title: 'WHAT WOULD RAISE IT', value: ({ raise }) => raise },
  ])
  return ['', ...rows.map((row) => `  ${row}`)]
}

/** Of words that did not count the newest are shown. */
const SHOWN_IGNORED = 8

const toldIgnored = ({ slot, validator, reason }: ScoreDetail['ignored'][number]): string =>
  `not counted in slot ${slot}: ${validator.slice(0, 16)}, ${reason}`

/** How near its memory is, where that was measured: for information. */
function localityOf({ slots, ok }: ScoreDetail['gpus'][number]): string[] {
  const measured = slots.flatMap(({ nsPerHop }) => nsPerHop ?? [])
  if (measured.length === 0) return []
  const figure = `median ${median(measured).toFixed(1)} ns per hop in ${measured.length} of ${ok} ok slots`
  return [`  locality: ${figure}; the score does not rest on it`]
}
