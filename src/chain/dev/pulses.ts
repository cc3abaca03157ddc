import { hash } from 'node:crypto'
import { type DevBeacon, devBeacon, roundAt } from '../../beacon.ts'
import { toHex } from '../hex.ts'
import type { Origin } from './chain-store.ts'
import { badParams } from './rpc-error.ts'

/** A pulse as JSON-RPC carries it. */
export interface PulseJson {
  readonly round: number
  /** 48 B in hex. */
  readonly signature: string
}

/** Rounds one call may ask for; each unknown one costs a signature of about 10 ms. */
const MAX_PULSES = 64
const KEPT = 512

/** Signs the pulses of a dev chain: never one whose time has not come. */
export class PulseSource {
  readonly beacon: DevBeacon
  readonly #nowMs: () => number
  readonly #kept = new Map<number, string>()

  constructor(origin: Origin, nowMs: () => number) {
    const secret = hash('sha256', `compute-node/dev-beacon/1\0${origin.seed}`, 'buffer')
    secret[0]! &= 0x3f // below the group's order
    this.beacon = devBeacon(new Uint8Array(secret), origin.beaconPeriodMs, origin.beaconGenesisMs)
    this.#nowMs = nowMs
  }

  info() {
    const { name, publicKey, periodMs, genesisMs } = this.beacon
    return { name, publicKey: toHex(publicKey), periodMs, genesisMs }
  }

  /** The newest round whose time has come. */
  newest(): number {
    return roundAt(this.beacon, this.#nowMs())
  }

  pulse(round: number): PulseJson {
    const signature = this.#kept.get(round) ?? toHex(this.beacon.sign(round).signature)
    this.#kept.set(round, signature)
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!)
    return { round, signature }
  }

  /** Pulses `from` to `to`, both included, as far as their time has come; the event loop breathes between them. */
  async range(from: unknown, to: unknown): Promise<PulseJson[]> {
    const valid = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 1
    if (!valid(from) || !valid(to) || to < from || to - from >= MAX_PULSES)
      throw badParams(`rounds must be whole numbers, at most ${MAX_PULSES} of them`)
    const found: PulseJson[] = []
    for (let round = from; round <= Math.min(to, this.newest()); round++) {
      found.push(this.pulse(round))
      await new Promise((resolve) => setImmediate(resolve))
    }
    return found
  }
}
