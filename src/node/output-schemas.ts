import { z } from 'zod'
import { refusalReasons } from '../chain/weights-refusal.ts'
import { allWorks, works } from '../gpu/slot-network.ts'
import { isolation } from '../protocols/isolation.ts'
import { healths, leaseStates } from '../protocols/lease.ts'
import { endingOwners } from '../protocols/lease-endings.ts'
import { FIELDS, type FieldType } from '../protocols/query/fields.ts'
import type { BalanceResult } from './commands/chain-balance.ts'
import type { BoundPeerRow } from './commands/chain-bind-list.ts'
import type { EarningRow } from './commands/chain-earnings.ts'
import type { NeuronRow } from './commands/chain-metagraph.ts'
import type { TransferResult } from './commands/chain-transfer.ts'
import type { WeightRow, WeightsView } from './commands/chain-weights.ts'
import type { BenchResult } from './commands/gpu-bench.ts'
import type { ProveResult } from './commands/gpu-prove.ts'
import type { JupyterResult } from './commands/jupyter.ts'
import type { SnapshotResult } from './commands/snapshot.ts'
import type { SshConfigResult } from './commands/ssh-config.ts'
import type { WalletKey } from './commands/wallet-import.ts'
import type { WalletRow } from './commands/wallet-list.ts'
import type { SignResult } from './commands/wallet-sign.ts'
import type { VerifyResult } from './commands/wallet-verify.ts'
import type { AttestationRow } from './control/routes/attestations.ts'
import type { LimitsAnswer } from './control/routes/gpus.ts'
import type { ReceiptsAnswer } from './control/routes/leases.ts'
import type { PeerRow } from './control/routes/peers.ts'
import type { PolicyAnswer } from './control/routes/policy.ts'
import type { QueueRow } from './control/routes/queue.ts'
import type { ScoreRow } from './control/routes/scores.ts'
import type { NodeStatus } from './control/routes/status.ts'
import type { VolumeRow, VolumesAnswer } from './control/routes/volumes.ts'
import { roundFailure, roundSummary } from './devnet/summary.ts'
import type { Finding } from './doctor/finding.ts'
import { engineStates } from './engine-rows.ts'
import type { GpuRow } from './gpu-rows.ts'
import { type EvidenceFinding, evidenceChecks } from './leases/check-evidence.ts'
import type { LeaseView } from './leases/lease-view.ts'
import type { OwnWeights } from './own-weights.ts'
import { reasonCodes } from './scoring/reason-codes.ts'
import type { Simulation } from './simulation.ts'
import { templateSchema } from './templates.ts'

/** What a command prints on stdout with `--json`. docs/cli.md shows it; tests hold real output against it. */
export interface OutputSchema {
  readonly describe: string
  readonly schema: z.ZodType
}

/** The JSON of every list: its rows, in order. */
const listOf = (row: z.ZodType): z.ZodType => z.strictObject({ items: z.array(row) })

const peerId = z.string().describe('PeerId')
const whole = z.number().int().nonnegative()

const ready = z.strictObject({
  event: z.literal('ready'),
  peerId,
  addrs: z.array(z.string()).describe('multiaddrs it listens on'),
  control: z.string().describe('path of the control socket'),
  api: z.string().optional().describe('address of the control API, with --api-port'),
})

const decimal = z.string().describe('decimal')

const status: z.ZodType<NodeStatus> = z.strictObject({
  peerId,
  network: z.string().describe("the market's name on the wire"),
  roles: z.array(z.string()),
  addrs: z.array(z.string()),
  peers: whole.describe('how many peers it is connected to'),
  startedAtMs: whole.describe('unix ms'),
  version: z.string(),
  pid: whole,
  dataDir: z.string(),
  spending: z
    .strictObject({
      day: z.string().describe('in UTC'),
      items: z.array(
        z.strictObject({
          asset: z.string(),
          spent: decimal.describe('today, by receipts'),
          committed: decimal.describe('what leases can cost today at most'),
          cap: decimal.nullable().describe('--max-daily-cost'),
          left: decimal.nullable(),
        }),
      ),
    })
    .describe('what renting costs today'),
  hosted: z
    .array(
      z.strictObject({
        id: z.string(),
        state: z.enum(leaseStates),
        health: z.enum(healths),
        renter: peerId,
        asset: z.string(),
        owed: decimal,
        acknowledged: decimal.describe('what of it is countersigned'),
        signedAhead: decimal.describe('up to where its renter signed in advance'),
        leftMs: whole
          .nullable()
          .describe('until it is paused if nothing is countersigned, or closed if it is paused'),
        notice: z.string().nullable().describe('what its renter is told'),
        reason: z.string().nullable(),
        fault: z.enum(endingOwners).nullable(),
      }),
    )
    .nullable()
    .describe('the leases of a miner that are not over; null elsewhere'),
  engines: z
    .array(
      z.strictObject({
        name: z.string().describe('`default` where none is named'),
        url: z.string(),
        version: z.string().nullable().describe('null until it has answered'),
        gpus: z.array(z.string()).describe('ids of the devices on it'),
        runtimes: z.array(z.string()),
        proven: z.boolean().describe('whether this node proves its devices'),
        state: z
          .enum(engineStates)
          .describe('away: it does not answer, and its leases are unknown; refuses: see reason'),
        reason: z.string().nullable().describe('why no lease starts there now'),
      }),
    )
    .nullable()
    .describe('what the leases of a miner run in; null elsewhere'),
  pulse: z
    .strictObject({ round: whole, clock: z.enum(['behind', 'ahead']).nullable() })
    .nullable()
    .describe('the newest pulse heard, and what pulses say against the clock'),
  lacking: z
    .array(
      z.strictObject({
        check: z.string(),
        required: z.boolean(),
        actual: z.string(),
        remedy: z.string().nullable(),
      }),
    )
    .describe("what a miner's machine and devices lack, and what to do"),
})

const peer: z.ZodType<PeerRow> = z.strictObject({
  peerId,
  addr: z.string(),
  direction: z.enum(['inbound', 'outbound']),
  connections: whole,
  encryption: z.string(),
  relayed: z.boolean(),
})

const factSchemas: Readonly<Record<FieldType, z.ZodType>> = {
  number: z.number(),
  money: z.string(),
  version: z.string(),
  boolean: z.boolean(),
  text: z.string(),
  words: z.string(),
}

/** Every field of the query language that is known of the offer, and what the language does not name. */
const offer = z.looseObject({
  ...Object.fromEntries(
    FIELDS.map(({ name, type, meaning }) => [name, factSchemas[type].optional().describe(meaning)]),
  ),
  id: z.string(),
  host_id: peerId,
  expiresAtMs: whole.describe('unix ms'),
  seq: whole,
  devices: z.array(z.looseObject({ id: z.string(), name: z.string() })),
})

const chainReady = z.strictObject({
  event: z.literal('ready'),
  url: z.string(),
  genesis: z.string().describe('what nodes take as --genesis'),
  stateRoot: z.string(),
  beacon: z.strictObject({
    name: z.string(),
    publicKey: z.string().describe('96 bytes in hex'),
    periodMs: whole,
    genesisMs: whole,
  }),
})

const address = z.string().describe('SS58 address')

const neuron: z.ZodType<NeuronRow> = z.strictObject({
  uid: whole,
  hotkey: address,
  coldkey: address,
  stake: decimal.describe('alpha'),
  validatorPermit: z.boolean(),
  active: z.boolean(),
  validates: z.boolean().describe('with permit and stake: its testimony may count'),
  lastUpdate: whole.describe('block'),
  registeredAt: whole.describe('block'),
  incentive: whole.describe('of 65535'),
  dividends: whole.describe('of 65535'),
  emission: decimal.describe('alpha in the last epoch'),
  boundAt: whole.nullable().describe('block of its commitment'),
  peers: z.array(peerId).nullable().describe('bound PeerIds; null when no node runs here'),
})

const of65535 = whole.describe('of 65535')

const earned = {
  validatorTrust: of65535,
  incentive: of65535,
  dividends: of65535,
  emission: decimal.describe('alpha of the last epoch'),
  total: decimal.describe('alpha of all epochs'),
}

const simulated: z.ZodType<Simulation> = z.strictObject({
  block: whole.describe('of the first epoch'),
  epochs: whole,
  yuma: z.union([z.literal(2), z.literal(3)]),
  commitReveal: whole.describe('epochs for which weights are hidden'),
  emission: decimal.describe('alpha that an epoch shares out'),
  items: z.array(
    z.strictObject({
      uid: whole,
      hotkey: z.string(),
      stake: decimal.describe('alpha that counts'),
      validatorPermit: z.boolean().describe('has a seat after the last epoch'),
      active: z.boolean(),
      consensus: of65535,
      ...earned,
      bonds: z.array(z.tuple([whole, of65535])).describe('miner and bond'),
      course: z.array(decimal).describe('alpha of each epoch'),
      before: z.strictObject(earned).nullable().describe('without what the command line changes'),
    }),
  ),
})

const weight: z.ZodType<WeightRow> = z.strictObject({
  validatorUid: whole,
  validator: address,
  uid: whole,
  hotkey: address,
  weight: whole.describe('of 65535'),
})

const ownWeights: z.ZodType<OwnWeights> = z.strictObject({
  hotkey: address,
  uid: whole.nullable(),
  way: z.enum(['direct', 'hash', 'timelock']).describe('how this subnet takes weights'),
  setAtBlock: whole.nullable().describe('the last weights or commit, or the registration'),
  commits: z
    .array(
      z.strictObject({
        hash: z.string(),
        state: z.enum(['early', 'open', 'expired']),
        opensAtBlock: z.number().int(),
        closesAtBlock: z.number().int().describe('the first block that is too late'),
      }),
    )
    .describe('what is on chain and not revealed'),
  epoch: z.strictObject({
    index: whole,
    tempo: whole,
    endsAtBlock: whole,
    blocksLeft: whole,
    minutesLeft: z.number().nullable().describe('null on local networks'),
  }),
  refusal: z
    .strictObject({
      reason: z.enum(refusalReasons),
      message: z.string(),
      retryAtBlock: whole.nullable(),
    })
    .nullable()
    .describe('why nothing can be set now'),
})

const weightsView: z.ZodType<WeightsView> = z.strictObject({
  block: whole.describe('the newest final one'),
  items: z.array(weight),
  mine: ownWeights.nullable().describe("of the wallet's hotkey; null without a wallet"),
})

const registered = z.strictObject({
  uid: whole,
  hotkey: address,
  registered: z.boolean().describe('false when it was already'),
  stake: decimal.describe('alpha'),
})

const bound = z.strictObject({
  peerId,
  hotkey: address,
  seq: whole,
  expiresAtBlock: whole,
})

const boundPeer: z.ZodType<BoundPeerRow> = z.strictObject({
  peerId,
  seq: whole,
  expiresAtBlock: whole,
  expired: z.boolean(),
})

const sheet = z.strictObject({
  hotkey: address,
  peers: z.array(peerId).describe('all that it binds now'),
  file: z.string().describe('where this machine keeps the text'),
  text: z.string().describe('what each of them takes with chain bind accept'),
})

const keyType = z.enum(['sr25519', 'ed25519'])

const wallet: z.ZodType<WalletRow> = z.strictObject({
  name: z.string(),
  key: z.enum(['coldkey', 'hotkey']),
  hotkey: z.string().nullable().describe('its name; null for a coldkey'),
  address: address.nullable().describe('null when its files do not tell'),
  keyType: keyType.nullable(),
  encrypted: z.boolean().nullable().describe('null when there is only its public part'),
})

const balance: z.ZodType<BalanceResult> = z.strictObject({
  address,
  free: decimal.describe('TAO'),
  reserved: decimal.describe('TAO of deposits'),
  hotkeys: z.array(
    z.strictObject({
      uid: whole,
      hotkey: address,
      stake: decimal.describe('alpha on it in this subnet, whoever staked it'),
    }),
  ),
})

const earning: z.ZodType<EarningRow> = z.strictObject({
  epoch: whole,
  block: whole.nullable().describe('at which it fired'),
  state: z
    .enum(['read', 'unregistered', 'discarded'])
    .describe('discarded: the endpoint keeps that state no more'),
  uid: whole.nullable(),
  emission: decimal.nullable().describe('alpha of this epoch'),
  incentive: whole.nullable().describe('of 65535'),
  dividends: whole.nullable().describe('of 65535'),
  stake: decimal.nullable().describe('alpha on it, whoever staked it'),
})

const transferred: z.ZodType<TransferResult> = z.strictObject({
  from: address,
  to: address,
  amount: decimal.describe('TAO'),
  block: whole.describe('the final block that it stands in'),
  blockHash: z.string(),
  left: decimal.describe('TAO, free'),
})

const walletKey: z.ZodType<WalletKey> = z.strictObject({
  name: z.string(),
  key: z.enum(['coldkey', 'hotkey']),
  address,
  keyType,
  encrypted: z.boolean(),
})

const signed: z.ZodType<SignResult> = z.strictObject({
  address,
  keyType,
  signature: z.string().describe('hex, 64 bytes'),
})

const verified: z.ZodType<VerifyResult> = z.strictObject({
  address,
  valid: z.boolean(),
  keyType: keyType.nullable().describe('the scheme by which it is valid'),
})

const lease: z.ZodType<LeaseView> = z.strictObject({
  id: z.string(),
  state: z.enum(leaseStates),
  health: z.enum(healths),
  miner: peerId,
  renter: peerId,
  engine: z.string().nullable().describe('what runs it; null before it is known'),
  image: z.string(),
  command: z.array(z.string()).nullable(),
  devices: z.array(z.string()),
  memoryMiB: whole.describe('main memory it may use'),
  cpus: z.number().describe('processor cores it may use'),
  diskMiB: whole.nullable().describe('what it may write on the disk; null: no limit is agreed'),
  isolation: isolation()
    .nullable()
    .describe('what holds it, as its miner signed it; null in old terms'),
  asset: z.string().describe('what amounts are in'),
  rail: z.string(),
  dph: decimal.describe('price per hour'),
  cap: decimal.describe('the most it can cost'),
  proofShare: z
    .number()
    .nullable()
    .describe("what the miner's proofs take of the devices' time, 0 to 1; null in old terms"),
  exclusive: z.boolean().describe('whether the devices prove nothing while it runs'),
  volumes: z
    .array(
      z.strictObject({
        name: z.string(),
        path: z.string(),
        sizeMiB: whole,
        readOnly: z.boolean(),
      }),
    )
    .describe('what outlives it'),
  durationMs: whole.describe('in all, extensions included'),
  extensions: whole.describe('how many of them count'),
  extendingToMs: whole
    .nullable()
    .describe('durationMs after an extension that does not count yet; null without one'),
  labels: z.record(z.string(), z.string()),
  ports: z.array(whole).describe('what forward makes local when none is named'),
  createdAtMs: whole,
  startedAtMs: whole.nullable(),
  expiresAtMs: whole.nullable(),
  progress: z
    .string()
    .nullable()
    .describe('what the miner is doing while it starts, or has to say later'),
  receipts: whole,
  upMs: whole,
  owed: decimal.describe('by the newest receipt'),
  acknowledged: decimal.describe('what of it is countersigned'),
  settled: decimal.nullable().describe('what was paid in the end'),
  over: z.boolean(),
  outcome: z.enum(['ended', 'failed', 'unknown']).nullable(),
  creditMs: whole.nullable().describe('of service that may stay uncountersigned; null: no limit'),
  graceMs: whole.nullable().describe('how long it is kept paused after that'),
  prepaidMs: whole.nullable().describe('how far this node signs in advance'),
  signedAhead: decimal.describe('up to where it did'),
  dispute: z.string().nullable().describe('what the miner did that is not countersigned'),
  reason: z.string().nullable(),
  ending: z.string().nullable().describe('the code of its end'),
  fault: z.enum(endingOwners).nullable().describe('whose doing its end is'),
})

const queued: z.ZodType<QueueRow> = z.strictObject({
  ticket: z.string(),
  where: z.enum(['here', 'there']).describe('at this miner, or this node at another'),
  peer: peerId.describe('the other side'),
  position: whole.nullable().describe('0: its turn; null before the miner said'),
  waiting: whole.nullable().describe('how many wait in all'),
  etaMs: whole.nullable().describe('until its turn; null: nobody can tell'),
  sinceMs: whole.describe('unix ms'),
  devices: whole.nullable().describe('null where this node waits'),
  durationMs: whole.nullable().describe('of the lease it wants; null where this node waits'),
  paidBefore: z.boolean().nullable().describe('its renter, here; null where this node waits'),
  present: z.boolean().nullable().describe('whether its renter is there to take a turn'),
})

/** What happens to an order before it is granted, one line each; the lease comes last. */
const orderEvent = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('offer-not-taken'),
    miner: peerId,
    code: z.string(),
    reason: z.string(),
  }),
  z.strictObject({
    event: z.literal('queue-place'),
    miner: peerId,
    ticket: z.string(),
    position: whole.describe('0: its turn'),
    waiting: whole,
    etaMs: whole.nullable().describe('until its turn; null: nobody can tell'),
  }),
])

const policy: z.ZodType<PolicyAnswer> = z.strictObject({
  allowRenters: z.array(peerId).describe('none: anyone'),
  denyRenters: z.array(peerId),
  minLeaseMs: whole.nullable(),
  maxLeaseMs: whole.nullable(),
  maxLeasesPerRenter: whole.nullable(),
  maxWaiting: whole.describe('0: no queue'),
  priceFloor: decimal.nullable(),
  priceCeiling: decimal.nullable(),
  priceStepPercent: z.number().nullable(),
  priceWindowMs: whole,
  pricePerHour: decimal.nullable().describe('for the whole machine, as offered now'),
  asset: z.string().nullable(),
  usedShare: z.number().nullable().describe("of the devices' time in the window so far, 0 to 1"),
})
const shownTemplate = templateSchema.extend({ name: z.string() })

const volumeRow: z.ZodType<VolumeRow> = z.strictObject({
  name: z.string(),
  miner: peerId,
  sizeMiB: whole,
  enforced: z
    .boolean()
    .describe("whether the miner's storage holds it to that; else it is measured"),
  usedBytes: whole.nullable().describe('null before it was measured'),
  createdAtMs: whole,
  leases: z.array(z.string()).describe('that have it now'),
  expiresAtMs: whole.nullable().describe('when it is removed unless a lease takes it'),
  removedAtMs: whole.nullable(),
  reason: z.string().nullable().describe('why it was removed'),
})

const volumesAnswer: z.ZodType<VolumesAnswer> = z.strictObject({
  items: z.array(volumeRow),
  silent: z
    .array(z.strictObject({ miner: peerId, code: z.string(), reason: z.string() }))
    .describe('miners that had some and do not answer'),
})

const snapshot: z.ZodType<SnapshotResult> = z.strictObject({
  lease: z.string(),
  file: z.string(),
  tag: z.string(),
  bytes: whole,
  sha256: z.string().describe('hex'),
})

const receipts: z.ZodType<ReceiptsAnswer> = z.strictObject({
  lease: z.string(),
  asset: z.string(),
  verified: z.boolean().describe('both signatures, every link and every amount were checked'),
  claimed: decimal,
  acknowledged: decimal,
  items: z.array(
    z.strictObject({
      seq: whole,
      atMs: whole,
      upMs: whole,
      owed: decimal,
      countersigned: z.boolean(),
      final: z.string().nullable(),
    }),
  ),
  evidence: z.string().describe('base64, for anyone to check without this node'),
})

const evidence: z.ZodType<EvidenceFinding> = z.strictObject({
  verdict: z.enum(['VALID', 'INVALID']),
  lease: z.string().exactOptional(),
  network: z.string().exactOptional().describe("the market's name on the wire"),
  miner: peerId.exactOptional(),
  renter: peerId.exactOptional(),
  asset: z.string().exactOptional(),
  receipts: whole.exactOptional().describe('how many'),
  upMs: whole.exactOptional(),
  claimed: decimal.exactOptional(),
  acknowledged: decimal.exactOptional(),
  ending: z
    .strictObject({
      code: z.string().nullable(),
      reason: z.string(),
      fault: z.enum(endingOwners),
    })
    .nullable()
    .exactOptional()
    .describe('by its final receipt; null without one'),
  checks: z.array(
    z.strictObject({ name: z.enum(evidenceChecks), ok: z.boolean(), detail: z.string() }),
  ),
})

const rented = z.strictObject({
  lease,
  exitCode: z.number().int(),
  stdout: z.string(),
  stderr: z.string(),
})

const attestation: z.ZodType<AttestationRow> = z.strictObject({
  slot: whole.describe('round of the beacon that started it'),
  validator: peerId,
  miner: peerId,
  gpu: z.string().describe("the device's id at its miner"),
  verdict: z.string().nullable().describe('VALID, or a reason code'),
  steps: whole.nullable().describe('matrix steps counted inside the window'),
  passes: whole.nullable().describe('memory passes counted inside the window'),
  n: whole.nullable().describe('size of the matrices'),
  bytes: whole.nullable().describe('size of the resident fill'),
  checkpoints: whole.nullable().describe('of the locality chain, counted inside the window'),
  nsPerHop: z.number().nullable().describe('mean time of a hop of the locality chain'),
  locality: z.string().nullable().describe('what was found of the locality chain'),
  proveMs: whole.nullable(),
  verifyMs: whole.nullable(),
  transcript: z.string().nullable().describe('content id, for gpu verify'),
  equivocated: z.boolean().describe('the validator contradicted itself: its word does not count'),
})

const untold = 'null where the driver does not tell'
const figure = (what: string): z.ZodNullable<z.ZodNumber> =>
  z.number().nullable().describe(`${what}; ${untold}`)

const gpu: z.ZodType<GpuRow> = z.strictObject({
  id: z
    .string()
    .describe('stable across restarts: PCI address, UUID of a MIG slice, webgpu-NAME, cpu-0'),
  vendor: z.string(),
  name: z.string(),
  uuid: z.string().exactOptional(),
  vramMiB: whole,
  driver: z.string().exactOptional(),
  computeCapability: z.string().exactOptional(),
  pcie: z
    .strictObject({ gen: whole.nullable(), width: whole.nullable() })
    .exactOptional()
    .describe('what slot and GPU can do together'),
  mig: z
    .strictObject({ parent: z.string(), profile: z.string() })
    .exactOptional()
    .describe('only for a MIG slice: the GPU it is a part of'),
  foundBy: z
    .literal('webgpu')
    .exactOptional()
    .describe('only for a GPU that no tool of its vendor told of'),
  architecture: z.string().exactOptional().describe('as WebGPU tells it, e.g. rdna-2'),
  description: z.string().exactOptional().describe('its driver, as WebGPU tells it'),
  cores: whole.exactOptional(),
  temperatureC: figure('temperature'),
  powerW: figure('power drawn'),
  powerLimitW: figure('power limit in force'),
  utilizationPercent: figure('load'),
  memoryUsedMiB: figure('memory in use'),
  coreClockMHz: figure('clock of the cores'),
  memoryClockMHz: figure('clock of the memory'),
  eccErrors: figure('uncorrected memory errors'),
  lastError: z.string().nullable().describe('newest fault that the driver reported, e.g. Xid 79'),
  processes: z
    .array(z.strictObject({ pid: whole, memoryMiB: whole.nullable() }))
    .nullable()
    .describe(`programs that compute on it; ${untold}`),
  atMs: whole.describe('unix ms'),
  state: z
    .enum(['ok', 'lost', 'paused', 'unfit'])
    .describe('of a running node: paused by its limits, unfit by its checks before announcing'),
  reason: z.string().nullable().describe('why it is not ok'),
  proves: z.boolean().describe('whether it proves on the chosen network'),
  backend: z.enum(['cuda', 'webgpu', 'cpu']).nullable().describe('what proves it'),
  proofN: whole.nullable().describe('size of the matrices it proves with'),
  proofBytes: whole.nullable().describe('size of the fill it keeps'),
  provesNot: z.string().nullable().describe('why it does not prove, and what to do'),
  provesNotCode: z.string().nullable().describe("the reason's name, where it has one"),
  proofNotice: z
    .string()
    .nullable()
    .describe('what was asked for and its proofs do without, and why'),
})

const limits: z.ZodType<LimitsAnswer> = z.strictObject({
  maxTempC: whole.nullable(),
  maxPowerW: whole.nullable(),
  maxLoadPercent: whole.nullable().describe('share of the time'),
  workHours: z.array(z.string()).describe('in local time; none: always'),
  pauseWhenUsed: z.boolean(),
  gpus: z.array(
    z.strictObject({
      id: z.string(),
      state: z.enum(['ok', 'lost', 'paused', 'unfit']),
      reason: z.string().nullable().describe('why it is not ok'),
      powerKeptBy: z.enum(['driver', 'pausing']).nullable(),
      unmeasured: z
        .array(z.enum(['maxTempC', 'maxPowerW', 'maxLoadPercent', 'workHours', 'pauseWhenUsed']))
        .describe('limits that cannot be kept here'),
    }),
  ),
})

const finding = z.strictObject({
  verdict: z.string().describe('VALID, or what is wrong'),
  reason: z.string(),
  id: z.string().describe('content id'),
  bytes: whole,
  network: z.string().optional(),
  peerId: z.string().optional(),
  gpu: z.string().optional(),
  slot: whole.optional(),
  n: whole.optional().describe('size of the matrices'),
  fillBytes: whole.optional().describe('size of the resident fill'),
  passes: whole.optional(),
  steps: whole.optional(),
  gbps: z.number().optional().describe('GB/s over the window'),
  tops: z.number().optional().describe('TOPS over the window'),
  pages: whole.optional().describe('pages checked'),
  dots: whole.optional().describe('crossings checked'),
  locality: z.string().optional().describe('what was found of the locality chain'),
  checkpoints: whole.optional().describe('of the locality chain'),
  nsPerHop: z.number().optional().describe('mean time of a hop over the window'),
  hops: whole.optional().describe('hops checked'),
  verifyMs: whole.optional(),
  work: z.enum(works).optional().describe('whose proof breaks'),
  at: z.array(whole).optional().describe('where: pass, page or step, row, column'),
  checks: z.array(
    z.strictObject({
      name: z.enum(['shape', 'pulses', 'finals', ...allWorks]),
      ok: z.boolean(),
      detail: z.string(),
    }),
  ),
})

const gpuClass = z.strictObject({
  name: z.string(),
  tops: z
    .strictObject({ cuda: z.number(), webgpu: z.number() })
    .describe('int8, of our kernels; estimates'),
  gbps: z.number().describe('of the data sheet'),
  memoryGiB: z.number(),
})

const benched: z.ZodType<BenchResult> = z.strictObject({
  machine: z.strictObject({ cpu: z.string(), cores: whole, ramMiB: whole }),
  devices: z.array(
    z.strictObject({
      gpu: z.string(),
      name: z.string(),
      backend: z.enum(['cuda', 'webgpu', 'cpu']),
      vramMiB: whole,
      figures: z
        .strictObject({
          ranOn: z.string().describe('the device as its driver names it, and the kernel'),
          n: whole.describe('size of the matrices'),
          fillBytes: whole.describe('size of the resident fill'),
          usableMiB: whole
            .nullable()
            .describe('memory that its proofs take; null for processors and software'),
          tops: z.number().describe('int8 TOPS of the matrix chain'),
          gbps: z.number().describe('GB/s of passes over the fill'),
          fillGBps: z.number().describe('how fast the fill is made'),
          linkGBps: z
            .number()
            .nullable()
            .describe("GB/s from the machine's memory; null without a link"),
        })
        .nullable()
        .describe('null when it failed'),
      error: z.string().nullable(),
      expected: gpuClass.nullable().describe('what its model should show: estimates'),
    }),
  ),
  disk: z
    .strictObject({
      writeMBps: z.number(),
      readMBps: z.number(),
      isReadCached: z.boolean().describe('reads came through the cache of the file system'),
      bytes: whole.describe('written, and gone again'),
    })
    .nullable()
    .describe('null without room'),
  network: z.strictObject({
    loopbackMBps: z.number().describe('a byte tunnel between two nodes in this process'),
    bootstrapRttMs: z.number().nullable().describe('null where none was reached'),
    downMbps: z.number().nullable().describe('Mbit/s from that peer; null where it did not let'),
    upMbps: z.number().nullable().describe('Mbit/s to that peer; null where it did not let'),
    bootstrap: z.string().describe('who that was, or why nothing was measured'),
    bandwidth: z.string().nullable().describe('why there are no figures of the line'),
  }),
  classes: z.array(gpuClass).describe('to compare with: estimates'),
})

const proved: z.ZodType<ProveResult> = z.strictObject({
  gpu: z.string(),
  name: z.string(),
  backend: z.string(),
  ranOn: z.string().describe('the device as its driver names it, and the kernel'),
  verdict: z.string().describe('VALID, or what our own verifier says is wrong'),
  reason: z.string(),
  n: whole.describe('size of the matrices'),
  fillBytes: whole.describe('size of the resident fill'),
  passes: whole,
  steps: whole,
  fillMs: whole,
  openMs: whole,
  id: z.string().describe('content id of the transcript'),
  bytes: whole.describe('size of the transcript'),
  file: z.string().nullable().describe('where it was written; null without --out'),
})

const scoreRow: z.ZodType<ScoreRow> = z.strictObject({
  hotkey: z.string(),
  score: z.number().describe('rated units, the sum over its devices'),
  weight: z.number().describe('what it gets of the division'),
  reliability: z.number().describe('share of its known slots that were ok'),
  reason: z.enum(reasonCodes),
  miners: z.array(peerId),
})

const scoreDetail = z.strictObject({
  hotkey: z.string(),
  score: z.number(),
  weight: z.number(),
  reliability: z.number(),
  reason: z.string(),
  gpus: z.array(
    z.looseObject({
      hotkey: z.string(),
      miner: peerId,
      gpu: z.string(),
      score: z.number().describe('the product of its terms'),
      ok: whole,
      failed: whole,
      unknown: whole,
      terms: z.array(
        z.looseObject({
          name: z.string(),
          value: z.number(),
          reason: z.string(),
          detail: z.string(),
          lost: z.number().describe('rated units that it costs, the other terms as they are'),
          causes: z.array(
            z.strictObject({
              reason: z.enum(reasonCodes),
              slots: whole.describe('slots that have it'),
              lost: z.number().describe('its part of what the term costs'),
              constants: z.record(z.string(), z.number()).describe('those that it rests on'),
              raise: z.string().describe('what would raise the term'),
            }),
          ),
        }),
      ),
    }),
  ),
  constantsHash: z.string().describe('nodes with the same hash compute the same score'),
  from: whole.describe('first slot of the window'),
  to: whole.describe('last slot of the window'),
  ignored: z
    .array(z.strictObject({ slot: whole, validator: z.string(), reason: z.enum(reasonCodes) }))
    .describe('validators of whose testimony in a slot something was left out'),
})

const checked: z.ZodType<Finding> = z.strictObject({
  check: z.string(),
  ok: z.boolean(),
  required: z.boolean().describe('whether its lack makes the exit code 1'),
  actual: z.string(),
  wanted: z.string(),
  remedy: z.string().nullable().describe('the next step; null where it is ok'),
})

const copied = z.strictObject({
  files: whole,
  folders: whole,
  links: whole,
  bytes: whole.describe('contents that travelled'),
  unchanged: whole.describe('files that were there already'),
  left: z
    .array(z.strictObject({ path: z.string(), why: z.string() }))
    .describe('what was not copied'),
  ms: whole,
})

const forwarded = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('listening'),
    lease: z.string(),
    bind: z.string().describe('address of this machine'),
    local: whole.describe('its port'),
    port: whole.describe('in the lease'),
  }),
  z.strictObject({
    event: z.literal('failed'),
    lease: z.string(),
    port: whole,
    code: z.string().describe('why one connection was not carried'),
    message: z.string(),
  }),
])

const jupyter: z.ZodType<JupyterResult> = z.strictObject({
  lease: z.string(),
  url: z.string().describe('of this machine, with the token'),
  local: whole.describe('port of this machine'),
  port: whole.describe('in the lease'),
  program: z.string().describe('jupyter-lab, jupyter-notebook or jupyter-server'),
})

const sshConfigured: z.ZodType<SshConfigResult> = z.strictObject({
  hosts: z.array(z.strictObject({ host: z.string(), lease: z.string() })),
  config: z.string().describe('as ssh(1) reads it'),
  file: z.string().nullable().describe('where it was written; null without --write'),
})

/** What every failed command prints last, on stdout, with `--json`. */
export const errorSchema = z.strictObject({
  error: z.strictObject({
    code: z.string().describe('names the party at fault first, e.g. BAD_CONFIG_LOCKED'),
    message: z.string(),
    next: z.string().optional().describe('the next step to take'),
  }),
})

/** By command (`rent` has several forms); the unnamed one is the node. Commands that are absent print text or a tenant's bytes alone. */
export const outputSchemas: Readonly<Record<string, OutputSchema>> = {
  '': { describe: 'first line, once the node can be used', schema: ready },
  status: { describe: 'one document', schema: status },
  peers: { describe: 'a list', schema: listOf(peer) },
  offers: { describe: 'a list', schema: listOf(offer) },
  'chain dev': { describe: 'first line, once it answers', schema: chainReady },
  'chain metagraph': { describe: 'a list', schema: listOf(neuron) },
  'chain weights': {
    describe: 'one object; with `--watch` one line each time it looks',
    schema: weightsView,
  },
  'chain simulate': { describe: 'the whole simulation', schema: simulated },
  'chain register': { describe: 'where it stands', schema: registered },
  'chain balance': { describe: 'what it holds', schema: balance },
  'chain earnings': { describe: 'a list, oldest first', schema: listOf(earning) },
  'chain transfer': { describe: 'the transfer', schema: transferred },
  'chain bind': { describe: 'the binding', schema: bound },
  'chain bind request': {
    describe: 'the request',
    schema: bound.extend({ text: z.string().describe('what chain bind add takes') }),
  },
  'chain bind add': { describe: 'the file for the nodes', schema: sheet },
  'chain bind remove': { describe: 'the file for the nodes that are left', schema: sheet },
  'chain bind accept': { describe: 'the binding', schema: bound },
  'chain bind list': { describe: 'a list', schema: listOf(boundPeer) },
  'wallet create': {
    describe: 'the keys',
    schema: z.strictObject({
      name: z.string(),
      hotkey: address,
      coldkey: address.nullable().describe('null when its files do not tell'),
      keyType,
    }),
  },
  'wallet list': { describe: 'a list', schema: listOf(wallet) },
  'wallet import': { describe: 'the key', schema: walletKey },
  'wallet sign': { describe: 'the signature', schema: signed },
  'wallet verify': { describe: 'what was found', schema: verified },
  'wallet change-password': { describe: 'the key', schema: walletKey },
  rent: { describe: 'the lease that runs', schema: lease },
  'rent -- CMD': { describe: 'the lease and what the command printed', schema: rented },
  'rent --jupyter': { describe: 'where it answers, once it does', schema: jupyter },
  'rent --wait': {
    describe: 'a line per event, then as without',
    schema: z.union([orderEvent, lease, rented, jupyter]),
  },
  queue: { describe: 'a list, in the order of turns', schema: listOf(queued) },
  'queue leave': {
    describe: 'how many places were given up',
    schema: z.strictObject({ left: whole }),
  },
  policy: { describe: 'the rules, and the price now', schema: policy },
  leases: { describe: 'a list of leases', schema: listOf(lease) },
  show: { describe: 'the lease', schema: lease },
  cp: { describe: 'what was copied', schema: copied },
  forward: { describe: 'one line per port, and per connection that failed', schema: forwarded },
  jupyter: { describe: 'where it answers, once it does', schema: jupyter },
  'ssh-config': { describe: 'the configuration', schema: sshConfigured },
  extend: { describe: 'the lease', schema: lease },
  pause: { describe: 'the lease', schema: lease },
  resume: { describe: 'the lease', schema: lease },
  label: { describe: 'the lease', schema: lease },
  templates: { describe: 'a list', schema: listOf(shownTemplate) },
  'templates NAME': { describe: 'one template', schema: shownTemplate },
  snapshot: { describe: 'what was written', schema: snapshot },
  volumes: { describe: 'a list, and who does not answer', schema: volumesAnswer },
  'volumes rm': { describe: 'the volume that was', schema: volumeRow },
  stop: { describe: 'the lease', schema: lease },
  wait: { describe: 'the lease', schema: lease },
  receipts: { describe: 'a list, checked as a whole', schema: receipts },
  'receipts --verify': { describe: 'what was found', schema: evidence },
  attestations: { describe: 'a list', schema: listOf(attestation) },
  score: { describe: 'a list of all miners, best first', schema: listOf(scoreRow) },
  'score PEER': { describe: 'one miner, term by term', schema: scoreDetail },
  'gpu list': { describe: 'a list', schema: listOf(gpu) },
  'gpu list --watch': { describe: 'one line per GPU and sample', schema: gpu },
  'gpu bench': { describe: 'what was measured', schema: benched },
  'gpu preflight': { describe: 'a list', schema: listOf(checked) },
  'gpu prove': { describe: 'what came of it', schema: proved },
  'gpu limits': { describe: 'the limits, and what they do now', schema: limits },
  'gpu verify': { describe: 'what was found', schema: finding },
  devnet: {
    describe: 'last line: what one full round did, or where it failed',
    schema: z.discriminatedUnion('ok', [roundSummary, roundFailure]),
  },
  doctor: { describe: 'a list', schema: listOf(checked) },
  version: {
    describe: 'one document',
    schema: z.strictObject({ version: z.string(), node: z.string() }),
  },
}

/** Commands whose stdout is not theirs to shape. */
export const plainCommands: readonly string[] = [
  'completion',
  'exec',
  'logs',
  'proxy',
  'shell',
  'ssh',
]
