import { deadline } from '../../../clock.ts'
import type { Container, ContainerUsage } from '../../../containers/engine.ts'
import { secondsMs } from '../../../units.ts'

/** What is younger than this is told again: however many watch a lease, its engine is asked once. */
const FRESH_MS = 750
/** An engine of a busy machine is slow; one that takes longer has nothing to say for this sample. */
const PATIENCE_MS = secondsMs(3)

interface Look {
  readonly startMs: number
  readonly found: Promise<ContainerUsage | undefined>
  isOver: boolean
}

const looks = new WeakMap<Container, Look>()

/** What a container uses about now; undefined when its engine does not answer, or not in time. Never rejects. */
export async function lookAtUsage(container: Container): Promise<ContainerUsage | undefined> {
  const last = looks.get(container)
  // A question that still waits is not asked a second time.
  const isUsable =
    last !== undefined && (!last.isOver || performance.now() - last.startMs < FRESH_MS)
  const look = isUsable ? last : begin(container)
  using limit = deadline(undefined, PATIENCE_MS)
  const late = new Promise<undefined>((resolve) =>
    limit.signal.addEventListener('abort', () => resolve(undefined), { once: true }),
  )
  return await Promise.race([look.found, late])
}

function begin(container: Container): Look {
  const look: Look = {
    startMs: performance.now(),
    isOver: false,
    found: container
      .usage()
      .catch(() => undefined) // of a container that is gone its lease's end tells
      .finally(() => {
        look.isOver = true
      }),
  }
  looks.set(container, look)
  return look
}
