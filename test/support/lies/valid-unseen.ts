import { type Lie, madeUp, sayingRows } from './lie.ts'

export const validUnseen: Lie = {
  name: 'valid-unseen',
  does: 'calls openings VALID without their bytes: its witness is made up',
  reason: 'FALSE_WITNESS',
  of: 'device',
  tells: { about: 'rival', verdict: 'VALID' },
  testifier: (parts, { rival }) =>
    sayingRows(parts, (row) =>
      row.miner === rival && row.verdict === 'VALID' ? { ...row, witness: madeUp() } : row,
    ),
}
