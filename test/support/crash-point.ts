import type { DepositRail } from '../../src/chain/payment-rail.ts'
import type { Container, Engine } from '../../src/containers/engine.ts'
import type { LeaseState } from '../../src/lease-states.ts'
import type { LeaseRecords } from '../../src/node/leases/lease-records.ts'

/**
 * A step of a node's work on a lease, after which it is killed: a state was stored, the engine or the ledger did
 * something. `signed`: the second countersignature was stored. `…ing`: just before.
 */
export type CrashPoint =
  | `stored ${LeaseState}`
  | 'stored signed'
  | 'pulling'
  | 'created'
  | 'started'
  | 'paused'
  | 'resumed'
  | 'removed'
  | 'opening'
  | 'opened'
  | 'settled'

/** Wraps what a node works with, so that nothing of it goes on from a point; what was done before stays done. */
export function crashPoint(at: CrashPoint, there: () => void) {
  let isThere = false
  const forever = (): Promise<never> => new Promise(() => undefined)

  /** Goes on, unless this is the point or the point was reached. */
  async function pass(step: CrashPoint): Promise<void> {
    if (step === at && !isThere) {
      isThere = true
      there()
    }
    if (isThere) await forever()
  }

  const container = (one: Container): Container => {
    const after = async <T>(work: Promise<T>, step: CrashPoint): Promise<T> => {
      if (isThere) return forever()
      const done = await work
      await pass(step)
      return done
    }
    // Its getters stay: a copy would freeze them.
    return new Proxy(one, {
      get(target, name, receiver) {
        if (name === 'start') return () => after(target.start(), 'started')
        if (name === 'pause') return () => after(target.pause(), 'paused')
        if (name === 'resume') return () => after(target.resume(), 'resumed')
        if (name === 'remove') return (options: object) => after(target.remove(options), 'removed')
        return Reflect.get(target, name, receiver)
      },
    })
  }

  return {
    engine: (engine: Engine): Engine => ({
      ...engine,
      async ensureImage(image, options) {
        await pass('pulling')
        return engine.ensureImage(image, options)
      },
      async create(spec) {
        const made = await engine.create(spec)
        await pass('created')
        return container(made)
      },
    }),
    rail: (rail: DepositRail): DepositRail => ({
      ...rail,
      escrow: {
        ...rail.escrow,
        async open(options) {
          await pass('opening')
          await rail.escrow.open(options)
          await pass('opened')
        },
        async settle(leaseId, claim) {
          if (isThere) return forever()
          const escrow = await rail.escrow.settle(leaseId, claim)
          await pass('settled')
          return escrow
        },
      },
    }),
    /** Its own methods are replaced: the node has them already. */
    records<T extends { leaseId: Uint8Array; state: LeaseState; acknowledgedSeq: number }>(
      records: LeaseRecords<T>,
    ): void {
      const put = records.putWithReceipts.bind(records)
      Object.assign(records, {
        async putWithReceipts(...[lease, receipts]: Parameters<typeof put>) {
          if (isThere) return forever()
          await put(lease, receipts)
          await pass(`stored ${lease.state}`)
          if (lease.acknowledgedSeq >= 2) await pass('stored signed')
        },
      })
    },
  }
}
