import { homedir } from 'node:os'
import { join } from 'node:path'
import type { ControlClient } from '../control/client.ts'
import type { LeaseView } from '../leases/lease-view.ts'
import { createOutput } from '../output.ts'
import {
  hostsFile,
  include,
  includeLine,
  isIncluded,
  renderHosts,
  type SshHost,
  writeHosts,
} from '../ssh/config-file.ts'
import { hostName, leaseHostKey } from '../ssh/host-key.ts'
import { sshOptions } from '../ssh/proxy-command.ts'
import { withNode } from '../with-node.ts'
import type { CommandContext, Run } from './command.ts'
import { askConsent, type Question } from './consent.ts'
import { type NamedLease, nameLease } from './name-lease.ts'

/** What `ssh-config --json` prints. */
export interface SshConfigResult {
  readonly hosts: readonly { readonly host: string; readonly lease: string }[]
  /** The configuration, as ssh(1) reads it. */
  readonly config: string
  /** Where it was written; null without `--write`. */
  readonly file: string | null
}

/**
 * Prints ssh's configuration of the leases that run, or of those named; with `--write` keeps it in a file that ssh's
 * own configuration includes, after asking whether it may.
 */
export const sshConfig: Run = (context) =>
  withNode(context, async (client) => {
    const { config, terminal } = context
    const output = createOutput(terminal, config)
    const leases = await wanted(client, context.args)
    const hosts = await Promise.all(leases.map((lease) => hostOf(context, lease)))
    if (config.write) await write(context, hosts)
    const result: SshConfigResult = {
      hosts: leases.map(({ id }) => ({ host: hostName(id), lease: id })),
      config: renderHosts(hosts),
      file: config.write ? hostsFile(config.dataDir) : null,
    }
    const names = result.hosts.map(({ host }) => `ssh ${host}`)
    output.value(result, () =>
      config.write ? names.join('\n') || 'no lease runs' : result.config.trimEnd(),
    )
    return 0
  })

async function wanted(client: ControlClient, named: readonly string[]): Promise<NamedLease[]> {
  if (named.length > 0) return Promise.all(named.map((text) => nameLease(client, text)))
  const { items } = await client.get<{ items: LeaseView[] }>('/v1/leases')
  return items.filter(({ over }) => !over).map(({ id }) => ({ id, lease: id }))
}

const hostOf = async (context: CommandContext, { id, lease }: NamedLease): Promise<SshHost> => ({
  name: hostName(id),
  options: sshOptions(context, lease, await leaseHostKey(context.config.dataDir, id)),
})

/** @throws BAD_CONFIG_CONSENT and REFUSED_CONSENT where the person has not agreed to a change of ssh's own configuration */
async function write(context: CommandContext, hosts: readonly SshHost[]): Promise<void> {
  const { dataDir } = context.config
  const ownConfig = join(homedir(), '.ssh', 'config')
  await writeHosts(dataDir, hosts)
  if (await isIncluded(ownConfig, dataDir)) return
  await askConsent(context, questionOf(context, ownConfig))
  await include(ownConfig, dataDir)
}

const questionOf = ({ config }: CommandContext, file: string): Question => ({
  what: `This puts \`${includeLine(config.dataDir)}\` at the top of ${file}.`,
  declined: `${file} was not changed`,
  next: 'add --yes to agree, or put the line there yourself',
})
