import { NodeError } from '../errors.ts'
import type { FileTools } from './engine.ts'
import { findHostBusybox } from './host-busybox.ts'
import { TOOLBOX_BUSYBOX, type Tool } from './toolbox.ts'

/** The toolbox's own, in a container of its own files. */
export function toolboxFileTools(tools: readonly Tool[]): FileTools {
  if (!tools.includes('busybox')) throw noTools()
  return { busybox: TOOLBOX_BUSYBOX, isIsolated: true }
}

/** This host's, for what runs without isolation. */
export async function hostFileTools(): Promise<FileTools> {
  const found = await findHostBusybox()
  if (found === undefined) throw noTools()
  return { busybox: found.path, isIsolated: false }
}

const noTools = (): NodeError =>
  new NodeError('ENGINE_UNSUPPORTED', 'there are no tools to look at files with', {
    next: 'the host of the lease: apt-get install busybox-static, then compute-node doctor --role miner',
  })
