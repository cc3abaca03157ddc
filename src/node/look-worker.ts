/** The thread behind look-thread.ts. */
import { answerThread } from '../thread-side.ts'
import { checkEvidence, type EvidenceFinding } from './leases/check-evidence.ts'
import { type SimulationAsked, simulationAsked } from './simulate-asked.ts'
import type { Simulation } from './simulation.ts'
import { type TranscriptFinding, verifyTranscript } from './verify-transcript.ts'

answerThread({
  transcript: (content: Uint8Array): TranscriptFinding => verifyTranscript(content),
  evidence: (content: Uint8Array): EvidenceFinding => checkEvidence(content),
  simulation: (asked: SimulationAsked): Simulation => simulationAsked(asked),
})
