/** The thread behind pulse-verifier.ts. */
import { type Beacon, type BeaconInfo, createBeacon } from './beacon.ts'
import { answerThread } from './thread-side.ts'

interface Job {
  readonly info: BeaconInfo
  readonly round: number
  readonly signature: Uint8Array
}

let beacon: Beacon | undefined

answerThread({
  verify({ info, round, signature }: Job): boolean {
    beacon ??= createBeacon(info)
    return beacon.verify(round, signature) !== null
  },
})
