import type { ScoringConstants } from './constants.ts'
import { type Cause, median, type ScoredSlot } from './gpu-score.ts'
import { capsOf } from './offered.ts'
import type { ReasonCode } from './reason-codes.ts'
import { fedTops, streamedGiB } from './units.ts'

/** What advice rests on: how many slots are known, those that are ok, and what a unit pays. */
export interface RaiseFacts {
  readonly known: number
  readonly ok: readonly ScoredSlot[]
  readonly rate: number
  readonly isProcessor: boolean
}

type Advice = (facts: RaiseFacts, c: ScoringConstants) => string
type Told = readonly [constants: readonly (keyof ScoringConstants)[], raise: Advice]

const figure = (x: number): string => String(Number(x.toPrecision(4)))
const mid = (
  { ok }: RaiseFacts,
  reason: ReasonCode,
  name: 'gib' | 'gbps' | 'tops' | 'units' | 'forgone',
): number => median(ok.filter((s) => s.reason === reason).map((s) => s[name] ?? 0))

/** The most that an offer may ask, in every asset that has a cap. */
function caps(facts: RaiseFacts, c: ScoringConstants): string {
  const rated = mid(facts, 'OFFER_TOO_DEAR', 'forgone') * facts.rate
  return Object.entries(capsOf(c))
    .map(([asset, cap]) => `${figure(cap * rated)} ${asset}`)
    .join(', ')
}

/** When slots that failed leave the window. */
const passing = (c: ScoringConstants): string =>
  `each counts until ${c.WINDOW_SLOTS} newer slots have taken its place`

const proofOf =
  (what: string): Advice =>
  (_, c) =>
    `${what}; ${passing(c)}`

const reliability: readonly (keyof ScoringConstants)[] = ['WINDOW_SLOTS', 'RELIABILITY_EXP']

/** For every reason that lowers a term: the constants it rests on and what to do. */
const told: Partial<Record<ReasonCode, Told>> = {
  OK: [
    ['V_REF', 'B_REF', 'T_REF', 'EXP_V', 'EXP_B', 'EXP_T', 'CPU_T_REF'],
    ({ isProcessor }, c) =>
      isProcessor
        ? 'more throughput raises it in proportion'
        : `more memory (to the power of ${c.EXP_V}), bandwidth (${c.EXP_B}) or throughput (${c.EXP_T}) raises it; nothing is lost`,
  ],
  STREAM_CAPPED: [
    ['STREAM_MAX_MS'],
    (facts, c) => {
      const gbps = mid(facts, 'STREAM_CAPPED', 'gbps')
      const counted = figure(streamedGiB(gbps, c))
      return `more memory beyond ${counted} GiB raises nothing: that is what ${figure(gbps)} GB/s stream in ${c.STREAM_MAX_MS} ms; more bandwidth does`
    },
  ],
  TOPS_CAPPED: [
    ['TOPS_PER_TBS_MAX'],
    (facts, c) => {
      const gbps = mid(facts, 'TOPS_CAPPED', 'gbps')
      return `more throughput beyond ${figure(fedTops(gbps, c))} TOPS raises nothing: that is what ${figure(gbps)} GB/s feed at ${c.TOPS_PER_TBS_MAX} TOPS per TB/s; more bandwidth does`
    },
  ],
  BELOW_MINIMUM: [
    ['V_MIN', 'B_MIN', 'T_MIN', 'CPU_T_REF'],
    ({ isProcessor }, c) =>
      isProcessor
        ? 'class cpu earns nothing on this network: a GPU does'
        : `show at least ${c.V_MIN} GiB, ${c.B_MIN} GB/s and ${c.T_MIN} TOPS: end what else uses the device, or lend a larger one`,
  ],
  LEASED: [
    ['LEASED_FACTOR', 'LEASED_DUTY'],
    (_, c) =>
      `a leased device counts at most ${c.LEASED_FACTOR} of what it shows when idle: its tenant pays the rest; it counts in full once it is idle again`,
  ],
  LEASED_STALE: [
    ['LEASED_FACTOR', 'LEASED_FRESH_D', 'LEASED_DEAD_D'],
    (_, c) =>
      `prove one slot idle: ${c.LEASED_FRESH_D} days after the last one a leased device counts less and less, after ${c.LEASED_DEAD_D} nothing`,
  ],
  EXCLUSIVE_LEASE: [
    [],
    () => 'an exclusive lease proves nothing: its tenant alone pays; it counts once it ends',
  ],
  SUSPENDED: [
    ['STRIKES', 'STRIKE_SLOTS', 'SUSPEND_D'],
    (_, c) =>
      `${c.STRIKES} false values within ${c.STRIKE_SLOTS} slots: it earns again ${c.SUSPEND_D} days after the last; test its memory, lower its clocks`,
  ],
  NO_OFFER: [
    [],
    () =>
      'keep a live offer of this device that anybody may take: `compute-node offers` shows what stands',
  ],
  OFFER_TOO_DEAR: [
    ['PRICE_CAP_DEV', 'PRICE_CAP_TAO', 'PRICE_CAP_XMR', 'PRICE_CAP_SUI'],
    (facts, c) => `price at most ${caps(facts, c)} an hour`,
  ],
  SILENT: [
    reliability,
    proofOf('no work of it arrived: keep the node running, its line up and its clock right'),
  ],
  LATE_COMMIT: [
    reliability,
    proofOf('its work arrived too late: look after its line and its clock'),
  ],
  OPENINGS_MISSING: [
    reliability,
    proofOf(
      'its openings could not be had: validators must reach it for some minutes after a slot',
    ),
  ],
  BAD_VALUE: [
    [...reliability, 'STRIKES', 'STRIKE_SLOTS', 'SUSPEND_D'],
    (_, c) =>
      `it computed a false value: test its memory, lower its clocks; ${c.STRIKES} within ${c.STRIKE_SLOTS} slots suspend it for ${c.SUSPEND_D} days; ${passing(c)}`,
  ],
  EQUIVOCATION: [reliability, proofOf('it signed two different things: run one node with its key')],
  UNKNOWN_EXCESS: [
    ['UNKNOWN_MAX', 'RELIABILITY_EXP'],
    (_, c) =>
      `more than ${c.UNKNOWN_MAX} of its slots were seen by too few validators, and the rest counts as failed: make it reachable for more of them`,
  ],
  RAMPING: [['RAMP_SLOTS'], ({ known }, c) => `${c.RAMP_SLOTS - known} more ok slots`],
  NOT_LOCAL: [
    ['RATE_MIN'],
    (_, c) => `nothing raises it: no locality is paid for yet, and every GPU gets ${c.RATE_MIN}`,
  ],
  LEASE_FAILED: [
    ['LEASE_PENALTY_MAX'],
    (_, c) =>
      `keep leases running to the end of what was paid; it costs at most ${c.LEASE_PENALTY_MAX} of the score`,
  ],
  NO_EVIDENCE: [[], () => 'prove one slot before more than half of the active stake'],
}

/** Openings that are found bad have one advice. */
const otherwise: Told = [
  reliability,
  proofOf(
    'what it opened was found bad: `compute-node gpu verify` shows each check of a transcript',
  ),
]

/** What a reason rests on and what would raise the term that it lowers. */
export function raiseOf(
  reason: ReasonCode,
  facts: RaiseFacts,
  c: ScoringConstants,
): Pick<Cause, 'constants' | 'raise'> {
  const [names, raise] = told[reason] ?? otherwise
  const constants = Object.fromEntries(names.map((name) => [name, c[name]]))
  return { constants, raise: raise(facts, c) }
}
