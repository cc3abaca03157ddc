import type { HostConfig } from 'dockerode'
import type { VolumeMount } from './engine-volumes.ts'

type Mount = NonNullable<HostConfig['Mounts']>[number]

/** The engine's name of a volume; nothing else is ever mounted by a lease but the tools. */
export const volumeSource = (id: string): string => `cn-volume-${id}`
const SOURCE = /^cn-volume-([0-9a-f]{32})$/

/** The id in an engine's name of a volume; undefined for one that is none of ours. */
export const volumeIdOf = (source: string): string | undefined => SOURCE.exec(source)?.[1]

/** Labels by which a restarted node knows its own volumes. */
export const volumeLabels = (nodeId: string, id: string): Record<string, string> => ({
  'cn.managed': '1',
  'cn.node': nodeId,
  'cn.volume': id,
})

/** How a lease's container mounts a volume: what the image has at that path is not copied into it. */
export const volumeMount = (nodeId: string, { id, path, readOnly }: VolumeMount): Mount => ({
  Type: 'volume',
  Source: volumeSource(id),
  Target: path,
  ReadOnly: readOnly,
  VolumeOptions: {
    NoCopy: true,
    Labels: volumeLabels(nodeId, id),
    DriverConfig: { Name: 'local', Options: {} },
  },
})

/** Folders where a volume would hide what the lease's confinement, or the miner's tools, need. */
const TARGET = /^(?!\/(proc|sys|dev|run|\.cn)(\/|$))(\/(?!\.{1,2}(\/|$))[A-Za-z0-9_.+@-]+)+$/

/** Whether a mount is exactly what `volumeMount` makes for this node: pure, for the last look at a container's options. */
export function isVolumeMount(mount: Mount, nodeId: string | undefined): boolean {
  const id = volumeIdOf(mount.Source)
  if (id === undefined || nodeId === undefined || !TARGET.test(mount.Target)) return false
  const { Target: path, ReadOnly: readOnly } = mount
  if (typeof readOnly !== 'boolean') return false
  return JSON.stringify(mount) === JSON.stringify(volumeMount(nodeId, { id, path, readOnly }))
}
