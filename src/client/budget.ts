import type { Lease as LeaseView } from '../api/leases.ts'
import { NodeError } from '../errors.ts'
import type { HttpClient } from './http-client.ts'

/** More decimals than any asset has. */
const DECIMALS = 18

/** Names one order; a second try under it does nothing twice. */
export const spendingKey = (): string => crypto.randomUUID()

/** What all leases of one connection may cost together. */
export interface Budget {
  /**
   * The most that one more lease may cost, or `grown` in all, as a decimal: what is left, or `wanted` where that is less.
   * @throws REFUSED_BUDGET when nothing is left
   */
  most(wanted: string | undefined, grown?: LeaseView): Promise<string>
  /** One after the other: what one order takes, the next one does not have. */
  inTurn<T>(order: () => Promise<T>): Promise<T>
  /** Counts a lease from now on: all that it can cost while it runs, later what it did. */
  count(lease: LeaseView): void
}

/** @throws BAD_CONFIG_VALUE unless `total` is a decimal such as `2.5` */
export function createBudget(http: HttpClient, total: string, life: AbortSignal): Budget {
  const counted = new Map<string, LeaseView>()
  const most = unitsOf(total)
  let last: Promise<unknown> = Promise.resolve()
  const spent = async (without: string | undefined): Promise<bigint> => {
    let sum = 0n
    for (const [id, known] of counted) {
      if (id === without) continue
      const path = `/v1/leases/${id}`
      const lease = isFinal(known) ? known : await http.ask<LeaseView>({ path, signal: life })
      counted.set(id, lease)
      sum += unitsOf(lease.over ? (lease.settled ?? lease.owed) : lease.cap)
    }
    return sum
  }
  return {
    async most(wanted, grown) {
      const left = most - (await spent(grown?.id))
      if (left <= 0n) throw noneLeft(total)
      return wanted !== undefined && unitsOf(wanted) < left ? wanted : decimalOf(left)
    },
    inTurn(order) {
      const turn = last.then(order)
      last = turn.catch(() => undefined) // whoever ordered is told
      return turn
    },
    count: (lease) => void counted.set(lease.id, lease),
  }
}

const isFinal = ({ over, settled }: LeaseView): boolean => over && settled !== null

/** A decimal in units of 10^-18. */
export function unitsOf(decimal: string): bigint {
  const [, whole, fraction = ''] = /^(\d{1,18})(?:\.(\d{1,18}))?$/.exec(decimal) ?? []
  if (whole === undefined) {
    throw new NodeError('BAD_CONFIG_VALUE', `"${decimal}" is no amount: write it like 2.5`)
  }
  return BigInt(whole) * 10n ** BigInt(DECIMALS) + BigInt(fraction.padEnd(DECIMALS, '0'))
}

export function decimalOf(units: bigint): string {
  const digits = units.toString().padStart(DECIMALS + 1, '0')
  return `${digits.slice(0, -DECIMALS)}.${digits.slice(-DECIMALS)}`.replace(/\.?0+$/, '')
}

const noneLeft = (total: string): NodeError =>
  new NodeError('REFUSED_BUDGET', `the budget of ${total} is used up by leases that run or ran`, {
    next: 'stop a lease that is not needed, or connect with a larger budget',
  })
