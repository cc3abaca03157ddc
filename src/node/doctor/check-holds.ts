import { type DiskQuota, probeDiskQuota } from '../../containers/disk-quota.ts'
import { createDockerClient } from '../../containers/docker-client.ts'
import { chooseRuntime } from '../../containers/docker-engine.ts'
import { type DockerFacts, dockerFacts } from '../../containers/docker-facts.ts'
import { createHolderImage } from '../../containers/holder-image.ts'
import type { Config } from '../config.ts'
import { type Finding, finding } from './finding.ts'

const TIMEOUT_MS = 5_000
/** Runtimes that stand between a tenant and the host's kernel, or its root: docs/containers.md, "Runtimes". */
const STRONGER = ['runsc', 'sysbox-runc'] as const
/** The engine's own names for runc. */
const SAME_AS_RUNC = /^io\.containerd\.(runc|runtime)\./

type HoldsConfig = Pick<Config, 'roles' | 'network'> & { readonly runtime?: string | undefined }

/** What would hold a tenant here: disk quota and runtime. A container is overfilled for it. Nothing without an engine. */
export async function checkHolds(config: HoldsConfig, signal?: AbortSignal): Promise<Finding[]> {
  const docker = createDockerClient()
  const facts = await dockerFacts(TIMEOUT_MS, signal, docker).catch(() => undefined) // `docker` says why
  if (facts === undefined) return []
  const quota = await probeDiskQuota({
    ...{ docker, storageDriver: facts.storageDriver, helperImage: createHolderImage(docker) },
  })
  return [quotaFinding(facts, quota), runtimeFinding(facts, config)]
}

/** What the trial showed, and how to get a quota where there is none. */
export const quotaFinding = (
  facts: Pick<DockerFacts, 'storageDriver' | 'backingFilesystem' | 'dataRoot'>,
  quota: DiskQuota,
): Finding => {
  const storage = storageOf(facts)
  return finding('disk-quota', quota.held, {
    actual: quota.held
      ? `${storage}: a container was held to its size`
      : `${storage}: none (${quota.why})`,
    wanted:
      'storage that ends the growth of leases; else what they write is measured now and then, and one that wrote too much is ended',
    remedy: remedyFor(facts),
  })
}

const storageOf = ({ storageDriver, backingFilesystem }: Parameters<typeof quotaFinding>[0]) =>
  backingFilesystem === undefined ? storageDriver : `${storageDriver} on ${backingFilesystem}`

function remedyFor(facts: Parameters<typeof quotaFinding>[0]): string {
  const { storageDriver, backingFilesystem, dataRoot } = facts
  if (storageDriver === 'overlay2' && backingFilesystem === 'xfs') {
    return `mount the xfs of ${dataRoot} with pquota (a root file system: rootflags=pquota at boot; the kernel must have CONFIG_XFS_QUOTA), and restart the engine`
  }
  if (storageDriver === 'btrfs' || storageDriver === 'zfs') {
    return `look at what the engine logs, and at the quotas of ${dataRoot}`
  }
  return `keep the engine's data (${dataRoot}) on xfs mounted with pquota, on btrfs or on zfs; images are pulled anew there`
}

/** Which runtime leases get, and what else there is. */
export function runtimeFinding(
  { runtimes }: Pick<DockerFacts, 'runtimes'>,
  { roles, network, runtime }: HoldsConfig,
): Finding {
  const has = runtime === undefined || runtimes.includes(runtime)
  const known = runtimes.filter((name) => !SAME_AS_RUNC.test(name))
  const absent = STRONGER.filter((name) => !known.includes(name))
  const parts = [
    has
      ? `leases run in ${chooseRuntime(runtimes, runtime) ?? "the engine's default"}`
      : `there is no ${runtime}`,
    ...(known.length > 0 ? [`known: ${known.join(', ')}`] : []),
    ...(absent.length > 0 ? [`not here: ${absent.join(', ')}`] : []),
  ]
  return finding('runtime', has, {
    required: roles.includes('miner') && network !== 'local',
    actual: parts.join('; '),
    wanted: 'the runtime of --runtime; runc where none is named',
    remedy: `install ${runtime} and name it in "runtimes" of the engine's daemon.json, or change --runtime`,
  })
}
