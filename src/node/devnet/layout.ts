import { join } from 'node:path'

export type DevnetRole = 'relay' | 'miner' | 'validator' | 'renter'

/** One process of a devnet: its name is its folder under `.devnet/` and its name in the narration. */
export interface Member {
  readonly name: string
  readonly role: DevnetRole
  readonly dataDir: string
}

export interface Layout {
  readonly root: string
  readonly chainDir: string
  /** Marks the folder as ours, so that what is in it may be removed. */
  readonly stateFile: string
  readonly members: readonly Member[]
}

/** Who takes part and where each keeps its state: one relay, miners, validators, one renter. */
export function devnetLayout(root: string, miners: number, validators: number): Layout {
  const member = (role: DevnetRole, name: string): Member => ({
    name,
    role,
    dataDir: join(root, name),
  })
  const several = (role: DevnetRole, count: number): Member[] =>
    Array.from({ length: count }, (_, i) => member(role, `${role}-${i + 1}`))
  return {
    root,
    chainDir: join(root, 'chain'),
    stateFile: join(root, 'devnet.json'),
    members: [
      member('relay', 'relay'),
      ...several('miner', miners),
      ...several('validator', validators),
      member('renter', 'renter'),
    ],
  }
}
