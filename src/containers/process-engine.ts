import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { NodeError } from '../errors.ts'
import { type Log, silent } from '../log.ts'
import { type DevnetProof, requireDevnet } from './devnet-proof.ts'
import type { Engine } from './engine.ts'
import { processContainer } from './process-container.ts'
import {
  leaseFolder,
  listStates,
  makeFolder,
  type ProcessState,
  writeState,
} from './process-state.ts'

export interface ProcessEngineOptions {
  /** Shows that nobody but this machine's own devnet can reach the node. */
  readonly proof: DevnetProof
  /** This node's own folder: a home and a state file per lease. */
  readonly stateDir: string
  readonly log?: Log
}

export const PROCESS_LABEL = 'process (no isolation, devnet only)'

/**
 * Runs leases as plain processes of this machine, for a devnet without Docker. Images and limits mean nothing here.
 * BAD_CONFIG_ENGINE unless the proof shows a devnet.
 */
export async function createProcessEngine({
  proof,
  stateDir,
  log = silent,
}: ProcessEngineOptions): Promise<Engine> {
  requireDevnet(proof)
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  return {
    kind: 'process',
    label: PROCESS_LABEL,
    isolation: { runtime: 'none', fenced: false, diskQuota: false },
    check: async () => undefined,
    checkImage: () => undefined,
    ensureImage: async () => undefined,
    async create(spec) {
      const folder = leaseFolder(stateDir, spec.leaseId)
      if (!(await makeFolder(folder))) {
        throw new NodeError('ENGINE_CONFLICT', `lease ${spec.leaseId} has a container already`, {
          next: 'adopt it (list) or remove it',
        })
      }
      const state: ProcessState = {
        version: 1,
        id: randomBytes(8).toString('hex'),
        leaseId: spec.leaseId,
        expiresAtMs: spec.expiresAtMs,
        env: { ...spec.env, ...visibleGpus(spec.gpuUuids ?? []) },
        command: spec.command,
        started: false,
      }
      await writeState(folder, state)
      return processContainer({ folder, state, log })
    },
    async list() {
      const states = await listStates(stateDir)
      return states.map((state) =>
        processContainer({ folder: leaseFolder(stateDir, state.leaseId), state, log }),
      )
    },
    close: async () => undefined,
  }
}

/** A convention that CUDA follows, not a fence. */
const visibleGpus = (uuids: readonly string[]): Record<string, string> => ({
  CUDA_VISIBLE_DEVICES: uuids.join(','),
})
