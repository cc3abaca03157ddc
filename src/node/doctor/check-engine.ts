import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { isDockerLocal } from '../../containers/docker-address.ts'
import { type DockerFacts, dockerFacts } from '../../containers/docker-facts.ts'
import { findHostBusybox } from '../../containers/host-busybox.ts'
import { findHostSftpServer } from '../../containers/host-sftp-server.ts'
import { engineRemedy } from '../../containers/select-engine.ts'
import { messageOf, NodeError } from '../../errors.ts'
import type { Gpu } from '../../gpu/gpu.ts'
import { detectGpus } from '../../gpu/inventory.ts'
import type { Config } from '../config.ts'
import { type Finding, finding } from './finding.ts'
import { askNamed, namedFinding } from './named-engines.ts'

const TIMEOUT_MS = 5_000

type EngineConfig = Pick<Config, 'roles' | 'network' | 'engines'>

/** What leases of this machine take: an engine, a fence, GPUs. */
export async function checkEngine(config: EngineConfig, signal?: AbortSignal): Promise<Finding[]> {
  if (config.engines.length > 0) return checkNamed(config, signal)
  const facts = await dockerFacts(TIMEOUT_MS, signal).catch((error: NodeError) => error)
  // On a local network leases may run as plain processes.
  const required = config.roles.includes('miner') && config.network !== 'local'
  const found = [dockerFinding(facts, required), await checkGpus(facts)]
  if (!(facts instanceof Error)) found.push(await checkFence(required))
  found.push(...(await checkTools(facts instanceof Error)))
  return found
}

/** What an owner named instead: each engine, and what leases on it take of this machine. */
async function checkNamed(config: EngineConfig, signal?: AbortSignal): Promise<Finding[]> {
  const { engines } = config
  const required = config.roles.includes('miner')
  const asked = await askNamed(engines, signal)
  const here = asked.find(({ engine }) => engine.tls === undefined)
  const isFencedHere = engines.some((one) => one.tls === undefined && !one.fencedByOwner)
  return [
    ...asked.map((one) => namedFinding(one, required)),
    ...(here === undefined ? [] : [await checkGpus(here.facts)]),
    ...(isFencedHere ? [await checkFence(required, true)] : []),
    ...(await checkTools(false)),
  ]
}

function dockerFinding(facts: DockerFacts | NodeError, required: boolean): Finding {
  const wanted = 'Docker 20.10 or newer, for leases'
  if (facts instanceof Error) {
    return finding('docker', false, {
      required,
      actual: facts.message,
      wanted,
      remedy: engineRemedy(facts),
    })
  }
  const limits =
    facts.unlimited.length === 0 ? '' : `, without limits of ${facts.unlimited.join(', ')}`
  return finding('docker', facts.recent && limits === '', {
    required,
    actual: `Docker ${facts.version} (API ${facts.apiVersion})${limits}`,
    wanted: `${wanted}, with memory, process and CPU limits`,
    remedy: facts.recent
      ? "enable these control groups in the host's kernel"
      : 'install Docker 20.10 or newer',
  })
}

async function checkGpus(facts: DockerFacts | NodeError): Promise<Finding> {
  const wanted = 'a GPU driver that answers, and the NVIDIA container toolkit'
  let gpus: Gpu[]
  try {
    gpus = (await detectGpus()).filter(({ vendor }) => vendor === 'nvidia')
  } catch (error) {
    const remedy =
      (error instanceof NodeError ? error.next : undefined) ?? 'read what nvidia-smi says'
    return finding('gpu', false, { required: true, actual: messageOf(error), wanted, remedy })
  }
  if (gpus.length === 0) {
    return finding('gpu', true, {
      actual: 'none here: CPU capacity, for local networks',
      wanted,
      remedy: '',
    })
  }
  const names = gpus.map(({ name }) => name).join(', ')
  const usable = !(facts instanceof Error) && facts.gpus !== undefined
  return finding('gpu', usable, {
    actual: usable ? names : `${names}, which Docker cannot hand out`,
    wanted,
    remedy:
      'install nvidia-container-toolkit, then: nvidia-ctk runtime configure && systemctl restart docker',
  })
}

async function checkFence(required: boolean, local = isDockerLocal()): Promise<Finding> {
  const root = process.getuid?.() === 0
  const iptables = await onPath('iptables-restore')
  const lacks = [
    ...(local ? [] : ['the engine is on another machine']),
    ...(root ? [] : ['not root']),
    ...(iptables ? [] : ['no iptables']),
  ]
  return finding('firewall', lacks.length === 0, {
    required,
    actual: lacks.length === 0 ? 'can be set' : lacks.join(', '),
    wanted: 'leases fenced off from this machine and its private network',
    remedy: iptables
      ? 'run the miner as root where the engine runs, or fence the bridge cn-leases0 by other means'
      : 'apt-get install iptables',
  })
}

/** What leases get of this host's programs (docs/containers.md, "The toolbox"). */
async function checkTools(noDocker: boolean): Promise<Finding[]> {
  const [busybox, sftpServer] = await Promise.all([findHostBusybox(), findHostSftpServer()])
  const absent = noDocker ? 'not here, and not needed without Docker' : 'not here'
  return [
    finding('busybox-static', busybox !== undefined || noDocker, {
      actual: busybox?.path ?? absent,
      wanted:
        "for Ctrl-C, ssh and loopback services in any image, and for the devnet's image without a registry",
      remedy: 'apt-get install busybox-static',
    }),
    finding('sftp-server', sftpServer !== undefined || noDocker, {
      actual: sftpServer?.path ?? absent,
      wanted: 'for scp and sftp in images without an sftp-server',
      remedy: 'apt-get install openssh-sftp-server',
    }),
  ]
}

async function onPath(program: string): Promise<boolean> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  const found = await Promise.all(
    folders.map((folder) =>
      access(join(folder, program), constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  )
  return found.includes(true)
}
