import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

export const silentAfterTick: Cheat = {
  name: 'silent-after-tick',
  does: 'shows that it works, and closes nothing',
  verdict: 'LATE_COMMIT',
  bound: 'always: what has no Final in time counts for nothing',
  member: () => ({
    backend: createTamperedBackend(),
    misbehaviour: { sends: (kind) => kind === 'tick' },
  }),
}
