import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { type DevLedgerRail, devLedger } from '../../src/chain/dev-ledger.ts'
import { silent } from '../../src/log.ts'
import { createNetwork, type Network } from '../../src/protocols/network.ts'
import type { RecordKey } from '../../src/protocols/seal.ts'

/** The embedded chain with its ledger, which other processes reach too. */
export interface DevLedgerChain extends AsyncDisposable {
  readonly chain: DevChain
  /** What that chain's ledger takes signatures of. */
  readonly net: Network
  railOf(key: RecordKey): DevLedgerRail
}

export async function startDevLedgerChain(): Promise<DevLedgerChain> {
  const life = new AbortController()
  const { signal } = life
  const dataDir = await mkdtemp(join(tmpdir(), 'cn-ledger-'))
  const chain = await startDevChain({ dataDir, blockMs: 1000, log: silent, signal })
  const genesis = Uint8Array.from(Buffer.from(chain.genesis.slice(2), 'hex'))
  return {
    chain,
    net: createNetwork('local', 1, genesis),
    railOf: (key) => devLedger({ url: chain.url, genesis, key, signal }),
    async [Symbol.asyncDispose]() {
      life.abort()
      await chain.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
