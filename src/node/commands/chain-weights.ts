import { createOutput } from '../output.ts'
import { withChain } from '../with-chain.ts'
import type { Run } from './command.ts'

/** One validator's weight for one uid, as `chain weights --json` prints it. */
export interface WeightRow {
  readonly validatorUid: number
  readonly validator: string
  readonly uid: number
  readonly hotkey: string
  /** Of 65535. */
  readonly weight: number
}

/** Lists the weights that validators have set, at the newest final block. */
export const chainWeights: Run = (context) =>
  withChain(context, async ({ chain, net }) => {
    const { neurons, block } = await chain.metagraph(net.netuid)
    const weights = await chain.weights(net.netuid, block)
    const hotkeyOf = (uid: number): string => neurons[uid]?.hotkey ?? ''
    const rows = [...weights]
      .sort(([a], [b]) => a - b)
      .flatMap(([validatorUid, row]) =>
        row.map(([uid, weight]): WeightRow => {
          const [validator, hotkey] = [hotkeyOf(validatorUid), hotkeyOf(uid)]
          return { validatorUid, validator, uid, hotkey, weight }
        }),
      )
    createOutput(context.terminal, context.config).list(rows, {
      id: ({ validatorUid, uid, weight }) => `${validatorUid} ${uid} ${weight}`,
      none: `no validator of subnet ${net.netuid} has set weights yet`,
      columns: [
        { title: 'VALIDATOR', value: ({ validatorUid }) => validatorUid, align: 'right' },
        { title: 'UID', value: ({ uid }) => uid, align: 'right' },
        { title: 'WEIGHT', value: ({ weight }) => weight, align: 'right' },
        { title: 'HOTKEY', value: ({ hotkey }) => hotkey, shrinks: true },
      ],
    })
    return 0
  })
