import { flag, list, maybe, type Option } from './option.ts'
import { hours } from './parse/measures.ts'
import { orOff, whole } from './parse/plain.ts'

/** Of a node: how far it may use its GPUs. */
export const limitOptions = {
  maxTemp: maybe(
    'node',
    'Pause a GPU that is hotter than this, in °C, or off',
    'C',
    orOff(whole(30, 120)),
  ),
  maxPower: maybe(
    'node',
    'Keep each GPU below this power, in watts, or off',
    'W',
    orOff(whole(1, 10_000)),
  ),
  maxLoad: maybe(
    'node',
    'Pause a GPU that is busy for more of the time, in percent, or off',
    'PERCENT',
    orOff(whole(1, 100)),
  ),
  workHours: list(
    'node',
    'When to work, in local time, e.g. 22:00-06:00 or "sat-sun"',
    'HOURS',
    hours,
    [],
    { defaultText: 'always' },
  ),
  pauseWhenUsed: flag('node', 'Pause while somebody else uses this machine or its GPUs'),
} as const satisfies Readonly<Record<string, Option<unknown>>>
