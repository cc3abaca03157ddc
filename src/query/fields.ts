import { editDistance } from '../nearest.ts'

/**
 * number: a decimal. money: a decimal compared exactly. version: numbers between dots. boolean: true or false.
 * text: compared whole. words: every word given occurs in it. Text and words know no case.
 */
export type FieldType = 'number' | 'money' | 'version' | 'boolean' | 'text' | 'words'

export interface Field {
  readonly name: string
  readonly type: FieldType
  /** What a number counts, e.g. `GB`. */
  readonly unit?: string
  readonly meaning: string
}

const field = (name: string, type: FieldType, unit: string, meaning: string): Field =>
  unit === '' ? { name, type, meaning } : { name, type, unit, meaning }

/** Every field a query may name; names are those that renters of commercial markets know (docs/cli.md prints this). */
export const FIELDS: readonly Field[] = [
  field('id', 'text', '', 'id of the offer, in hex'),
  field('host_id', 'text', '', 'PeerId of the miner'),
  field('hotkey', 'text', '', 'hotkey of the miner, in hex'),
  field('gpu_name', 'words', '', 'model of the GPUs; CPU for an offer without any'),
  field('num_gpus', 'number', '', 'how many GPUs'),
  field(
    'gpu_ram',
    'number',
    'GiB',
    'memory of one GPU that a tenant gets: what proofs beside it hold is taken off',
  ),
  field('gpu_total_ram', 'number', 'GiB', 'memory of all GPUs together'),
  field('gpu_arch', 'text', '', 'maker of the GPUs: nvidia, amd, intel'),
  field('gpu_mem_bw', 'number', 'GB/s', 'memory bandwidth of one GPU as measured by validators'),
  field('tops', 'number', 'TOPS', 'integer throughput of all GPUs as measured by validators'),
  field('compute_cap', 'version', '', 'CUDA compute capability, e.g. 8.9'),
  field('driver_version', 'version', '', 'version of the GPU driver'),
  field('cpu_name', 'words', '', 'model of the processor'),
  field('cpu_arch', 'text', '', 'x64 or arm64'),
  field('cpu_cores', 'number', '', 'processor cores that a lease of the whole offer gets'),
  field('cpu_ram', 'number', 'GiB', 'main memory that it gets'),
  field('disk_space', 'number', 'GiB', 'disk of the offer'),
  field('inet_up', 'number', 'Mbit/s', 'upload of the host'),
  field('inet_down', 'number', 'Mbit/s', 'download of the host'),
  field('geolocation', 'text', '', 'country of the host, two letters; self-declared'),
  field('dph', 'money', 'asset/hour', 'price per hour of the whole offer'),
  field('exclusive_dph', 'money', 'asset/hour', 'the same for GPUs that prove nothing meanwhile'),
  field('asset', 'text', '', 'what the price is in, e.g. DEV'),
  field('duration', 'number', 'hours', 'longest lease'),
  field('min_duration', 'number', 'hours', 'shortest lease'),
  field('engine', 'text', '', 'what leases run in: docker or process'),
  field('runtime', 'text', '', 'what runs the containers, e.g. runc, runsc, sysbox-runc'),
  field('fenced', 'boolean', '', "leases are kept from the host's networks; the miner's word"),
  field('disk_quota', 'boolean', '', "the storage holds a lease to its disk; the miner's word"),
  field('remote', 'boolean', '', "on a machine that its miner's node cannot look at: not proven"),
  field('score', 'number', '', 'score of the miner as this node computes it'),
  field('reliability', 'number', '0 to 1', 'share of challenges answered well'),
  field('verified', 'boolean', '', 'a recent proof of its GPUs was found valid'),
  field('rentable', 'boolean', '', 'live and not withdrawn'),
]

const byName = new Map(FIELDS.map((f) => [f.name, f]))

/** The field of a name in any case; undefined for an unknown one. */
export const fieldNamed = (name: string): Field | undefined => byName.get(name.toLowerCase())

/** The known field whose name is closest to what was typed. */
export function nearestField(typed: string): string {
  const wanted = typed.toLowerCase()
  const distances = FIELDS.map(({ name }) => [editDistance(wanted, name), name] as const)
  return distances.toSorted(([a], [b]) => a - b)[0]![1]
}

/** Values of an offer under the names of `FIELDS`; a field that is not known is absent. */
export type Facts = Readonly<Record<string, Fact | undefined>>
/** `money` is a decimal string, `version` text such as `8.9`; the others are what they look like. */
export type Fact = string | number | boolean
