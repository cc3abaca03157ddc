import { describe, expect, test } from 'vitest'
import {
  type GpuLimits,
  type LimitSample,
  type LimitsVerdict,
  limitsVerdict,
  NO_LIMITS,
  nextMeanLoad,
} from '../../src/gpu/limits.ts'
import { isWithin, longestOpenMs, openUntil, parseWorkHours } from '../../src/gpu/work-hours.ts'

/** A Monday, local time. */
const at = (hour: number, minute = 0, day = 5): number =>
  new Date(2026, 0, day, hour, minute).getTime()
const NOON = at(12)
const calm: LimitSample = {
  temperatureC: 40,
  powerW: 60,
  meanLoadPercent: 5,
  isPowerCapped: false,
  usedBy: null,
}
const all: GpuLimits = {
  maxTempC: 80,
  maxPowerW: 300,
  maxLoadPercent: 50,
  workHours: ['mon-fri 22:00-06:00', 'sat-sun', '11:00-13:00'],
  pauseWhenUsed: true,
}
const crossed = ({ crossings }: LimitsVerdict) => crossings.map(({ limit }) => limit)

test.each<[string, Partial<GpuLimits>, Partial<LimitSample>, string[], string[]]>([
  ['no limits', NO_LIMITS, { temperatureC: 99, powerW: 999, usedBy: 'x' }, [], []],
  ['all is well', all, {}, [], []],
  ['at the temperature', all, { temperatureC: 80 }, [], []],
  ['above the temperature', all, { temperatureC: 81 }, ['maxTempC'], []],
  ['a temperature nobody tells', all, { temperatureC: null }, [], ['maxTempC']],
  ['above the power', all, { powerW: 301 }, ['maxPowerW'], []],
  ['power that the driver keeps', all, { powerW: 301, isPowerCapped: true }, [], []],
  ['power nobody tells', all, { powerW: null }, [], ['maxPowerW']],
  ['power nobody tells and the driver keeps', all, { powerW: null, isPowerCapped: true }, [], []],
  ['above the load', all, { meanLoadPercent: 51 }, ['maxLoadPercent'], []],
  ['load nobody tells', all, { meanLoadPercent: null }, [], ['maxLoadPercent']],
  ['somebody uses it', all, { usedBy: 'somebody is here' }, ['pauseWhenUsed'], []],
  ['used, and that is no matter', { ...all, pauseWhenUsed: false }, { usedBy: 'x' }, [], []],
  ['at another time', { ...all, workHours: ['22:00-06:00'] }, {}, ['workHours'], []],
  ['on another day', { ...all, workHours: ['tue-sun'] }, {}, ['workHours'], []],
  ['no hours at all', { ...all, workHours: ['nonsense'] }, {}, ['workHours'], []],
  [
    'everything at once',
    { ...all, workHours: ['tue'] },
    { temperatureC: 90, powerW: 400, meanLoadPercent: 90, usedBy: 'x' },
    ['maxTempC', 'maxPowerW', 'maxLoadPercent', 'workHours', 'pauseWhenUsed'],
    [],
  ],
])('%s', (_, limits, sample, expected, unmeasured) => {
  const verdict = limitsVerdict({ ...NO_LIMITS, ...limits }, { ...calm, ...sample }, NOON)
  expect(crossed(verdict)).toEqual(expected)
  expect(verdict.unmeasured).toEqual(unmeasured)
})

/** What is crossed after each of these samples. */
function course(
  limits: Partial<GpuLimits>,
  steps: readonly (readonly [seconds: number, sample: Partial<LimitSample>])[],
): boolean[] {
  let verdict: LimitsVerdict | undefined
  return steps.map(([seconds, sample]) => {
    const [now, seen] = [NOON + seconds * 1000, { ...calm, ...sample }]
    verdict = limitsVerdict({ ...NO_LIMITS, ...limits }, seen, now, verdict)
    return verdict.crossings.length > 0
  })
}

describe('once crossed, a limit must be well kept for a minute', () => {
  test.each<[string, Partial<GpuLimits>, [number, Partial<LimitSample>][], boolean[]]>([
    [
      'temperature: near is not enough, and calm must last',
      { maxTempC: 80 },
      [
        [0, { temperatureC: 79 }],
        [5, { temperatureC: 81 }],
        [70, { temperatureC: 77 }],
        [131, { temperatureC: 76 }],
        [136, { temperatureC: 75 }],
        [190, { temperatureC: 70 }],
        [191, { temperatureC: 70 }],
        [196, { temperatureC: 79 }],
      ],
      [false, true, true, true, true, true, false, false],
    ],
    [
      'power: work by turns keeps it',
      { maxPowerW: 300 },
      [
        [0, { powerW: 350 }],
        [5, { powerW: 80 }],
        [60, { powerW: 80 }],
        [65, { powerW: 350 }],
      ],
      [true, true, false, true],
    ],
    [
      'a sensor that falls silent is calm',
      { maxTempC: 80 },
      [
        [0, { temperatureC: 90 }],
        [10, { temperatureC: null }],
        [61, { temperatureC: null }],
      ],
      [true, true, false],
    ],
    [
      'use: a minute after the last',
      { pauseWhenUsed: true },
      [
        [0, { usedBy: 'x' }],
        [30, { usedBy: 'x' }],
        [60, {}],
        [89, {}],
        [90, {}],
      ],
      [true, true, true, true, false],
    ],
    [
      'a clock that was set back ends no later for it',
      { maxTempC: 80 },
      [
        [1000, { temperatureC: 90 }],
        [0, {}],
      ],
      [true, false],
    ],
  ])('%s', (_, limits, steps, expected) => {
    expect(course(limits, steps)).toEqual(expected)
  })

  test('a limit that is lifted is crossed no more', () => {
    const hot = limitsVerdict({ ...NO_LIMITS, maxTempC: 80 }, { ...calm, temperatureC: 90 }, NOON)
    expect(limitsVerdict(NO_LIMITS, { ...calm, temperatureC: 90 }, NOON, hot).crossings).toEqual([])
  })

  test('hours are kept to the minute', () => {
    const limits = { ...NO_LIMITS, workHours: ['22:00-06:00'] }
    const before = limitsVerdict(limits, calm, at(21, 59))
    expect(crossed(before)).toEqual(['workHours'])
    expect(before.crossings[0]!.reason).toBe('works 22:00-06:00 only')
    expect(crossed(limitsVerdict(limits, calm, at(22), before))).toEqual([])
  })
})

test.each<[string, number, boolean]>([
  ['22:00-06:00', at(23), true],
  ['22:00-06:00', at(5, 59), true],
  ['22:00-06:00', at(6), false],
  ['9:00-17:00', at(9), true],
  ['9:00-17:00', at(17), false],
  ['mon', at(0), true],
  ['mon', at(12, 0, 6), false],
  ['sat-mon', at(12), true],
  ['sat-mon', at(12, 0, 6), false],
  ['sun 22:00-06:00', at(3), true],
  ['mon 22:00-06:00', at(3), false],
  ['MON-fri 00:00-24:00', at(23, 59), true],
  ['fri', at(12), false],
])('%s', (text, nowMs, expected) => {
  expect(isWithin(parseWorkHours(text)!, nowMs)).toBe(expected)
})

test.each(['', 'noon', '25:00-26:00', '10:60-11:00', '10:00-10:00', 'mon-xyz', 'mon,tue', '10-12'])(
  'hours such as "%s" are refused',
  (text) => {
    expect(parseWorkHours(text)).toBeUndefined()
  },
)

test('the average of the load follows slowly, and says nothing where nothing is told', () => {
  let mean: number | null = null
  for (let i = 0; i < 12; i++) mean = nextMeanLoad(mean, 100, 5000)
  expect(mean).toBeCloseTo(100 * (1 - Math.exp(-60_000 / 300_000)), 6)
  expect(nextMeanLoad(50, 50, 5000)).toBe(50)
  expect(nextMeanLoad(50, null, 5000)).toBeNull()
  expect(nextMeanLoad(50, 100, -5000)).toBe(50)
})

const july = (text: string): number => new Date(`2026-07-${text}`).getTime()
const hoursOf = (...texts: string[]) => texts.map((text) => parseWorkHours(text)!)

// The 6th is a Monday.
test.each([
  ['the end of today', ['08:00-18:00'], '06T09:00', '06T18:00'],
  ['tomorrow, over midnight', ['22:00-06:00'], '06T23:00', '07T06:00'],
  ['now, outside', ['22:00-06:00'], '06T12:00', '06T12:00'],
  [
    'the end of the later of two that touch',
    ['08:00-12:00', '12:00-18:00'],
    '06T09:00',
    '06T18:00',
  ],
  ['the end of the whole of days', ['sat-sun'], '11T09:00', '13T00:00'],
  ['Monday morning, behind a weekend', ['sat-sun', 'mon 00:00-06:00'], '11T09:00', '13T06:00'],
])('hours last until %s', (_, ranges, now, end) => {
  expect(openUntil(hoursOf(...ranges), july(now))).toBe(july(end))
})

test('hours that cover the week, and none, never end; the longest stretch is told', () => {
  const noon = july('06T12:00')
  expect(openUntil([], noon)).toBeUndefined()
  expect(openUntil(hoursOf('00:00-12:00', '12:00-24:00'), noon)).toBeUndefined()
  expect(longestOpenMs(hoursOf('22:00-06:00', 'mon 06:00-09:00'), noon)).toBe(11 * 3_600_000)
  expect(longestOpenMs(hoursOf('mon-sun'), noon)).toBeUndefined()
  expect(longestOpenMs([], noon)).toBeUndefined()
})
