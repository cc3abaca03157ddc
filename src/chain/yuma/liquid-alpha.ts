import {
  addBits,
  bitsOf,
  divideBits,
  expBits,
  multiplyBits,
  ONE_BITS,
  subtractBits,
} from './fixed-point.ts'
import type { LiquidAlpha } from './state.ts'

const HALF_BITS = ONE_BITS >> 1n

const clamp = (bits: bigint, low: bigint, high: bigint): bigint => {
  const below = bits < high ? bits : high
  return below > low ? below : low
}

/**
 * How much of a weight its bond takes over in one epoch, between low and high: a sigmoid of how far a raised weight
 * stands above consensus, or a lowered one below its bond. Proportions in and out (proportion.ts).
 */
export function liquidAlpha({
  low,
  high,
  steepness,
}: LiquidAlpha): (consensus: number, weight: number, bond: number) => number {
  const lowBits = divideBits(bitsOf(low), bitsOf(65_535))
  const highBits = divideBits(bitsOf(high), bitsOf(65_535))
  const slope = divideBits(bitsOf(steepness), bitsOf(-100))
  const alphaOf = (distance: bigint): bigint => {
    const power = multiplyBits(slope, subtractBits(distance, HALF_BITS))
    const sigmoid = divideBits(ONE_BITS, addBits(ONE_BITS, expBits(power)))
    const alpha = addBits(lowBits, multiplyBits(sigmoid, subtractBits(highBits, lowBits)))
    return clamp(alpha, lowBits, highBits)
  }
  const known = new Map<number, number>() // most pairs of a settled subnet share few distances
  return (consensus, weight, bond) => {
    const raised = weight >= bond
    const distance = Math.max(0, raised ? weight - consensus : bond - weight)
    const found = known.get(distance)
    if (found !== undefined) return found
    const alpha = Number(alphaOf(clamp(BigInt(distance), 0n, ONE_BITS)))
    known.set(distance, alpha)
    return alpha
  }
}
