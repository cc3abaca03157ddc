import type { SpawnOptions } from '../../../containers/engine.ts'
import type { SessionOf } from '../../../protocols/session.ts'

/** Where, as whom and with which variables a request's command runs. */
export const placeOf = ({
  env,
  workingDir,
  user,
}: Pick<SessionOf<'exec' | 'shell'>, 'env' | 'workingDir' | 'user'>): SpawnOptions => ({
  env,
  ...(workingDir === undefined ? {} : { workingDir }),
  ...(user === undefined ? {} : { user }),
})
