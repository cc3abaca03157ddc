import { runExec } from './sessions/exec-session.ts'
import { runFiles } from './sessions/files-session.ts'
import { runLogin } from './sessions/login-session.ts'
import { runLogs } from './sessions/logs-session.ts'
import { runPort } from './sessions/port-session.ts'
import type { SessionRun } from './sessions/session-run.ts'
import { runResume, runShell } from './sessions/shell-session.ts'
import { runSnapshot } from './sessions/snapshot-session.ts'
import { runUsage } from './sessions/usage-session.ts'

/** Runs one session in a container until it is over or its renter leaves. Each kind is a file of `sessions/`. */
export function runSession(run: SessionRun): Promise<void> {
  const { request } = run
  switch (request.kind) {
    case 'exec':
      return runExec({ ...run, request })
    case 'shell':
      return runShell({ ...run, request })
    case 'resume':
      return runResume({ ...run, request })
    case 'logs':
      return runLogs({ ...run, request })
    case 'login':
      return runLogin({ ...run, request })
    case 'port':
      return runPort({ ...run, request })
    case 'files':
      return runFiles({ ...run, request })
    case 'snapshot':
      return runSnapshot({ ...run, request })
    case 'usage':
      return runUsage({ ...run, request })
  }
}
