import { messageOf } from '../../errors.ts'

/** A round that failed: in which stage, and why (`cause`). */
export class StageFailure extends Error {
  readonly stage: string

  constructor(stage: string, cause: unknown) {
    super(messageOf(cause), { cause })
    this.stage = stage
  }
}

/** Runs the work of one stage; a failure names it, and the inner one when stages nest. */
export async function inStage<T>(stage: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof StageFailure ? error : new StageFailure(stage, error)
  }
}
