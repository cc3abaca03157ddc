import type { LimitedGpu, LimitsAnswer } from '../../api/gpus.ts'
import type { LimitName } from '../../gpu/limits.ts'
import type { OptionKey } from '../options.ts'
import { createOutput } from '../output.ts'
import { type LimitsPatch, limitsOf } from '../own-limits.ts'
import { withRunningNode } from '../with-node.ts'
import type { Run } from './command.ts'

/** Which option sets which limit. */
const limitOf: Readonly<Partial<Record<OptionKey, LimitName>>> = {
  maxTemp: 'maxTempC',
  maxPower: 'maxPowerW',
  maxLoad: 'maxLoadPercent',
  workHours: 'workHours',
  pauseWhenUsed: 'pauseWhenUsed',
}

/** Shows how far the running node may use its GPUs; options on the command line change it, at once and for good. */
export const gpuLimits: Run = (context) =>
  withRunningNode(context, async (client) => {
    const { config, terminal, signal, given = new Set() } = context
    const wanted = limitsOf(config)
    const changed = [...given].flatMap((key) => limitOf[key] ?? [])
    const patch: LimitsPatch = Object.fromEntries(changed.map((name) => [name, wanted[name]]))
    const path = '/v1/gpu/limits'
    const answer =
      changed.length === 0
        ? await client.get<LimitsAnswer>(path, signal)
        : await client.patch<LimitsAnswer>(path, patch, signal)
    createOutput(terminal, config).value(answer, () => describe(answer))
    return 0
  })

function describe({ gpus, ...limits }: LimitsAnswer): string {
  const { maxTempC, maxPowerW, maxLoadPercent, workHours, pauseWhenUsed } = limits
  const shown = (value: number | null, unit: string): string =>
    value === null ? 'no limit' : `at most ${value} ${unit}`
  return [
    `temperature  ${shown(maxTempC, '°C')}`,
    `power        ${shown(maxPowerW, 'W')}`,
    `load         ${shown(maxLoadPercent, '% of the time')}`,
    `hours        ${workHours.length === 0 ? 'always' : workHours.join(', ')}`,
    `when used    ${pauseWhenUsed ? 'paused' : 'goes on'}`,
    ...gpus.map(describeGpu),
  ].join('\n')
}

const words: Readonly<Record<LimitName, string>> = {
  maxTempC: 'temperature',
  maxPowerW: 'power',
  maxLoadPercent: 'load',
  workHours: 'time',
  pauseWhenUsed: 'who is at the machine',
}

function describeGpu({ id, state, reason, powerKeptBy, unmeasured }: LimitedGpu): string {
  const notes = [
    ...(powerKeptBy === 'pausing' ? ['its driver limits no power here: it is paused instead'] : []),
    ...unmeasured.map((name) => `${words[name]} cannot be told here: that limit is not kept`),
  ]
  return [`${id}  ${reason === null ? state : `${state}: ${reason}`}`, ...notes].join('\n  ')
}
