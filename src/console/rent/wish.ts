import { isAmount } from '../leases/amount.ts'

/** A variable, a volume: rows that a person fills in. */
export interface EnvRow {
  readonly name: string
  readonly value: string
}
export interface VolumeRow {
  readonly name: string
  readonly path: string
  /** GiB; empty: what there is, or what the miner gives. */
  readonly size: string
  readonly readOnly: boolean
  /** It holds what can be had again: without it is better than not at all. */
  readonly isCache?: boolean
}

/** What stands in the form, as typed. */
export interface Wish {
  readonly image: string
  readonly command: string
  readonly env: readonly EnvRow[]
  readonly volumes: readonly VolumeRow[]
  readonly ports: string
  readonly name: string
  readonly hours: string
  readonly devices: number
  readonly exclusive: boolean
  readonly maxCost: string
  readonly maxDailyCost: string
  readonly username: string
  readonly password: string
  readonly waits: boolean
  readonly waitHours: string
}

export const emptyWish: Wish = {
  image: '',
  command: '',
  env: [],
  volumes: [],
  ports: '',
  name: '',
  hours: '1',
  devices: 0,
  exclusive: false,
  maxCost: '',
  maxDailyCost: '',
  username: '',
  password: '',
  waits: false,
  waitHours: '24',
}

/** What is wrong, at its place: the name of a field, with the row's number behind it. */
export type Faults = Readonly<Record<string, string>>

const HOUR_MS = 3_600_000
const MIB_PER_GIB = 1024
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/
const VOLUME = /^[a-z0-9][a-z0-9._-]{0,62}$/
const FOLDER = /^(\/[A-Za-z0-9_.+@-]+)+$/
const IMAGE = /^[a-z0-9][\w./:@-]*$/i

export const hoursMs = (text: string): number => Math.round(Number(text) * HOUR_MS)

/** What keeps a wish from being sent; empty when nothing does. */
export function faultsOf(wish: Wish): Faults {
  const found: Record<string, string> = {}
  const check = (place: string, isRight: boolean, text: string): void => {
    if (!isRight) found[place] = text
  }
  check('image', wish.image === '' || IMAGE.test(wish.image), 'an image such as ubuntu:24.04')
  check('command', wordsOf(wish.command) !== undefined, 'a quote is not closed')
  check('hours', hoursMs(wish.hours) >= 1000, 'a number of hours, e.g. 1 or 0.5')
  check('maxCost', wish.maxCost === '' || isAmount(wish.maxCost), 'an amount, e.g. 2.5')
  check(
    'maxDailyCost',
    wish.maxDailyCost === '' || isAmount(wish.maxDailyCost),
    'an amount, e.g. 10',
  )
  check('ports', portsOf(wish.ports) !== undefined, 'numbers from 1 to 65535')
  check('password', (wish.username === '') === (wish.password === ''), 'both, or neither')
  check('waitHours', !wish.waits || hoursMs(wish.waitHours) > 0, 'a number of hours')
  for (const [i, { name }] of wish.env.entries()) {
    check(`env${i}`, name === '' || VARIABLE.test(name), 'letters, digits and _')
  }
  for (const [i, { name, path, size }] of wish.volumes.entries()) {
    check(`volume${i}`, VOLUME.test(name), 'a name such as data')
    check(`path${i}`, FOLDER.test(path), 'a path such as /data')
    check(`size${i}`, size === '' || Number(size) * MIB_PER_GIB >= 16, 'GiB, e.g. 10')
  }
  return found
}

/** The words of a command line: quotes keep blanks together, a backslash keeps what follows; undefined: a quote is open. */
export function wordsOf(line: string): readonly string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!
    if (quote !== '') {
      if (char === quote) quote = ''
      else if (char === '\\' && quote === '"') word += line[++i] ?? ''
      else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else {
      word = (word ?? '') + (char === '\\' ? (line[++i] ?? '') : char)
    }
  }
  if (quote !== '') return undefined
  return word === undefined ? words : [...words, word]
}

/** Words as they would be typed. */
export const lineOf = (words: readonly string[]): string =>
  words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ')

function portsOf(text: string): readonly number[] | undefined {
  const all = text.split(/[\s,]+/).filter(Boolean)
  const isRight = all.every(
    (one) => /^\d{1,5}$/.test(one) && Number(one) >= 1 && Number(one) <= 65_535,
  )
  return isRight ? all.map(Number) : undefined
}

/** The body of `POST /v1/leases` for one offer; `name` is what its events are told under. */
export function bodyOf(wish: Wish, offer: string, name: string, caches = true): object {
  const command = wordsOf(wish.command) ?? []
  const env = wish.env.filter((one) => one.name !== '')
  const ports = portsOf(wish.ports) ?? []
  const volumes = wish.volumes.filter(({ isCache }) => caches || isCache !== true)
  return {
    query: offer,
    name,
    ...(wish.image === '' ? {} : { image: wish.image }),
    ...(command.length === 0 ? {} : { command }),
    ...(env.length === 0
      ? {}
      : { env: Object.fromEntries(env.map((one) => [one.name, one.value])) }),
    ...(ports.length === 0 ? {} : { ports }),
    ...(wish.name.trim() === '' ? {} : { labels: { name: wish.name.trim() } }),
    ...(wish.devices === 0 ? {} : { devices: wish.devices }),
    ...(wish.exclusive ? { exclusive: true } : {}),
    ...(wish.maxCost === '' ? {} : { maxCost: wish.maxCost }),
    ...(wish.maxDailyCost === '' ? {} : { maxDailyCost: wish.maxDailyCost }),
    ...(wish.username === ''
      ? {}
      : { registryAuth: { username: wish.username, password: wish.password } }),
    ...(wish.waits ? { waitMs: hoursMs(wish.waitHours) } : {}),
    durationMs: hoursMs(wish.hours),
    volumes: volumes.map(({ name: called, path, size, readOnly }) => ({
      name: called,
      path,
      ...(size === '' ? {} : { sizeMiB: Math.round(Number(size) * MIB_PER_GIB) }),
      ...(readOnly ? { readOnly: true } : {}),
    })),
  }
}
