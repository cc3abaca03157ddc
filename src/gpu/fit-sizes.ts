import type { ProofSizes } from './backend.ts'
import { smallerSizes } from './choose-sizes.ts'
import { isOutOfMemory, type Prover } from './prover.ts'

/** Prepares the largest sizes below these that a device has memory for; undefined when there are none. */
export async function fitSizes(
  prover: Pick<Prover, 'prepare'>,
  tooLarge: ProofSizes,
  minN: number,
): Promise<ProofSizes | undefined> {
  let sizes = smallerSizes(tooLarge, minN)
  while (sizes !== undefined) {
    try {
      await prover.prepare(sizes)
      return sizes
    } catch (error) {
      if (!isOutOfMemory(error)) throw error
      sizes = smallerSizes(sizes, minN)
    }
  }
  return undefined
}
