import type { Exec } from '../../../containers/engine.ts'
import { codeOf, messageOf } from '../../../errors.ts'
import { controlToRenter } from '../../../protocols/session.ts'

/** The exit code, or that the engine cannot tell. */
export async function outcomeOf(exec: Exec): Promise<Uint8Array> {
  try {
    return controlToRenter.encode({ kind: 'exit', exitCode: (await exec.exitCode) & 255 })
  } catch (error) {
    const message = messageOf(error)
      .replace(/\p{Cc}+/gu, ' ')
      .slice(0, 500)
    return controlToRenter.encode({ kind: 'failed', code: codeOf(error), message })
  }
}
