import { mkdir } from 'node:fs/promises'
import { Level } from 'level'
import { messageOf, NodeError } from '../../errors.ts'
import type { Header } from './header.ts'
import type { Changes } from './versioned-state.ts'

/** A block as it is stored and served. */
export interface Block {
  readonly hash: string
  readonly header: Header
  /** Signed transactions in hex. */
  readonly extrinsics: readonly string[]
}

/** Blocks whose bodies are kept, as the runtime's BlockHashCount says. */
export const KEEP_BLOCKS = 2400

/** What survives a restart: the newest state, recent blocks, the ledger, and how the chain was made. */
export interface ChainStore {
  /** Undefined in a fresh folder. */
  origin(): Promise<Origin | undefined>
  begin(origin: Origin, genesis: Block, changes: Changes): Promise<void>
  /** The newest blocks, oldest first. */
  blocks(): Promise<Block[]>
  state(): Promise<[string, string][]>
  /** One block and its changes at once, on disk before it is shown to anyone. */
  append(block: Block, changes: Changes): Promise<void>
  ledger(): Promise<[string, string][]>
  /** Accounts and escrows by key, all or none. */
  putLedger(entries: readonly (readonly [string, string])[]): Promise<void>
  close(): Promise<void>
}

/** How a dev chain was made; the seed stays in its folder. */
export interface Origin {
  readonly spec: 218 | 424
  readonly seed: string
  readonly beaconGenesisMs: number
  readonly beaconPeriodMs: number
}

const blockKey = (number: number): string => String(number).padStart(12, '0')

/** Opens the chain of a folder; BAD_CONFIG_LOCKED when another process runs it. */
export async function openChainStore(folder: string): Promise<ChainStore> {
  const db = await openLevel(folder)
  const state = db.sublevel('state')
  const blocks = db.sublevel<string, Block>('blocks', { valueEncoding: 'json' })
  const ledger = db.sublevel('ledger')
  const meta = db.sublevel<string, Origin>('meta', { valueEncoding: 'json' })
  const changed = (changes: Changes) =>
    [...changes].map(([key, value]) =>
      value === null
        ? { type: 'del' as const, sublevel: state, key }
        : { type: 'put' as const, sublevel: state, key, value },
    )
  const put = (block: Block) => ({
    type: 'put' as const,
    sublevel: blocks,
    key: blockKey(block.header.number),
    value: block,
  })
  const dropOld = ({ header }: Block) => {
    const old = header.number - KEEP_BLOCKS
    return old > 0 ? [{ type: 'del' as const, sublevel: blocks, key: blockKey(old) }] : []
  }
  return {
    origin: () => meta.get('origin'),
    async begin(origin, genesis, changes) {
      const made = { type: 'put' as const, sublevel: meta, key: 'origin', value: origin }
      await db.batch<string, unknown>([made, put(genesis), ...changed(changes)], { sync: true })
    },
    blocks: () => blocks.values().all(),
    state: () => state.iterator().all(),
    async append(block, changes) {
      await db.batch<string, unknown>([put(block), ...dropOld(block), ...changed(changes)], {})
    },
    ledger: () => ledger.iterator().all(),
    async putLedger(entries) {
      await ledger.batch(entries.map(([key, value]) => ({ type: 'put', key, value })))
    },
    close: () => db.close(),
  }
}

async function openLevel(folder: string): Promise<Level<string, string>> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const db = new Level<string, string>(folder)
  try {
    await db.open()
    return db
  } catch (cause) {
    const inner = (cause as Error).cause ?? cause
    const locked = (inner as { code?: string }).code === 'LEVEL_LOCKED'
    throw new NodeError(
      locked ? 'BAD_CONFIG_LOCKED' : 'BAD_CONFIG_STORE',
      locked ? `another dev chain uses ${folder}` : `cannot open ${folder}: ${messageOf(inner)}`,
      { cause, next: 'stop the other one, or choose another --data-dir' },
    )
  }
}
