import { NodeError } from '../errors.ts'
import { parseWorkHours } from '../gpu/work-hours.ts'
import { peerIdText } from '../protocols/fields.ts'
import { imageName } from '../protocols/image-name.ts'
import { type AskedVolume, askedVolumes } from '../protocols/volumes.ts'
import { GiB, hoursMs, KiB, MiB, minutesMs, secondsMs } from '../units.ts'

/** Where an option belongs in help: `node` options matter to `--role`, `command` options to commands that list them. */
export type OptionScope = 'global' | 'network' | 'node' | 'command'

/** One option of the command line, the environment and the configuration file. */
export interface Option<T> {
  readonly scope: OptionScope
  readonly describe: string
  /** Shown in help after the flag, e.g. `FILE`; absent on switches. */
  readonly placeholder?: string
  /** The flag's name where it is not the key in kebab-case. */
  readonly flag?: string
  /** One letter. */
  readonly short?: string
  readonly isSwitch?: boolean
  /** What it means without a value, which then stands only behind `=`: `--wait`, `--wait=10m`. */
  readonly bare?: string
  readonly isList?: boolean
  /** Relative paths are resolved against the working folder, or the folder of the file that names them. */
  readonly isPath?: boolean
  /** Values of the file may be objects: `parse` gets each as JSON. */
  readonly isJson?: boolean
  readonly default: T
  /** The default as a person writes it, where `String` would not. */
  readonly defaultText?: string
  /**
   * From every occurrence as written, in order, to the value; throws BAD_CONFIG saying what was expected. `absolute`
   * resolves a path in it as `isPath` says.
   */
  parse(raws: readonly string[], absolute: Parse<string>): T
}

type Extras = Pick<Option<unknown>, 'flag' | 'short' | 'isPath' | 'defaultText' | 'bare'>
/** From text to a value; throws BAD_CONFIG saying what was expected. */
export type Parse<T> = (raw: string) => T

/** An option with a value; the last one given counts. */
export const option = <T>(
  scope: OptionScope,
  describe: string,
  placeholder: string,
  parse: Parse<T>,
  fallback: T,
  extras: Extras = {},
): Option<T> => ({
  scope,
  describe,
  placeholder,
  default: fallback,
  parse: (raws) => parse(raws.at(-1)!),
  ...extras,
})

/** An option that may be absent. */
export const maybe = <T>(
  scope: OptionScope,
  describe: string,
  placeholder: string,
  parse: Parse<T>,
  extras: Extras = {},
): Option<T | undefined> =>
  option<T | undefined>(scope, describe, placeholder, parse, undefined, extras)

/** An option that may be repeated or hold several values separated by commas. */
export const list = <T>(
  scope: OptionScope,
  describe: string,
  placeholder: string,
  parse: Parse<T>,
  fallback: readonly T[] = [],
  extras: Extras = {},
): Option<readonly T[]> => ({
  scope,
  describe,
  placeholder,
  isList: true,
  default: fallback,
  parse: (raws) =>
    raws.flatMap((raw) =>
      raw
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
        .map(parse),
    ),
  ...extras,
})

/** An option without a value; `--no-…` turns it off. */
export const flag = (
  scope: OptionScope,
  describe: string,
  fallback = false,
  extras: Extras = {},
): Option<boolean> => ({
  scope,
  describe,
  isSwitch: true,
  default: fallback,
  parse: (raws) => truth(raws.at(-1)!),
  ...extras,
})

/** An option that may be repeated, each time `NAME=VALUE`; a value may hold commas. */
export const pairs = (
  scope: OptionScope,
  describe: string,
  placeholder: string,
  name = /^[A-Za-z_][A-Za-z0-9_]*$/,
): Option<Readonly<Record<string, string>>> => ({
  scope,
  describe,
  placeholder,
  isList: true,
  default: {},
  defaultText: '',
  parse: (raws) =>
    Object.fromEntries(
      raws.map((raw) => {
        const [, key, value] = /^([^=]+)=(.*)$/s.exec(raw) ?? []
        if (key === undefined || value === undefined || !name.test(key)) {
          throw expected('NAME=VALUE', raw)
        }
        return [key, value]
      }),
    ),
})

const expected = (what: string, raw: string): NodeError =>
  new NodeError('BAD_CONFIG', `expected ${what}, got ${JSON.stringify(raw)}`)

const truth: Parse<boolean> = (raw) => {
  if (/^(true|1|yes|on)$/i.test(raw)) return true
  if (/^(false|0|no|off|)$/i.test(raw)) return false
  throw expected('true or false', raw)
}

/** Any text but none. */
export const text: Parse<string> = (raw) => {
  if (raw === '') throw expected('a value', raw)
  return raw
}

/** A name of letters, digits, dots, dashes and underscores. */
export const word: Parse<string> = (raw) => {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/.test(raw)) throw expected('a name', raw)
  return raw
}

/** One of the words. */
export const oneOf =
  <const V extends readonly string[]>(...words: V): Parse<V[number]> =>
  (raw) => {
    if (!words.includes(raw)) throw expected(words.join(' or '), raw)
    return raw
  }

/** A whole number within bounds, both included. */
export const whole =
  (least = 0, most = Number.MAX_SAFE_INTEGER): Parse<number> =>
  (raw) => {
    const value = Number(raw)
    if (/^\d+$/.test(raw) && value >= least && value <= most) return value
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`
    throw expected(`a whole number, ${range}`, raw)
  }

/** The hours of a lease: terms are for a second at least, for a leap year at most (protocols/terms.ts). */
export const leaseHours: Parse<number> = (raw) => {
  const value = Number(raw)
  if (raw.trim() === '' || !(hoursMs(value) >= 1000 && value <= 24 * 366)) {
    throw expected('hours such as 2 or 0.5, at most 8784 (a year)', raw)
  }
  return value
}

/** The name of a container image. */
export const image: Parse<string> = (raw) => {
  if (!imageName().safeParse(raw).success) {
    throw expected('an image such as pytorch/pytorch or registry.example/name:tag', raw)
  }
  return raw
}

/** The word `off` as null, anything else as `parse` reads it: an option that a person can take back. */
export const orOff =
  <T>(parse: Parse<T>): Parse<T | null> =>
  (raw) =>
    raw.toLowerCase() === 'off' ? null : parse(raw)

/** A PeerId, or the word that takes a list of them back. */
export const peerOr =
  (word: string): Parse<string> =>
  (raw) => {
    if (raw.toLowerCase() === word) return word
    if (isPeerId(raw)) return raw
    throw expected(`a PeerId, or ${word}`, raw)
  }

/** A PeerId. */
export const peer: Parse<string> = (raw) => {
  if (!isPeerId(raw)) throw expected('a PeerId such as compute-node status shows', raw)
  return raw
}

const isPeerId = (raw: string): boolean => peerIdText().safeParse(raw).success

/** Above 0 and at most 100, with two places at most. */
export const percent: Parse<number> = (raw) => {
  const value = Number(raw)
  if (/^\d{1,3}(\.\d{1,2})?$/.test(raw) && value > 0 && value <= 100) return value
  throw expected('percent above 0, at most 100, such as 5 or 2.5', raw)
}

/** When a machine works, in local time, or the word `always`. */
export const hours: Parse<string> = (raw) => {
  if (raw.toLowerCase() === 'always') return 'always'
  if (parseWorkHours(raw) !== undefined) return raw
  throw expected('hours such as 22:00-06:00, sat-sun or "mon-fri 18:00-08:00", or always', raw)
}

/** A part of a whole, 0 to 1. */
export const share: Parse<number> = (raw) => {
  const value = Number(raw)
  if (raw.trim() === '' || !(value >= 0 && value <= 1)) throw expected('a number from 0 to 1', raw)
  return value
}

/** Money as a decimal string, at most 6 places. */
export const price: Parse<string> = (raw) => {
  if (!/^\d{1,12}(\.\d{1,6})?$/.test(raw)) throw expected('a price such as 1.25', raw)
  return raw
}

/** An amount, or one for a uid: `1000`, `3=1000`. */
export const stakeOf: Parse<string> = (raw) => {
  const [uid, amount, more] = raw.includes('=') ? raw.split('=') : ['0', raw]
  if (amount !== undefined && more === undefined && /^\d{1,5}$/.test(uid!)) {
    if (/^\d{1,12}(\.\d{1,6})?$/.test(amount)) return raw
  }
  throw expected('an amount such as 1000, or UID=ALPHA such as 3=1000', raw)
}

/** One weight of a validator: `0:7=65535`. */
export const weightOf: Parse<{ from: number; to: number; value: number }> = (raw) => {
  const [, from, to, value] = /^(\d{1,5}):(\d{1,5})=(\d{1,5})$/.exec(raw) ?? []
  const [a, b, weight] = [from, to, value].map(Number) as [number, number, number]
  if (value !== undefined && weight <= 65_535) return { from: a, to: b, value: weight }
  throw expected('VALIDATOR:MINER=WEIGHT up to 65535, such as 0:7=65535', raw)
}

/** Validators and the miner they favour: `0+1:7`. */
export const cabalOf: Parse<{ validators: number[]; miner: number }> = (raw) => {
  const [, validators, miner] = /^(\d{1,5}(?:\+\d{1,5})*):(\d{1,5})$/.exec(raw) ?? []
  if (validators === undefined) throw expected('UID+UID:MINER, such as 0+1:7', raw)
  return { validators: validators.split('+').map(Number), miner: Number(miner) }
}

/** 32 bytes in hex, with or without 0x; kept without, in lower case. */
export const hex32: Parse<string> = (raw) => {
  const digits = raw.replace(/^0x/, '').toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(digits)) throw expected('64 hex digits', raw)
  return digits
}

/** A multiaddr's outer shape; libp2p judges the rest when it listens or dials. */
export const multiaddr: Parse<string> = (raw) => {
  if (!/^(\/[\w.:%-]+){2,}$/.test(raw))
    throw expected('a multiaddr such as /ip4/0.0.0.0/tcp/4501', raw)
  return raw
}

/** A WebSocket address of a chain node. */
export const webSocketUrl: Parse<string> = (raw) => {
  if (!URL.canParse(raw) || !/^wss?:$/.test(new URL(raw).protocol)) {
    throw expected('an address such as ws://127.0.0.1:9944', raw)
  }
  return raw
}

/** A base address of a web service, kept without the slash at its end. */
export const httpUrl: Parse<string> = (raw) => {
  if (!URL.canParse(raw) || !/^https?:$/.test(new URL(raw).protocol)) {
    throw expected('an address such as https://api.drand.sh', raw)
  }
  return raw.replace(/\/+$/, '')
}

const withUnit = (units: Readonly<Record<string, number>>, what: string): Parse<number> => {
  const byLowerCase = new Map(Object.entries(units).map(([name, n]) => [name.toLowerCase(), n]))
  return (raw) => {
    const match = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(raw.trim())
    const unit = byLowerCase.get(match?.[2]?.toLowerCase() ?? '')
    if (match === null || unit === undefined) throw expected(what, raw)
    return Math.round(Number(match[1]) * unit)
  }
}

/** A length of time with its unit, in milliseconds. */
export const duration: Parse<number> = withUnit(
  { ms: 1, s: secondsMs(1), m: minutesMs(1), h: hoursMs(1), d: hoursMs(24) },
  'a time with a unit, such as 500ms, 30s, 5m, 2h or 1d',
)

/** How long ago, in milliseconds, or a moment as ISO 8601 has it. */
export const ago: Parse<number | string> = (raw) => {
  if (/^\d{4}-\d\d-\d\d/.test(raw) && !Number.isNaN(Date.parse(raw))) return raw
  return withUnit(
    { ms: 1, s: secondsMs(1), m: minutesMs(1), h: hoursMs(1), d: hoursMs(24) },
    'a time such as 10m, 2h or 2026-01-02T03:04:05Z',
  )(raw)
}

/** A size with its unit, in bytes. */
export const size: Parse<number> = withUnit(
  { B: 1, KiB, MiB, GiB, TiB: 1024 * GiB, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  'a size with a unit, such as 512MiB or 2GiB',
)

/** A name of one request among all of its kind; as an HTTP header carries it. */
export const idempotencyKey: Parse<string> = (raw) => {
  if (typeof raw === 'string' && /^[\x21-\x7e]{1,128}$/.test(raw)) return raw
  throw expected('1 to 128 printable ASCII characters without spaces', raw)
}

/** What outlives a lease and where it appears in it: `NAME:/PATH`, then a size and `ro` as they are wanted. */
export const volume: Parse<AskedVolume> = (raw) => {
  const [name = '', path = '', ...rest] = raw.split(':')
  const readOnly = rest.at(-1) === 'ro'
  const [sized, more] = readOnly ? rest.slice(0, -1) : rest
  const asked = {
    name,
    path,
    ...(sized === undefined ? {} : { sizeMiB: Math.ceil(size(sized) / MiB) }),
    ...(readOnly ? { readOnly } : {}),
  }
  const found = askedVolumes().safeParse([asked])
  if (more === undefined && found.success) return found.data[0]!
  throw expected('a volume such as data:/data, data:/data:10GiB or data:/data:ro', raw)
}
