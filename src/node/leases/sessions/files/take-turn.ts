import { sleep } from '../../../../clock.ts'
import type { Container } from '../../../../containers/engine.ts'
import { NodeError } from '../../../../errors.ts'
import { secondsMs } from '../../../../units.ts'

/** A session that was cut off is hung up on, and its last bytes are written, within this. */
const PATIENCE_MS = secondsMs(10)
const LOOK_MS = 20

const taken = new WeakMap<Container, Set<string>>()

/**
 * One writer of a part at a time: a renter that comes back at once would else meet its own last bytes.
 * @throws REFUSED_COPIES when another copy of the same file goes on
 */
export async function takeTurn(container: Container, part: string): Promise<Disposable> {
  const parts = taken.get(container) ?? new Set()
  taken.set(container, parts)
  for (const endMs = performance.now() + PATIENCE_MS; parts.has(part); await sleep(LOOK_MS)) {
    if (performance.now() < endMs) continue
    throw new NodeError('REFUSED_COPIES', 'another copy of this file is under way', {
      next: 'wait until it has ended, then copy again',
    })
  }
  parts.add(part)
  return { [Symbol.dispose]: () => void parts.delete(part) }
}
