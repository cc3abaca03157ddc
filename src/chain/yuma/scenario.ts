import { z } from 'zod'
import { NodeError } from '../../errors.ts'
import type { Row, YumaState } from './state.ts'

/** A subnet to simulate: its state, who stands behind each uid, and what an epoch shares out. */
export interface Scenario {
  /** SS58, or any names; index = uid. */
  readonly hotkeys: readonly string[]
  readonly state: YumaState
  /** Base units of alpha per epoch. */
  readonly emission: bigint
}

/** The arithmetic holds up to here (proportion.ts), and no subnet has more. */
const MAX_NEURONS = 4096

const u16 = z.number().int().min(0).max(65_535)
const block = z.number().int().min(0)
const amount = z
  .string()
  .regex(/^\d{1,19}$/, 'expected base units as decimal text')
  .transform(BigInt)

const row: z.ZodType<Row> = z
  .array(z.tuple([u16, u16]))
  .max(MAX_NEURONS)
  .refine((cells) => new Set(cells.map(([uid]) => uid)).size === cells.length, 'a uid stands twice')

const liquidAlpha = z
  .strictObject({
    low: u16,
    high: u16,
    steepness: z.number().int().min(-32_768).max(32_767),
  })
  .refine(({ low, high }) => low <= high, 'low is above high')

const parameters = z.strictObject({
  kappa: u16,
  bondsPenalty: u16,
  bondsMovingAverage: z.number().int().min(0).max(1_000_000),
  yuma3: z.boolean(),
  liquidAlpha: liquidAlpha.optional(),
  maxValidators: u16,
  stakeThreshold: amount,
  activityCutoff: block,
  commitReveal: z.boolean(),
})

const neuron = z.strictObject({
  hotkey: z.string().max(64),
  stake: amount,
  permit: z.boolean(),
  lastUpdate: block,
  registeredAt: block,
  committedAt: block.optional(),
  weights: row,
  bonds: row,
})

const file = z.strictObject({
  version: z.literal(1),
  emission: amount,
  block,
  tempo: z.number().int().min(1).max(65_535),
  lastEpochBlock: block,
  ownerUid: u16.optional(),
  parameters,
  neurons: z.array(neuron).min(1).max(MAX_NEURONS),
})

/** A scenario from a saved file's text; BAD_CONFIG_SCENARIO names the place of the first mistake. */
export function parseScenario(text: string): Scenario {
  const parsed = file.safeParse(jsonOf(text))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw bad(`${issue!.path.join('.') || 'the file'}: ${issue!.message}`)
  }
  const { version: _, emission, neurons, parameters: rules, ownerUid, ...rest } = parsed.data
  const stranger = neurons
    .flatMap(({ weights, bonds }) => [...weights, ...bonds])
    .find(([uid]) => uid >= neurons.length)
  if (stranger !== undefined) throw bad(`there is no uid ${stranger[0]}`)
  return {
    hotkeys: neurons.map(({ hotkey }) => hotkey),
    emission,
    state: {
      ...rest,
      ownerUid,
      parameters: { ...rules, liquidAlpha: rules.liquidAlpha },
      neurons: neurons.map(({ hotkey: _hotkey, weights: _weights, bonds: _bonds, ...one }) => one),
      weights: neurons.map(({ weights }) => weights),
      bonds: neurons.map(({ bonds }) => bonds),
    },
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw bad('the file is no JSON', cause)
  }
}

const bad = (message: string, cause?: unknown): NodeError =>
  new NodeError('BAD_CONFIG_SCENARIO', `this is no scenario: ${message}`, {
    cause,
    next: 'make one with compute-node chain simulate --out FILE',
  })

/** What `parseScenario` reads, one neuron per line. */
export function scenarioText({ hotkeys, state, emission }: Scenario): string {
  const { neurons, weights, bonds, ...rest } = state
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, field) => (typeof field === 'bigint' ? String(field) : field))
  const head = text({ version: 1, emission, ...rest })
  const lines = neurons.map((one, uid) =>
    text({ hotkey: hotkeys[uid], ...one, weights: weights[uid], bonds: bonds[uid] }),
  )
  return `${head.slice(0, -1)},"neurons":[\n${lines.join(',\n')}\n]}\n`
}
